// Options of a server that change what it shows.
import { afterEach, expect, test } from '@jest/globals';
import { json } from '@ekiben/io-descriptors';
import { Service } from '@ekiben/service';
import { serve } from '../src/index.ts';
import type { RunningServer, ServeOptions } from '../src/index.ts';

let running: RunningServer | undefined;
afterEach(() => running?.close());

const number = json({ type: 'number' } as const);
const svc = new Service('s').api('double', { input: number, output: number }, (x) => 2 * x);

async function start(options: ServeOptions): Promise<string> {
  return (running = await serve(svc, { port: 0, ...options })).url;
}

const ask = (url: string, body = '2', headers: Readonly<Record<string, string>> = {}) =>
  fetch(`${url}/double`, { method: 'POST', body, headers: { ...headers, 'content-type': 'application/json' } });

test('metrics begin with the namespace, and have the buckets', async () => {
  const url = await start({ metrics: { namespace: 'mine', buckets: [0.5, 2] } });
  expect((await ask(url)).status).toBe(200);
  const text = await (await fetch(`${url}/metrics`)).text();
  expect(text).toMatch(/^mine_request_total\{endpoint="\/double",.*\} 1$/m);
  expect([...text.matchAll(/^mine_request_duration_seconds_bucket\{le="([^"]+)"/gm)].map(([, le]) => le)).toEqual(
    expect.arrayContaining(['0.5', '2', '+Inf']),
  );
  expect(text).not.toContain('le="0.005",endpoint');
});

test('metrics that are off have no page', async () => {
  const url = await start({ metrics: { enabled: false } });
  expect((await fetch(`${url}/metrics`)).status).toBe(404);
  expect((await ask(url)).status).toBe(200);
});

test('pages of other origins are let in, refusals included', async () => {
  const url = await start({ cors: { origins: ['https://app.example'], methods: ['POST'] } });
  const origin = 'https://app.example';
  const answers = [await ask(url, '2', { origin }), await ask(url, '"two"', { origin })];
  expect(answers.map(({ status }) => status)).toEqual([200, 400]);
  for (const { headers } of answers) expect(headers.get('access-control-allow-origin')).toBe(origin);
});
