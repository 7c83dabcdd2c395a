import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { serve } from '@ekiben/server';
import type { RunningServer } from '@ekiben/server';
import { client } from '../src/index.ts';
import type { Client } from '../src/index.ts';
import { cutOff, ok, scripted, status, svc } from './services.ts';

let server: RunningServer;
let all: Client<typeof svc>;

beforeAll(async () => {
  server = await serve(svc, { port: 0 });
  all = client<typeof svc>(server.url);
});

afterAll(() => server.close());

async function gather<T>(items: AsyncIterable<T>): Promise<T[]> {
  const gathered: T[] = [];
  for await (const item of items) gathered.push(item);
  return gathered;
}

test('an API of another path and method is called by its name', async () => {
  expect(await all.decide({ income: 1200 })).toEqual({ status: 'APPROVED' });
});

test('text, arrays, bytes and forms go out and come back as they are', async () => {
  expect(await all.shout('"é"')).toBe('"É"');
  expect(await all.double([[1, 2.5]])).toEqual([[1, 2.5]]);
  const bytes = new Uint8Array([1, 2, 3]);
  expect(await all.reverse(bytes)).toEqual(new Uint8Array([3, 2, 1]));
  expect(await all.reverse(new Blob([bytes]))).toEqual(new Uint8Array([3, 2, 1]));
  expect(await gather(all.reverse.stream(bytes))).toEqual([new Uint8Array([3, 2, 1])]);
  expect(await all.measure({ meta: { unit: 'bytes' }, data: new Blob(['four']) })).toBe('4 bytes');
});

test('an API that takes nothing is called with nothing, by GET or POST', async () => {
  expect(await all.motto()).toBe('No pain, no gain');
  expect(await all.reset()).toBeNull();
  await expect(all.reset(1 as unknown as undefined)).rejects.toHaveProperty('code', 'EKIBEN_CLIENT_INPUT');
});

test('streams come item by item: text, lines, events', async () => {
  expect((await gather(all.words.stream({ to: 3 }))).join('')).toBe('word 0, é word 1, é word 2, é ');
  expect(await gather(all.rows.stream({ to: 3 }))).toEqual([{ i: 0 }, { i: 1 }, { i: 2 }]);
  expect(await gather(all.events.stream({ to: 2 }))).toEqual([
    { event: 'tick', id: '0', data: { i: 0 } },
    { event: 'tick', id: '1', data: { i: 1 } },
  ]);
});

test('a stream goes in item by item', async () => {
  async function* numbers() {
    for (let i = 1; i <= 4; i++) yield i;
  }
  expect(await all.total(numbers())).toBe(10);
});

test('a reader that leaves a stream ends it', async () => {
  for await (const row of all.rows.stream({ to: 1_000_000 })) if (row.i === 5) break;
  expect(await all.shout('still there')).toBe('STILL THERE');
});

test('a problem is an EkibenError with the service’s code, status and every fault', async () => {
  await expect(all.decide({ income: 'much' as unknown as number })).rejects.toMatchObject({
    code: 'EKIBEN_INVALID_INPUT',
    details: { status: 400, errors: [{ pointer: '/income', message: expect.any(String) }] },
  });
  const once = client<typeof svc>(server.url, { retries: 0 });
  await expect(once.fail(null)).rejects.toMatchObject({
    code: 'EKIBEN_BATCHER_OVERLOADED',
    details: { status: 503, retryAfterMs: 7_000 },
  });
});

test('a problem that the user made keeps what it says', async () => {
  const problem = { type: 'https://example.com/out-of-credit', title: 'Out of credit', status: 402, balance: 30 };
  const { url, close } = await scripted((_request, response) =>
    response.writeHead(402, { 'content-type': 'application/problem+json' }).end(JSON.stringify(problem)),
  );
  await expect(named(url).go(null)).rejects.toMatchObject({
    code: 'EKIBEN_CLIENT_STATUS',
    message: 'Out of credit',
    details: { status: 402, balance: 30 },
  });
  close();
});

test('an API that is none is told with those that are', async () => {
  const untyped = all as unknown as Record<string, (input: unknown) => Promise<unknown>>;
  await expect(untyped['nope']?.(1)).rejects.toMatchObject({ code: 'EKIBEN_API_NOT_FOUND', message: /decide, shout/ });
});

test('a call ends at its deadline, and when its signal does', async () => {
  await expect(all.hang(null, { timeoutMs: 50 })).rejects.toMatchObject({ code: 'EKIBEN_DEADLINE_EXCEEDED' });
  const stopped = new AbortController();
  const call = all.hang(null, { signal: stopped.signal });
  stopped.abort(new Error('enough'));
  await expect(call).rejects.toThrow('enough');
});

test('a client is no promise', async () => {
  expect(await Promise.resolve(all)).toBe(all);
});

test('headers of client and call are sent, also those of a function', async () => {
  const { url, seen, close } = await scripted(ok);
  const made = client<Go>(url, { headers: async () => ({ 'x-api-key': 'k', 'x-a': '1' }), routes: { go: {} } });
  await made.go(null, { headers: { 'x-a': '2' } });
  expect(seen[0]?.headers).toMatchObject({ 'x-api-key': 'k', 'x-a': '2', 'content-type': 'application/json' });
  close();
});

test('the service is told how long a call has, but not of a stream, which goes on', async () => {
  const { url, seen, close } = await scripted(status(503, { 'retry-after': '0' }), ok);
  const { go } = client<Go>(url, { routes: { go: {} } });
  await go(null, { timeoutMs: 5_000 });
  await go(null, { timeoutMs: Infinity });
  const streaming = client<typeof svc>(url, { routes: { words: {} } });
  await gather(streaming.words.stream({ to: 1 }));
  const [first, second, ...rest] = seen.map(({ headers }) => headers['x-request-timeout-ms']);
  expect(Number(first)).toBeGreaterThan(4_000);
  expect(Number(second)).toBeLessThanOrEqual(Number(first));
  expect(rest).toEqual([undefined, undefined]);
  close();
});

interface Go {
  readonly '~apis'?: { readonly go: { readonly sends: null; readonly gets: string } };
}

const named = (url: string) => client<Go>(url, { routes: { go: {} } });

test.each([
  ['503 with Retry-After', status(503, { 'retry-after': '0' })],
  ['429 with Retry-After', status(429, { 'retry-after': new Date(0).toUTCString() })],
])('%s was refused before work: tried again', async (_name, refusal) => {
  const { url, seen, close } = await scripted(refusal, refusal, ok);
  expect(await named(url).go(null)).toBe('done');
  expect(seen).toHaveLength(3);
  close();
});

test.each([
  ['502', status(502)],
  ['503', status(503)],
  ['504', status(504)],
  ['a broken connection', cutOff],
])('%s may have come after the work: tried again only where that does no harm', async (_name, failure) => {
  const { url, seen, close } = await scripted(failure);
  await expect(named(url).go(null)).rejects.toHaveProperty('code', expect.stringMatching(/^EKIBEN_CLIENT_/));
  expect(seen).toHaveLength(1);
  await expect(named(url).go(null, { idempotent: true })).rejects.toHaveProperty('code');
  expect(seen).toHaveLength(1 + 3);
  close();
});

test.each([400, 401, 404, 500])('%i is never tried again', async (code) => {
  const { url, seen, close } = await scripted(status(code, { 'retry-after': '0' }));
  await expect(named(url).go(null, { idempotent: true })).rejects.toHaveProperty('details.status', code);
  expect(seen).toHaveLength(1);
  close();
});

test('a stream that was sent is not sent again', async () => {
  const { url, seen, close } = await scripted(status(503, { 'retry-after': '0' }));
  const { total } = client<typeof svc>(url, { routes: { total: { mediaType: 'application/x-ndjson' } } });
  async function* numbers() {
    yield 1;
  }
  await expect(total(numbers())).rejects.toHaveProperty('details.status', 503);
  expect(seen).toHaveLength(1);
  close();
});

test('a refused connection is tried again until the service is there', async () => {
  let tries = 0;
  const refusing = (async () => {
    tries += 1;
    if (tries < 3) throw new TypeError('fetch failed', { cause: { code: 'ECONNREFUSED' } });
    return Response.json('done');
  }) as typeof fetch;
  expect(await client<Go>('http://service', { fetch: refusing, routes: { go: {} } }).go(null)).toBe('done');
  const { url, close } = await scripted(ok);
  close();
  await expect(named(url).go(null)).rejects.toMatchObject({
    code: 'EKIBEN_CLIENT_CONNECTION',
    message: /ECONNREFUSED/,
  });
});

test('nobody waits longer for a retry than the call may take', async () => {
  const { url, seen, close } = await scripted(status(503, { 'retry-after': '3600' }));
  await expect(named(url).go(null)).rejects.toHaveProperty('details.retryAfterMs', 3_600_000);
  expect(seen).toHaveLength(1);
  close();
});

test('an answer that breaks off is no value', async () => {
  const { url, close } = await scripted((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': 10 }).write('"do');
    setTimeout(() => response.destroy(), 10);
  });
  await expect(named(url).go(null)).rejects.toHaveProperty('code', 'EKIBEN_CLIENT_CONNECTION');
  close();
});

test('the documents of another server are none', async () => {
  const { url, close } = await scripted(ok);
  await expect(client<Go>(url).go(null)).rejects.toHaveProperty('code', 'EKIBEN_CLIENT_UNEXPECTED_ANSWER');
  close();
});

test.each(['', 'localhost:3000', 'ftp://host'])('%p is no URL of a service', (url) => {
  expect(() => client(url)).toThrow(expect.objectContaining({ code: 'EKIBEN_CLIENT_URL' }));
});

test('calls share one look at the documentation, and connections', async () => {
  const ports = new Set<number | undefined>();
  const paths: string[] = [];
  const { url, close } = await scripted((request, response) => {
    ports.add(request.socket.remotePort);
    paths.push(request.url ?? '');
    const go = { post: { 'x-bentoml-name': 'go', requestBody: { content: { 'application/json': {} } } } };
    const body = request.url === '/docs.json' ? { paths: { '/somewhere': go } } : 'done';
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  const made = client<Go>(url);
  for (let i = 0; i < 5; i++) expect(await made.go(null)).toBe('done');
  expect(paths).toEqual(['/docs.json', ...Array<string>(5).fill('/somewhere')]);
  // Two where an answer is read before its connection is free again.
  expect(ports.size).toBeLessThanOrEqual(2);
  close();
});

test('what JSON cannot hold is refused before it is sent', async () => {
  const { go } = client<Go>('http://service', { routes: { go: {} } });
  await expect(go((2n ** 60n + 1n) as unknown as null)).rejects.toHaveProperty('code', 'EKIBEN_CLIENT_INPUT');
  await expect(go(undefined as unknown as null)).rejects.toHaveProperty('code', 'EKIBEN_CLIENT_INPUT');
});
