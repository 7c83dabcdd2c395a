/** Spans of a server, as a collector gets them. */
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { trace } from '@opentelemetry/api';
import { json } from '@ekiben/io-descriptors';
import { Service } from '@ekiben/service';
import { serve, serveProduction } from '../src/index.ts';
import type { RunningServer, TracingOptions } from '../src/index.ts';
import { startCollector } from './collector.ts';
import type { Collector, ReceivedSpan } from './collector.ts';
import { postJson } from './raw.ts';

const [SERVER, CLIENT] = [2, 3];
const ERROR = 2;

const module = fileURLToPath(new URL('tracing-service.mjs', import.meta.url));
const caller = {
  traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
  tracestate: 'vendor=t61rcWkgMzE',
};

let collector: Collector;
let server: RunningServer | undefined;
beforeEach(async () => {
  collector = await startCollector();
});
afterEach(async () => {
  await server?.close();
  server = undefined;
  await collector.close();
});

const any = { input: json({}), output: json({}) };
const tracing = (options: TracingOptions = {}): TracingOptions => ({
  protocol: 'http/json',
  endpoint: collector.endpoint,
  ...options,
});

async function startProduction(options?: TracingOptions): Promise<RunningServer> {
  return (server = await serveProduction({ module, port: 0, apiWorkers: 1, tracing: tracing(options), version: '7' }));
}

/** Every span, after the server has sent the last ones. */
async function received({ close }: RunningServer): Promise<readonly ReceivedSpan[]> {
  await close();
  return collector.spans;
}

const named = (spans: readonly ReceivedSpan[], name: string) => spans.filter((span) => span.name === name);

const idsOf = (spans: readonly { readonly spanId: string }[]) => new Set(spans.map(({ spanId }) => spanId));

describe('in production', () => {
  test('a batch has links to its calls, which are children of their requests', async () => {
    const running = await startProduction();
    const texts = ['a', 'bb', 'ccc', 'dddd', 'eeeee'];
    const answers = await Promise.all(texts.map((text) => postJson(`${running.url}/lengths`, JSON.stringify(text))));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);

    const spans = await received(running);
    const requests = named(spans, 'POST /lengths');
    const calls = named(spans, 'texts/text_lengths');
    const batches = named(spans, 'texts/text_lengths batch');
    expect([requests.length, calls.length]).toEqual([5, 5]);
    expect(new Set(calls.map(({ parentSpanId }) => parentSpanId))).toEqual(idsOf(requests));
    expect(batches.length).toBeLessThan(5);
    const links = batches.flatMap((batch) => batch.links ?? []);
    expect(links).toHaveLength(5);
    expect(idsOf(links)).toEqual(idsOf(calls));
    for (const batch of batches) {
      expect(calls.map(({ spanId }) => spanId)).toContain(batch.parentSpanId);
      expect(batch.attributes['ekiben.batch.calls']).toBe(batch.links?.length);
      expect(batch.attributes['ekiben.batch.rows']).toBe(batch.links?.length);
    }
    expect(requests.map(({ kind }) => kind)).toEqual([SERVER, SERVER, SERVER, SERVER, SERVER]);
    expect(requests[0]?.attributes).toMatchObject({
      'http.request.method': 'POST',
      'http.route': '/lengths',
      'http.response.status_code': 200,
      'url.scheme': 'http',
      'client.address': '127.0.0.1',
    });
    expect(calls[0]).toMatchObject({
      kind: CLIENT,
      attributes: { 'rpc.service': 'texts', 'rpc.method': 'text_lengths' },
    });

    const [request, batch] = [requests[0]?.resource, batches[0]?.resource];
    expect(request).toMatchObject({ 'service.name': 'texts', 'service.version': '7' });
    expect(batch).toMatchObject({ 'service.name': 'texts', 'service.version': '7', 'ekiben.runner': 'texts' });
    expect(batch?.['process.pid']).not.toBe(request?.['process.pid']);
  });

  test("a caller's trace goes on, through the process of a runner", async () => {
    const running = await startProduction({ sampleRate: 0 });
    const ask = (headers: Record<string, string>) =>
      fetch(`${running.url}/alone`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: '"abc"',
      });
    expect((await ask(caller)).status).toBe(200);
    expect((await ask({})).status).toBe(200);
    expect((await ask({ traceparent: caller.traceparent.replace(/01$/, '00') })).status).toBe(200);

    const spans = await received(running);
    expect(spans.map(({ traceId, traceState }) => ({ traceId, traceState }))).toEqual(
      Array(3).fill({ traceId: '4bf92f3577b34da6a3ce929d0e0e4736', traceState: caller.tracestate }),
    );
    const [request] = named(spans, 'POST /alone');
    const [call] = spans.filter(({ kind, name }) => kind === CLIENT && name === 'texts/alone');
    const [computed] = spans.filter(({ kind, name }) => kind === SERVER && name === 'texts/alone');
    expect(request?.parentSpanId).toBe('00f067aa0ba902b7');
    expect(call?.parentSpanId).toBe(request?.spanId);
    expect(computed?.parentSpanId).toBe(call?.spanId);
    expect(computed?.resource['process.pid']).not.toBe(call?.resource['process.pid']);
  });

  test('what fails is told so, with its code', async () => {
    const running = await startProduction();
    expect((await postJson(`${running.url}/lengths`, '"bad"')).status).toBe(500);
    expect((await postJson(`${running.url}/lengths`, 'no JSON')).status).toBe(400);
    const spans = await received(running);
    for (const name of ['texts/text_lengths', 'texts/text_lengths batch']) {
      expect(named(spans, name)).toMatchObject([
        { status: { code: ERROR, message: 'no such text' }, attributes: { 'error.type': 'RangeError' } },
      ]);
    }
    expect(named(spans, 'POST /lengths')).toMatchObject([
      { status: { code: ERROR }, attributes: { 'http.response.status_code': 500, 'error.type': '500' } },
      { status: { code: 0 }, attributes: { 'http.response.status_code': 400 } },
    ]);
  });
});

describe('in one process', () => {
  test("spans of the API's own are inside that of the request", async () => {
    const tracer = trace.getTracer('mine');
    const svc = new Service('mine').api('work', any, async () => {
      await new Promise(setImmediate);
      return tracer.startActiveSpan('work', (span) => {
        span.end();
        return span.spanContext().traceId;
      });
    });
    const running = (server = await serve(svc, { port: 0, tracing: tracing() }));
    const traceId: unknown = await (await postJson(`${running.url}/work`, 'null')).json();
    const spans = await received(running);
    const [request] = named(spans, 'POST /work');
    expect(request?.traceId).toBe(traceId);
    expect(named(spans, 'work')[0]?.parentSpanId).toBe(request?.spanId);
    expect(request?.resource).toMatchObject({ 'service.name': 'mine' });
  });

  test('probes, scrapers and what is excluded make no spans; unknown paths no names', async () => {
    const svc = new Service('s').api('a', any, () => 1).api('b', any, () => 2);
    let running = (server = await serve(svc, { port: 0, tracing: tracing() }));
    for (const path of ['/livez', '/readyz', '/healthz', '/metrics', '/scan.php']) await fetch(running.url + path);
    expect((await received(running)).map(({ name }) => name)).toEqual(['GET']);

    running = server = await serve(svc, { port: 0, tracing: tracing({ excludedUrls: ['^/a', 'z$'] }) });
    for (const path of ['/a', '/livez', '/b']) await postJson(running.url + path, 'null');
    expect((await received(running)).map(({ name }) => name)).toEqual(['GET', 'POST /b']);
  });

  test('a collector that never answers holds up neither the answers nor the end', async () => {
    const dead = await startCollector({ isDead: true });
    try {
      const running = await serve(
        new Service('s').api('a', any, () => 1),
        {
          port: 0,
          tracing: tracing({ endpoint: dead.endpoint, timeoutMs: 4000 }),
        },
      );
      expect((await postJson(`${running.url}/a`, 'null')).status).toBe(200);
      await running.close();
    } finally {
      await dead.close();
    }
    expect(collector.spans).toEqual([]);
  });

  test('a protocol that is not spoken is named', async () => {
    process.env['OTEL_EXPORTER_OTLP_PROTOCOL'] = 'grpc';
    try {
      await expect(serve(new Service('s'), { port: 0, tracing: {} })).rejects.toMatchObject({
        code: 'EKIBEN_TRACING_PROTOCOL',
        message: expect.stringContaining('http/protobuf') as unknown,
      });
    } finally {
      delete process.env['OTEL_EXPORTER_OTLP_PROTOCOL'];
    }
  });
});
