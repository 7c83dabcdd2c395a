import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';
import type { ServeOptions } from '../src/index.ts';
import { startCollector } from './collector.ts';

const program = fileURLToPath(new URL('./access-log-service.mjs', import.meta.url));

/** What it writes where nobody looks on. */
async function served(options: ServeOptions = {}) {
  const args = [program, JSON.stringify(options)];
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args);
  const lines = stdout.trim().split('\n');
  return { lines: lines.map((line) => JSON.parse(line) as object), headers: new Headers(JSON.parse(stderr)) };
}

test('a line of JSON a request, but none for probes and scrapers', async () => {
  const { lines } = await served();
  expect(lines).toEqual([
    expect.objectContaining({
      service: 'echo',
      client: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
      requestId: 'mine',
      scheme: 'http',
      request: { method: 'POST', path: '/echo', type: 'application/json', length: 3 },
      response: { status: 200, type: 'application/json', length: 3 },
      durationMs: expect.any(Number),
    }),
    expect.objectContaining({ response: expect.objectContaining({ status: 404, type: 'application/problem+json' }) }),
  ]);
});

test('what is not wanted in it is left out', async () => {
  const { lines } = await served({
    accessLog: {
      requestContentLength: false,
      requestContentType: false,
      responseContentLength: false,
      responseContentType: false,
      skipPaths: ['/nowhere', '/metrics'],
    },
  });
  expect(lines).toEqual([
    expect.objectContaining({ request: { method: 'POST', path: '/echo' }, response: { status: 200 } }),
    expect.objectContaining({ request: { method: 'GET', path: '/livez' }, response: { status: 200 } }),
  ]);
});

test('has the ids of the spans, where there are some, and so have the answers', async () => {
  const collector = await startCollector();
  try {
    const { lines, headers } = await served({
      tracing: { protocol: 'http/json', endpoint: collector.endpoint },
      accessLog: { spanIdFormat: 'd' },
      traceId: true,
    });
    const [span] = collector.spans.filter(({ name }) => name === 'POST /echo');
    expect(lines[0]).toMatchObject({
      trace_id: '4bf92f3577b34da6a3ce929d0e0e4736',
      span_id: String(BigInt(`0x${span?.spanId}`)),
      trace_flags: '01',
    });
    expect(headers.get('x-bentoml-trace-id')).toBe('4bf92f3577b34da6a3ce929d0e0e4736');
  } finally {
    await collector.close();
  }
});
