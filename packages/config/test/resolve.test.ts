import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { EkibenError } from '@ekiben/spec';
import { resolveConfiguration } from '../src/index.ts';
import type { ConfigurationSources } from '../src/index.ts';

const FILE = 'bentoconfiguration.yaml';
const yaml = (text: string, rest: Omit<ConfigurationSources, 'file'> = {}) =>
  resolveConfiguration({ file: { path: FILE, text }, ...rest });

/** The lines of the error. */
function faultsOf(sources: ConfigurationSources): readonly string[] {
  try {
    resolveConfiguration(sources);
  } catch (error) {
    if (EkibenError.is(error) && error.code === 'EKIBEN_CONFIG_INVALID') {
      return (error.details?.errors ?? []).map(({ message }) => message);
    }
    throw error;
  }
  return [];
}

const fileFaults = (text: string) => faultsOf({ file: { path: FILE, text } });

test("reads the course's file", () => {
  const configuration = yaml(`
api_server:
  timeout: 30
runners:
  batching:
    enabled: true
    max_batch_size: 50
    max_latency_ms: 500
  timeout: 10
`);
  expect(configuration.server()).toEqual({ timeoutMs: 30_000 });
  expect(configuration.runner('any')).toEqual({
    timeoutMs: 10_000,
    batching: { enabled: true, maxBatchSize: 50, maxLatencyMs: 500 },
  });
  expect(configuration.warnings).toEqual([]);
});

describe("BentoML's own files", () => {
  const read = (name: string) => readFileSync(new URL(`fixtures/${name}.json`, import.meta.url), 'utf8');

  const expanded = (text: string) => {
    const [, prefix = '', names = ''] = /^(.*)\{(.*)\}$/.exec(text) ?? [];
    return names === '' ? [text] : names.split(',').map((name) => prefix + name);
  };

  test.each([
    ['defaults-1.0.7', 'api_server.grpc runners.{logging,metrics} tracing.{jaeger,zipkin,exporter_type:}'],
    [
      'defaults-1.4.39-v1',
      'api_server.{grpc,max_runner_connections,runner_probe.period,runner_probe.timeout} monitoring ' +
        'runners.{logging,metrics} tracing.{jaeger,otlp.grpc,zipkin}',
    ],
    [
      'defaults-1.4.39-v2',
      'services.{grpc,http.proxy_port,max_runner_connections,monitoring,replicate_process,' +
        'runner_connection,runner_probe.period,runner_probe.timeout,threads,tracing.jaeger,tracing.otlp.grpc,tracing.zipkin}',
    ],
  ])('%s is valid, and what has no effect is named', (name, meaningless) => {
    // JSON is YAML.
    const configuration = yaml(read(name));
    const names = configuration.warnings.map(({ message }) => message.split(' ')[0]);
    expect(names).toEqual(meaningless.split(' ').flatMap(expanded));
    expect(configuration.server()).toMatchObject({
      port: 3000,
      host: '0.0.0.0',
      backlog: 2048,
      timeoutMs: 60_000,
      metrics: { enabled: true },
    });
    expect(configuration.server().tls).toBeUndefined();
  });

  test.each(['options-1.0.7', 'options-1.4.39'])('BENTOML_CONFIG_OPTIONS says the same as in BentoML: %s', (name) => {
    const { options, configuration } = JSON.parse(read(name)) as {
      readonly options: string;
      readonly configuration: object;
    };
    const env = { BENTOML_CONFIG_OPTIONS: options };
    const ours = resolveConfiguration({ env });
    const theirs = yaml(JSON.stringify(configuration));
    // They add their defaults to what is said, and 0.0.0.0 for all; ours stay undefined.
    expect(theirs.server()).toMatchObject(ours.server());
    expect(ours.server()).toEqual({ workers: 3, host: '1.2.3.4' });
    for (const runner of ['m', 'a.b', 'another']) expect(theirs.runner(runner)).toMatchObject(ours.runner(runner));
    expect(ours.runner('m')).toEqual({ batching: { enabled: false }, resources: { gpus: [0, 2] } });
    expect(ours.runner('a.b')).toEqual({ batching: { enabled: false, maxBatchSize: 7 } });
  });
});

test.each([
  [
    'of 1.0.7',
    'tracing: { type: otlp, sample_rate: 0.25, excluded_urls: "/livez, ^/x", otlp: { protocol: http, url: "http://c:4318/v1/traces" } }',
  ],
  [
    'later ones',
    'tracing: { exporter_type: otlp, sample_rate: 0.25, excluded_urls: [/livez, ^/x], otlp: { protocol: http, endpoint: "http://c:4318/v1/traces" } }',
  ],
  [
    'of 1.2',
    'services: { tracing: { exporter_type: otlp, sample_rate: 0.25, excluded_urls: [/livez, ^/x], otlp: { protocol: http, endpoint: "http://c:4318/v1/traces" } } }',
  ],
])('takes the keys of tracing: %s', (_, text) => {
  const configuration = yaml(text);
  expect(configuration.tracing()).toEqual({
    sampleRate: 0.25,
    excludedUrls: ['/livez', '^/x'],
    protocol: 'http/protobuf',
    endpoint: 'http://c:4318/v1/traces',
  });
  expect(configuration.warnings).toEqual([]);
});

test('an exporter that is none of ours sends nothing, and that is said', () => {
  const configuration = yaml('tracing: { exporter_type: jaeger, jaeger: { protocol: thrift } }');
  expect(configuration.tracing()).toBeUndefined();
  expect(configuration.warnings.map(({ message }) => message)).toEqual([
    expect.stringContaining('tracing.jaeger has no effect'),
    expect.stringContaining('jaeger sends no traces'),
  ]);
  expect(() => yaml('tracing: { exporter_type: otlp, otlp: { protocol: grpc } }')).toThrow(/must be one of http, /);
  expect(yaml('').tracing()).toBeUndefined();
});

test('takes the keys of the access log', () => {
  const configuration = yaml(`
api_server:
  logging:
    access: { enabled: false, request_content_length: false, skip_paths: [/up], format: { trace_id: 032x, span_id: d } }
  http: { response: { trace_id: true } }
`);
  expect(configuration.server()).toEqual({
    traceId: true,
    accessLog: {
      enabled: false,
      requestContentLength: false,
      skipPaths: ['/up'],
      traceIdFormat: '032x',
      spanIdFormat: 'd',
    },
  });
});

test('reads the sections of BentoML 1.2 for a server, its runners, and single services', () => {
  const configuration = yaml(`
version: 2
services:
  traffic: { timeout: 12.5, max_concurrency: 8 }
  workers: cpu_count
  resources: { cpu: "500m", memory: 512Mi }
  svc: { workers: 2 }
  embedder: { resources: { gpu: 1 }, batching: { max_batch_size: 8 } }
`);
  expect(configuration.server()).toEqual({ timeoutMs: 12_500, maxConcurrency: 8 });
  expect(configuration.warnings).toEqual([
    expect.objectContaining({ message: expect.stringContaining('services.svc.workers has no effect: one server') }),
  ]);
  expect(configuration.runner('embedder')).toEqual({
    batching: { maxBatchSize: 8 },
    resources: { cpus: 0.5, gpus: 1, memoryMiB: 512 },
  });
});

describe('precedence', () => {
  const file = { path: FILE, text: 'api_server: { http: { port: 1 } }' };
  const port = (sources: ConfigurationSources) => resolveConfiguration(sources).server().port;

  test('a flag counts before the environment, that before the file', () => {
    expect(port({ file })).toBe(1);
    const weak = { BENTOML_CONFIG_OVERRIDES: '{"api_server":{"http":{"port":2}}}' };
    expect(port({ file, env: weak })).toBe(2);
    const options = { ...weak, BENTOML_CONFIG_OPTIONS: 'api_server.port=3' };
    expect(port({ file, env: options })).toBe(3);
    const ours = { ...options, EKIBEN_CONFIG_OPTIONS: 'api_server.port=4' };
    expect(port({ file, env: ours })).toBe(4);
    const long = { ...ours, EKIBEN__API_SERVER__HTTP__PORT: '5' };
    expect(port({ file, env: long })).toBe(5);
    const short = { ...long, BENTOML_PORT: '6' };
    expect(port({ file, env: short })).toBe(6);
    expect(port({ file, env: { ...short, EKIBEN_PORT: '7' } })).toBe(7);
    expect(port({ file, env: { ...short, EKIBEN_PORT: '7' }, flags: { port: 8, host: undefined } })).toBe(8);
    expect(port({ file, env: { EKIBEN_PORT: '' } })).toBe(1);
  });

  test('one runner counts before all, wherever it was said; a flag counts before both', () => {
    const text = 'runners: { batching: { max_batch_size: 1 }, m: { batching: { max_batch_size: 2 }, timeout: 3 } }';
    const env = { BENTOML_CONFIG_OPTIONS: 'runners.batching.max_batch_size=9' };
    const configuration = yaml(text, { env, flags: { timeout: '30' } });
    expect(configuration.runner('m')).toEqual({ batching: { maxBatchSize: 2 }, timeoutMs: 30_000 });
    expect(configuration.runner('n')).toEqual({ batching: { maxBatchSize: 9 }, timeoutMs: 30_000 });
    expect(configuration.server()).toEqual({ timeoutMs: 30_000 });
  });

  test('null of one runner is the default, not what is said of all', () => {
    const configuration = yaml('runners: { resources: { cpu: 4 }, m: { resources: ~ }, n: { resources: system } }');
    expect(configuration.runner('other')).toEqual({ resources: { cpus: 4 } });
    expect(configuration.runner('m')).toEqual({});
    expect(configuration.runner('n')).toEqual({});
  });
});

describe('variables', () => {
  test('long names reach single runners', () => {
    const configuration = resolveConfiguration({ env: { EKIBEN__RUNNERS__MY_MODEL__BATCHING__ENABLED: 'false' } });
    expect(configuration.runner('my_model')).toEqual({ batching: { enabled: false } });
  });

  test('a text stays one, even if it looks like a number', () => {
    const flags = { 'ssl-certfile': 'c.pem', 'ssl-keyfile': 'k.pem', 'ssl-keyfile-password': '0123' };
    expect(resolveConfiguration({ flags }).server().tls?.passphrase).toBe('0123');
  });

  test('are read inside the file', () => {
    const text = 'api_server: { http: { port: "${PORT:-3001}", host: "${HOST}" } }';
    expect(yaml(text, { env: { HOST: '::' } }).server()).toEqual({ port: 3001, host: '::' });
    expect(yaml(text, { env: { PORT: '80' } }).server()).toEqual({ port: 80 });
  });
});

describe('faults', () => {
  test('all are named, each with its place', () => {
    const text = 'api_server:\n  prot: 1\n  workers: 0\nrunners:\n  m:\n    batching: { max_batch_size: "7" }\n';
    const env = { EKIBEN_PORT: 'x', EKIBEN__API_SERVER__WORKRS: '2', BENTOML_CONFIG_OPTIONS: 'wrong' };
    expect(faultsOf({ file: { path: FILE, text }, env, flags: { port: '70000' } })).toEqual([
      'BENTOML_CONFIG_OPTIONS: "wrong" is no key=value, such as api_server.workers=4',
      'bentoconfiguration.yaml:2:3: there is no key api_server.prot; did you mean api_server.http.port?',
      'bentoconfiguration.yaml:3:3: api_server.workers: it is 0, but must be a whole number from 1 on, or cpu_count',
      'bentoconfiguration.yaml:6:17: runners.m.batching.max_batch_size: it is "7", but must be a whole number from 1 on',
      'EKIBEN__API_SERVER__WORKRS: there is no key api_server.workrs; did you mean api_server.workers?',
      'EKIBEN_PORT: api_server.http.port: it is "x", but must be a whole number from 0 to 65535',
      '--port: api_server.http.port: it is "70000", but must be a whole number from 0 to 65535',
    ]);
  });

  test.each([
    ['port: 1', 'there is no key port; did you mean api_server.http.port?'],
    ['api_server: { max_batch_size: 1 }', 'api_server.max_batch_size; did you mean runners.batching.max_batch_size?'],
    ['runners: { batchign: { enabled: true } }', 'runners.batchign.enabled; did you mean runners.batching.enabled?'],
    ['runners: { m: { batching: { max_latency: 1 } } }', 'did you mean runners.m.batching.max_latency_ms?'],
    ['nothing_like_it: 1', 'there is no key nothing_like_it'],
    ['__proto__: { a: 1 }', 'there is no key __proto__'],
    ['[1, 2]', 'it must be a mapping, with keys such as version, api_server, runners'],
    ['api_server: 5', 'api_server must be a mapping'],
    ['version: 3', 'version: it is 3, but must be a whole number from 1 to 2'],
    [
      'runners: { timeout: 1, traffic: { timeout: 2 } }',
      'already set at bentoconfiguration.yaml:1:12, by its other name',
    ],
    ['runners: { resources: { memory: lots } }', 'must be an amount of memory'],
  ])('%s', (text, message) => {
    expect(fileFaults(text)).toEqual([expect.stringContaining(message)]);
  });

  test.each([
    ['a: [', '1:5'],
    ['a: 1\na: 2', '2:1'],
    ['a: &x 1\nb: *x', '2:5'],
    ['a: !!python/object:os.system x', '1:4'],
  ])('no YAML: %j', (text, place) => {
    expect(fileFaults(text)).toEqual([expect.stringContaining(`${FILE}:${place}: it is no YAML here`)]);
  });

  test('a file of a megabyte or of a thousand levels is refused', () => {
    expect(fileFaults('a'.repeat(2 ** 20 + 1))).toHaveLength(1);
    expect(fileFaults('['.repeat(1000))).toHaveLength(1);
  });

  test.each([
    ['api_server: { ssl: { enabled: true } }', 'HTTPS needs ssl.certfile and ssl.keyfile'],
    ['api_server: { ssl: { certfile: a } }', 'it needs its private key'],
    ['api_server: { ssl: { keyfile: a } }', 'it needs its certificate'],
    ['api_server: { ssl: { certfile: a, keyfile: b, cert_reqs: 2 } }', 'ssl.ca_certs, which is not set'],
    ['api_server: { ssl: { certfile: a, keyfile: b, version: 3 } }', 'must be one of 2, 5, 17'],
    ['api_server: { metrics: { duration: { min: 1.0 } } }', 'only valid together'],
    ['api_server: { metrics: { duration: { min: 2, max: 1, factor: 2 } } }', 'must be less than max'],
    ['api_server: { metrics: { duration: { buckets: [2, 1] } } }', 'must be a list of rising numbers'],
    ['api_server: { http: { cors: { enabled: true } } }', 'which origins?'],
  ])('what does not go together: %s', (text, message) => {
    expect(fileFaults(text)).toEqual([expect.stringContaining(message)]);
  });

  test('no secret is shown', () => {
    expect(fileFaults('api_server: { ssl: { keyfile_password: [hunter2] } }').join()).not.toContain('hunter2');
  });
});

test('names that no runner has are told, with the one that was probably meant', () => {
  const configuration = yaml('runners:\n  credit_modle: { timeout: 1 }\n  b: { timeout: 1 }\n');
  expect(configuration.unknownRunners(['credit_model', 'b'])).toEqual([
    {
      place: `${FILE}:2:19`,
      message: 'runners.credit_modle has no effect: the service has credit_model, b; did you mean credit_model?',
    },
  ]);
  expect(configuration.unknownRunners([])).toHaveLength(2);
});

test('runners are told by name, all others under *', () => {
  const configuration = yaml('runners: { workers: 2, m: { timeout: 1 } }');
  expect(configuration.runners()).toEqual({ '*': { workers: 2 }, m: { workers: 2, timeoutMs: 1000 } });
});

test('entries say where each value comes from', () => {
  const text = 'api_server:\n  ssl: { certfile: c, keyfile: k, keyfile_password: p }\nrunners: { m: { workers: 2 } }';
  const entries = yaml(text, { env: { EKIBEN_HOST: '::1' }, flags: { port: 1 } }).entries();
  const get = (key: string) => entries.find((entry) => entry.key === key);
  expect(get('api_server.http.port')).toEqual({ key: 'api_server.http.port', value: 1, from: 'flag', place: '--port' });
  expect(get('api_server.http.host')).toMatchObject({ value: '::1', from: 'environment', place: 'EKIBEN_HOST' });
  expect(get('api_server.ssl.keyfile_password')).toMatchObject({ value: '(secret)', place: `${FILE}:2:35` });
  expect(get('runners.m.workers')).toMatchObject({ value: 2, from: 'file', place: `${FILE}:3:17` });
  expect(get('api_server.backlog')).toMatchObject({ value: 2048, from: 'default', place: '' });
});

test('min, max and factor are the buckets that BentoML makes of them', () => {
  const text = 'api_server: { metrics: { duration: { min: 0.1, max: 1.0, factor: 2.0 } } }';
  expect(yaml(text).server().metrics?.buckets).toEqual([0.1, 0.2, 0.4, 0.8, 1]);
});

test('HTTPS with client certificates', () => {
  const text = 'api_server: { ssl: { certfile: c, keyfile: k, ca_certs: a, cert_reqs: 1, version: 5, ciphers: HIGH } }';
  expect(yaml(text).server().tls).toEqual({
    certFile: 'c',
    keyFile: 'k',
    caFile: 'a',
    clientCertificate: 'optional',
    ciphers: 'HIGH',
    maxVersion: 'TLSv1.2',
  });
  expect(yaml(text.replace('certfile', 'enabled: false, certfile')).server().tls).toBeUndefined();
});
