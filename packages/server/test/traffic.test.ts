import { afterEach, expect, test } from '@jest/globals';
import { json } from '@ekiben/io-descriptors';
import { Service } from '@ekiben/service';
import { serve } from '../src/index.ts';
import type { RunningServer, ServeOptions } from '../src/index.ts';

const text = json({ type: 'string' } as const);

let running: RunningServer | undefined;
afterEach(() => running?.close());

/** `slow` answers when it is let. */
async function start(options: ServeOptions) {
  const waiting: ((answer: string) => void)[] = [];
  const aborted: unknown[] = [];
  const svc = new Service('s')
    .api('slow', { input: text, output: text }, (_, ctx) => {
      ctx.signal.addEventListener('abort', () => aborted.push(ctx.signal.reason));
      return new Promise<string>((resolve) => waiting.push(resolve));
    })
    .api('quick', { input: text, output: text }, (value) => value);
  running = await serve(svc, { port: 0, graceMs: 1000, ...options });
  const { url } = running;
  const ask = (path: string) =>
    fetch(url + path, { method: 'POST', body: '"a"', headers: { 'content-type': 'application/json' } });
  const asking = async (count: number) => {
    while (waiting.length < count) await new Promise((resolve) => setTimeout(resolve, 5));
  };
  return { url, ask, waiting, aborted, asking };
}

test('what takes too long is answered with 504, told so, and its late answer dropped', async () => {
  const { ask, waiting, aborted, url } = await start({ timeoutMs: 100 });
  const [first, second] = await Promise.all([ask('/slow'), ask('/slow')]);
  expect([first.status, second.status]).toEqual([504, 504]);
  expect(await first.json()).toMatchObject({
    type: 'urn:ekiben:error:EKIBEN_DEADLINE_EXCEEDED',
    detail: 'The service did not answer within 0.1 s.',
  });
  expect(aborted).toEqual([0, 1].map(() => expect.objectContaining({ code: 'EKIBEN_DEADLINE_EXCEEDED' })));
  for (const answer of waiting) answer('late');
  expect((await ask('/quick')).status).toBe(200);
  const metrics = await (await fetch(`${url}/metrics`)).text();
  expect(metrics).toMatch(/request_total\{endpoint="\/slow",http_response_code="504",.*\} 2\n/);
  expect(metrics).toMatch(/request_in_progress\{endpoint="\/slow",.*\} 0\n/);
});

test('a client that says how long it waits brings the deadline nearer, and nothing else does', async () => {
  const Left = { input: text, output: json({ type: 'number' } as const) };
  const svc = new Service('s').api('left', Left, (_, ctx) => (ctx.deadline ?? Infinity) - performance.now());
  running = await serve(svc, { port: 0, timeoutMs: 10_000 });
  const left = async (timeout: string) => {
    const headers = { 'content-type': 'application/json', 'x-request-timeout-ms': timeout };
    const response = await fetch(`${running?.url}/left`, { method: 'POST', body: '"a"', headers });
    return (await response.json()) as number;
  };
  expect(await left('1000')).toBeLessThanOrEqual(1000);
  expect(await left('0')).toBeLessThanOrEqual(0);
  for (const none of ['20000', '-1', '1e3', 'soon', '99999999999999']) expect(await left(none)).toBeGreaterThan(1000);
});

test('more than so many at once are told 429, and when to come again; pages are always there', async () => {
  const { ask, waiting, url, asking } = await start({ maxConcurrency: 2 });
  const pending = [ask('/slow'), ask('/slow')];
  await asking(2);
  const refused = await ask('/quick');
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '1']);
  for (const path of ['/readyz', '/metrics', '/docs.json']) expect((await fetch(url + path)).status).toBe(200);
  for (const answer of waiting) answer('now');
  expect((await Promise.all(pending)).map(({ status }) => status)).toEqual([200, 200]);
  expect((await ask('/quick')).status).toBe(200);
});
