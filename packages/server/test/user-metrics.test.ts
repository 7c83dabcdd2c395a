/** Metrics of a service's own, in one process. */
import { afterAll, expect, test } from '@jest/globals';
import { json } from '@ekiben/io-descriptors';
import { Service } from '@ekiben/service';
import { metrics, serve } from '../src/index.ts';
import { postJson } from './raw.ts';

const any = { input: json({}), output: json({}) };
const options = { name: 'declined_total', help: 'Applications declined', labelNames: ['job'] } as const;

const service = new Service('s').api('decline', any, () => {
  metrics.counter(options).inc({ job: 'freelance' });
  return null;
});
const server = await serve(service, { port: 0 });
afterAll(() => server.close());

test('stand beside those of the server', async () => {
  await postJson(`${server.url}/decline`, 'null');
  await postJson(`${server.url}/decline`, 'null');
  const text = await (await fetch(`${server.url}/metrics`)).text();
  expect(text).toContain('# TYPE declined_total counter\ndeclined_total{job="freelance"} 2\n');
  expect(text).toContain('bentoml_api_server_request_total{endpoint="/decline"');
});

test('a name is one metric, whoever asks', () => {
  expect(metrics.counter(options)).toBe(metrics.counter(options));
});

test.each([
  ['another kind', () => metrics.gauge({ name: 'declined_total', help: 'x' }), "'declined_total' is a Counter already"],
  ['the server’s own', () => metrics.counter({ name: 'bentoml_x', help: 'x' }), 'are the server’s own'],
  ['no name', () => metrics.counter({ name: 'a b', help: 'x' }), "'a b': Invalid metric name"],
])('refuses %s by name', (_, make, message) => {
  expect(make).toThrow(
    expect.objectContaining({ code: 'EKIBEN_METRIC_INVALID', message: expect.stringContaining(message) }),
  );
});
