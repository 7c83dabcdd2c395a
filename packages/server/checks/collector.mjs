// Traces as a real OpenTelemetry collector receives them from `ekiben serve`: parents, children, links, attributes and states, contexts in
// and through every process, what the log says of them, and what becomes of a service whose collector is gone.
//
//     node checks/collector.mjs
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { check, finish, freePort, temporary } from '../../store/checks/harness.mjs';
import { buildCollector, Collector } from './otelcol.mjs';

const [INTERNAL, SERVER, CLIENT] = [1, 2, 3];
const ERROR = 2;
const bin = fileURLToPath(new URL('../../cli/dist/bin.js', import.meta.url));
const service = fileURLToPath(new URL('collector-service.mjs', import.meta.url));

const traceId = (n) => `4bf92f3577b34da6a3ce929d${n.toString(16).padStart(8, '0')}`;
const callerOf = (n, flags = '01') => ({
  traceparent: `00-${traceId(n)}-00f067aa0ba902b7-${flags}`,
  tracestate: 'vendor=t61rcWkgMzE',
});

/** `ekiben serve`, as a user starts it. */
class Server {
  lines = [];
  errors = '';

  static async start(args, env = {}, configuration = '{}') {
    const server = new Server();
    const config = join(temporary(), 'bentoconfiguration.yaml');
    writeFileSync(config, configuration);
    const command = [bin, 'serve', `${service}:svc`, '--port', '0', '--config', config, ...args];
    server.process = spawn(process.execPath, command, { env: { ...process.env, ...env } });
    process.on('exit', () => server.process.kill('SIGKILL'));
    server.process.stderr.on('data', (chunk) => (server.errors += chunk));
    server.url = await new Promise((resolve, reject) => {
      server.process.once('exit', () => reject(new Error(`it did not start:\n${server.errors}`)));
      createInterface(server.process.stdout).on('line', (line) => {
        server.lines.push(line);
        const found = /Serving.* on (http:\S+)/.exec(line)?.[1];
        if (found !== undefined) resolve(found);
      });
    });
    return server;
  }

  /** Over a connection of its own, so that every API worker gets some. */
  async post(path, value, headers = {}) {
    const answer = await fetch(`${this.url}/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', connection: 'close', ...headers },
      body: JSON.stringify(value),
    });
    await answer.text();
    return answer;
  }

  /** The entries of its access log. */
  get log() {
    return this.lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line));
  }

  async stop() {
    const ended = once(this.process, 'close');
    this.process.kill('SIGTERM');
    const [code] = await ended;
    return code;
  }
}

/** Of any kind, if none is said. */
const named = (spans, name, ...kinds) =>
  spans.filter((span) => span.name === name && (kinds.length === 0 || kinds.includes(span.kind)));
const idOf = ({ traceId, spanId }) => `${traceId} ${spanId}`;
const parentOf = ({ traceId, parentSpanId }) => `${traceId} ${parentSpanId}`;
const ids = (spans) => new Set(spans.map(idOf));
const distinct = (values) => new Set(values).size;

const built = performance.now();
buildCollector();
console.log(`the collector is there after ${((performance.now() - built) / 1000).toFixed(0)} s`);

const REQUESTS = 60;
const port = await freePort();
const collector = await Collector.start(port);
const server = await Server.start(
  ['--production', '--api-workers', '2'],
  { OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=check,team=credit' },
  `
tracing:
  exporter_type: otlp
  otlp: { protocol: http, endpoint: "http://127.0.0.1:${port}/v1/traces", compression: gzip }
api_server: { http: { response: { trace_id: true } } }
`,
);
const statuses = [];
for (let begun = 0; begun < REQUESTS; begun += 20) {
  const burst = Array.from({ length: 20 }, (_, i) => server.post('lengths', `text ${begun + i}`, callerOf(begun + i)));
  for (const answer of await Promise.all(burst)) statuses.push(answer.status);
}
const bad = await server.post('lengths', 'bad');
const alone = await server.post('alone', 'abc', callerOf(1000));
await server.post('here', null);
await fetch(`${server.url}/no/such?page=1`);
await fetch(`${server.url}/readyz`);
const code = await server.stop();
const spans = await collector.stop();

const requests = named(spans, 'POST /lengths', SERVER);
const calls = named(spans, 'texts/text_lengths', CLIENT);
const batches = named(spans, 'texts/text_lengths batch');

await check('every request is answered, and the server ends well', () => {
  assert.deepEqual(statuses, Array(REQUESTS).fill(200));
  assert.deepEqual([bad.status, alone.status, code], [500, 200, 0]);
});

await check('every request is a span of the kind server, from both API workers', () => {
  assert.equal(requests.length, REQUESTS + 1);
  assert.equal(distinct(requests.map(({ resource }) => resource['process.pid'])), 2);
  for (const { attributes } of requests.filter(({ attributes }) => attributes['http.response.status_code'] === 200)) {
    assert.equal(attributes['http.request.method'], 'POST');
    assert.equal(attributes['http.route'], '/lengths');
    assert.equal(attributes['url.path'], '/lengths');
    assert.equal(attributes['url.scheme'], 'http');
    assert.equal(attributes['client.address'], '127.0.0.1');
    assert.equal(attributes['network.protocol.version'], '1.1');
  }
});

await check("a caller's trace goes on, with its state", () => {
  const continued = requests.filter(({ parentSpanId }) => parentSpanId === '00f067aa0ba902b7');
  assert.deepEqual(
    new Set(continued.map((span) => span.traceId)),
    new Set(Array.from({ length: REQUESTS }, (_, n) => traceId(n))),
  );
  for (const { traceState } of continued) assert.equal(traceState, 'vendor=t61rcWkgMzE');
});

await check('every call is inside its request, in the same process, below the span of the API function', () => {
  assert.equal(calls.length, REQUESTS + 1);
  const handles = named(spans, 'handle');
  assert.deepEqual(new Set(handles.map(parentOf)), ids(requests));
  assert.deepEqual(new Set(calls.map(parentOf)), ids(handles));
  for (const { attributes } of calls) {
    assert.deepEqual(attributes['rpc.service'], 'texts');
    assert.deepEqual(attributes['rpc.method'], 'text_lengths');
  }
});

await check('every batch has links to its calls, and each call is in one batch', () => {
  const links = batches.flatMap((batch) => batch.links);
  assert.equal(links.length, REQUESTS + 1);
  assert.deepEqual(ids(links), ids(calls));
  assert.ok(batches.length < REQUESTS, `${batches.length} batches of ${REQUESTS + 1} calls`);
  for (const { links, attributes, kind, traceId, parentSpanId } of batches) {
    assert.equal(kind, INTERNAL);
    assert.equal(attributes['ekiben.batch.calls'], links.length);
    assert.equal(attributes['ekiben.batch.rows'], links.length);
    assert.ok(
      links.some((link) => idOf(link) === `${traceId} ${parentSpanId}`),
      'its parent is one of its calls',
    );
    for (const link of links.filter(({ traceState }) => traceState))
      assert.equal(link.traceState, 'vendor=t61rcWkgMzE');
  }
});

await check("a batch is of the runner's process, and so is what the class does", () => {
  const pids = new Set(requests.map(({ resource }) => resource['process.pid']));
  for (const { resource } of batches) {
    assert.equal(resource['ekiben.runner'], 'texts');
    assert.ok(!pids.has(resource['process.pid']));
  }
  assert.deepEqual(new Set(named(spans, 'compute').map(parentOf)), ids(batches));
});

await check('a call that is no batch is computed below it', () => {
  const [request] = named(spans, 'POST /alone');
  const [call] = named(spans, 'texts/alone', CLIENT);
  const [computed] = named(spans, 'texts/alone', SERVER);
  assert.equal(request.traceId, traceId(1000));
  assert.equal(parentOf(call), idOf(request));
  assert.equal(parentOf(computed), idOf(call));
  assert.equal(computed.traceState, 'vendor=t61rcWkgMzE');
  assert.equal(computed.resource['ekiben.runner'], 'texts');
});

await check('what fails says so: request, call and batch', () => {
  const failed = spans.filter(({ status }) => status.code === ERROR);
  assert.deepEqual(
    new Set(
      failed.map(({ name, attributes, status }) => `${name}: ${attributes['error.type']}: ${status.message ?? ''}`),
    ),
    new Set([
      'POST /lengths: 500: ',
      'texts/text_lengths: RangeError: no such text',
      'texts/text_lengths batch: RangeError: no such text',
    ]),
  );
  const [call] = failed.filter(({ kind }) => kind === CLIENT);
  assert.equal(call.events[0].name, 'exception');
});

await check('an unknown path makes no name, a probe no span', () => {
  const [unknown] = named(spans, 'GET', SERVER);
  assert.equal(unknown.attributes['http.response.status_code'], 404);
  assert.equal(unknown.attributes['http.route'], undefined);
  assert.deepEqual(
    spans.filter(({ attributes }) => attributes['url.path'] === '/readyz'),
    [],
  );
});

await check('every process says who it is, as the environment has it', () => {
  assert.equal(distinct(spans.map(({ resource }) => resource['service.instance.id'])), 3);
  for (const { resource } of spans) {
    assert.equal(resource['service.name'], 'texts');
    assert.equal(resource['deployment.environment.name'], 'check');
    assert.equal(resource.team, 'credit');
    assert.equal(resource['telemetry.sdk.language'], 'nodejs');
  }
});

await check('the access log and the answers have the ids', () => {
  const logged = server.log.filter(({ request }) => request?.path === '/lengths');
  assert.deepEqual(new Set(logged.map(({ trace_id, span_id }) => `${trace_id} ${span_id}`)), ids(requests));
  for (const { trace_flags } of logged) assert.equal(trace_flags, '01');
  assert.equal(alone.headers.get('x-bentoml-trace-id'), traceId(1000));
});

await check(
  'OTEL_ variables alone do, in one process; of what is not recorded nothing is, but what a caller records',
  async () => {
    const collector = await Collector.start(port);
    const server = await Server.start([], {
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
      OTEL_TRACES_SAMPLER: 'parentbased_always_off',
      OTEL_SERVICE_NAME: 'another',
    });
    await server.post('lengths', 'abc');
    await server.post('lengths', 'abc', callerOf(1));
    await server.post('lengths', 'abc', callerOf(2, '00'));
    assert.equal(await server.stop(), 0);
    const spans = await collector.stop();
    assert.deepEqual(new Set(spans.map((span) => span.traceId)), new Set([traceId(1)]));
    assert.deepEqual(new Set(spans.map(({ resource }) => resource['service.name'])), new Set(['another']));
    assert.equal(named(spans, 'texts/text_lengths batch').length, 1);
  },
);

for (const args of [[], ['--production', '--api-workers', '1']]) {
  await check(`no collector: ${args[0] ?? 'one process'}: every request is answered, and it ends in time`, async () => {
    const endpoint = `http://127.0.0.1:${await freePort()}`;
    const server = await Server.start(args, { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_BSP_SCHEDULE_DELAY: '100' });
    for (let i = 0; i < 20; i += 1) {
      const answers = await Promise.all(Array.from({ length: 20 }, () => server.post('lengths', 'abc')));
      assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
    }
    const began = performance.now();
    assert.equal(await server.stop(), 0);
    assert.ok(performance.now() - began < 20_000, 'within the grace time');
  });
}

finish();
