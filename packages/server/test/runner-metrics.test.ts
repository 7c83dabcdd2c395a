// What /metrics says of runners in processes of their own.
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { serve } from '../src/index.ts';
import type { RunningServer } from '../src/index.ts';
import { bentomlAnswer, type credit } from './credit.ts';
import { postJson } from './raw.ts';

const module = fileURLToPath(new URL('batching-service.mjs', import.meta.url));
let server: RunningServer;

beforeAll(async () => {
  const { svc } = (await import(module)) as { svc: typeof credit };
  server = await serve(svc, { port: 0, module, version: 'v1' });
});
afterAll(() => server.close());

const ask = (path: string, body: unknown) => postJson(server.url + path, JSON.stringify(body));

const scrape = async () => (await fetch(`${server.url}/metrics`)).text();

/** The samples of a metric, by what its labels say beside the service. */
function samplesOf(text: string, name: string): Map<string, number> {
  const samples = new Map<string, number>();
  for (const line of text.split('\n')) {
    const [, found, labels = '', value] = /^(\w+)\{(.*)\} (\S+)$/.exec(line) ?? [];
    if (found !== name) continue;
    const [service, others] = [/^service_/, /^(?!service_)/].map((pattern) =>
      labels
        .split(',')
        .filter((label) => pattern.test(label))
        .toSorted()
        .join(),
    );
    expect(service).toBe('service_name="texts",service_version="v1"');
    samples.set(others as string, Number(value));
  }
  return samples;
}

const sum = (samples: Map<string, number>) => [...samples.values()].reduce((total, value) => total + value, 0);

/** Workers tell of their batches a little later, and that one ended is known a little later than that its calls failed. */
async function untilSum(name: string, expected: number): Promise<string> {
  for (;;) {
    const text = await scrape();
    if (sum(samplesOf(text, name)) === expected) return text;
    await sleep(20);
  }
}

test('calls at once meet in batches, which are counted as BentoML counts them', async () => {
  const answers = await Promise.all(
    Array.from({ length: 40 }, async (_, i) => (await ask('/lengths', 'x'.repeat(i))).json()),
  );
  expect(answers).toEqual(Array.from({ length: 40 }, (_, i) => i));
  const text = await untilSum('bentoml_runner_adaptive_batch_size_sum', 40);
  const labels = 'method_name="text_lengths",runner_name="texts",worker_index="1"';
  const batches = samplesOf(text, 'bentoml_runner_adaptive_batch_size_count').get(labels) as number;
  expect(batches).toBeGreaterThanOrEqual(2); // of 20 at most
  expect(batches).toBeLessThan(20); // more than two calls in each
  const buckets = [...samplesOf(text, 'bentoml_runner_adaptive_batch_size_bucket').keys()];
  expect(buckets).toEqual(['1', '2', '4', '8', '16', '20', '+Inf'].map((le) => `le="${le}",${labels}`));
  expect(samplesOf(text, 'ekiben_runner_queue_duration_seconds_count').get(labels)).toBe(batches);
  expect(samplesOf(text, 'ekiben_runner_batch_duration_seconds_sum').get(labels)).toBeGreaterThan(batches * 0.0049);
  const method = 'endpoint="/text_lengths"';
  expect(samplesOf(text, 'bentoml_runner_request_total')).toEqual(
    new Map([[`${method},http_response_code="200",runner_name="texts"`, 40]]),
  );
  expect(samplesOf(text, 'bentoml_runner_request_in_progress')).toEqual(
    new Map([[`${method},runner_name="texts"`, 0]]),
  );
});

test('help texts, types and names of labels are those of BentoML', async () => {
  const ours = await scrape();
  const { body: theirs } = await bentomlAnswer('metrics');
  for (const name of ['request_total', 'request_duration_seconds', 'request_in_progress', 'adaptive_batch_size']) {
    const about = (text: string) =>
      text.split('\n').filter((line) => line.startsWith('#') && line.split(' ')[2] === `bentoml_runner_${name}`);
    expect(about(theirs)).toHaveLength(2);
    expect(about(ours)).toEqual(about(theirs));
    const labels = (text: string) => {
      const line = text.split('\n').find((each) => each.startsWith(`bentoml_runner_${name}`)) ?? '';
      return new Set([...line.matchAll(/(\w+)="/g)].map(([, label]) => label).filter((label) => label !== 'le'));
    };
    expect(labels(theirs)).toContain('runner_name');
    expect(labels(ours)).toEqual(labels(theirs));
  }
});

test('a call that is turned away is counted with the reason', async () => {
  const statuses = await Promise.all(Array.from({ length: 400 }, async () => (await ask('/slow', 'x')).status));
  const answered = statuses.filter((status) => status === 200).length;
  const refused = statuses.filter((status) => status === 503 || status === 504).length;
  expect(answered + refused).toBe(400);
  expect(answered).toBeGreaterThan(0);
  expect(refused).toBeGreaterThan(0);
  const text = await scrape();
  const byReason = samplesOf(text, 'ekiben_runner_refused_total');
  expect(sum(byReason)).toBe(refused);
  for (const labels of byReason.keys()) expect(labels).toMatch(/^method_name="slow",reason="(overloaded|deadline)"/);
  const byStatus = samplesOf(text, 'bentoml_runner_request_total');
  expect(byStatus.get('endpoint="/slow",http_response_code="200",runner_name="texts"')).toBe(answered);
});

test('a stream is one call', async () => {
  expect(await (await ask('/letters', 'abc')).text()).toBe('abc');
  expect(
    samplesOf(await scrape(), 'bentoml_runner_request_total').get(
      'endpoint="/letters",http_response_code="200",runner_name="texts"',
    ),
  ).toBe(1);
});

test('a process that is started anew is counted', async () => {
  expect((await ask('/crash', null)).status).toBe(503);
  const text = await untilSum('ekiben_runner_restarts_total', 1);
  expect(samplesOf(text, 'ekiben_runner_restarts_total')).toEqual(
    new Map([['reason="crashed",runner_name="texts",worker_index="1"', 1]]),
  );
  expect(
    samplesOf(text, 'bentoml_runner_request_total').get(
      'endpoint="/crash",http_response_code="503",runner_name="texts"',
    ),
  ).toBe(1);
});
