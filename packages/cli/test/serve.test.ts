// `ekiben serve` as a user runs it: configured by file, environment and flags, and of a model without code.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { runnerKeys, serverKeys } from '@ekiben/config';
import type { Key } from '@ekiben/config';
import { onnx } from '@ekiben/onnx';
import { ModelStore } from '@ekiben/store';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';

import { bin, DOUBLER, makeProject, packageRoot } from './project.ts';

const MODEL = path.join(import.meta.dirname, 'fixtures', 'credit_risk_model.bentomodel');
let project: string;
let home: string;

beforeAll(async () => {
  project = await makeProject('serve', { 'service.ts': DOUBLER });
  home = await mkdtemp(path.join(tmpdir(), 'ekiben-serve-'));
});
afterAll(async () => {
  await rm(project, { recursive: true });
  await rm(home, { recursive: true });
});

type Variables = Readonly<Record<string, string>>;
const environment = (variables: Variables) => ({ ...process.env, EKIBEN_HOME: home, ...variables });

function ekiben(args: readonly string[], variables: Variables = {}, cwd = project) {
  return spawnSync(process.execPath, [bin, ...args], { cwd, encoding: 'utf8', env: environment(variables) });
}

const running: ChildProcess[] = [];
afterEach(async () => {
  for (const child of running.splice(0)) {
    if (child.exitCode !== null) continue;
    child.kill('SIGTERM');
    await once(child, 'exit');
  }
});

/** Resolves when it serves. */
async function serve(args: readonly string[], variables: Variables = {}, cwd = project) {
  const child = spawn(process.execPath, [bin, 'serve', ...args], { cwd, env: environment(variables) });
  running.push(child);
  let output = '';
  const url = await new Promise<string>((resolve, reject) => {
    const hear = (chunk: Buffer) => {
      output += String(chunk);
      const found = /Serving .*?(https?:\/\/\S+)/.exec(output)?.[1];
      if (found !== undefined) resolve(found);
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    child.once('exit', (code) => reject(new Error(`exited with ${code}: ${output}`)));
  });
  const post = async (path: string, body: string) => {
    const response = await fetch(url + path, { method: 'POST', body, headers: { 'content-type': 'application/json' } });
    return { status: response.status, body: JSON.parse(await response.text()) as unknown };
  };
  return { url, post, output: () => output, child };
}

test('every flag of the configuration is one of serve', () => {
  const help = ekiben(['serve', '--help']).stdout;
  const keys: readonly Key[] = [...Object.values(serverKeys), ...Object.values(runnerKeys)];
  const flags = keys.flatMap(({ flag }) => (flag === undefined ? [] : [flag]));
  expect(flags.length).toBeGreaterThan(10);
  for (const flag of flags) expect(help).toContain(`--${flag} <`);
});

test('every flag of BentoML 1.0.7 is taken', () => {
  const theirs = readFileSync(path.join(import.meta.dirname, 'fixtures/bentoml-1.0.7/help-serve.txt'), 'utf8');
  const flags = [...theirs.matchAll(/^  (?:-\w, )?(--[\w-]+)(?:, (--[\w-]+))? *(INTEGER|TEXT|PATH)?/gm)].flatMap(
    ([, flag = '', other, value]) =>
      [flag, ...(other === undefined ? [] : [other])].map((each) => (value === undefined ? [each] : [each, '1'])),
  );
  expect(flags.length).toBeGreaterThan(15);
  for (const flag of flags) expect(ekiben(['serve', ...flag, '--help'])).toMatchObject({ status: 0, stderr: '' });
});

test('file, environment and flags say how to serve', async () => {
  await writeFile(
    path.join(project, 'bentoconfiguration.yaml'),
    'api_server:\n  timeout: 0.2\n  host: 127.0.0.2\n  grpc: { port: 1 }\n  metrics: { namespace: mine }\n',
  );
  try {
    const { url, post, output } = await serve(['--host', '127.0.0.1'], { BENTOML_PORT: '0' });
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:/);
    expect(output()).toContain('bentoconfiguration.yaml:4:3: api_server.grpc has no effect');
    expect(await post('/double', '21')).toEqual({ status: 200, body: 42 });
    expect(await post('/double', '2000')).toMatchObject({ status: 504 });
    expect(await (await fetch(`${url}/metrics`)).text()).toContain('mine_request_total');
  } finally {
    await rm(path.join(project, 'bentoconfiguration.yaml'));
  }
});

test.each([
  ['by default', [], {}, 1],
  ['not with --quiet', ['--quiet'], {}, 0],
  ['not where the configuration has none', [], { EKIBEN__API_SERVER__LOGGING__ACCESS__ENABLED: 'false' }, 0],
])('writes an access log: %s', async (_, flags, variables, lines) => {
  const socket = path.join(home, 's.sock');
  const args = ['serve', ...flags, '--unix-socket', socket, '--path-prefix', '/models/doubler'];
  const child = spawn(process.execPath, [bin, ...args], { cwd: project, env: environment(variables) });
  running.push(child);
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += String(chunk)));
  while (!existsSync(socket)) await sleep(20);
  expect(await postThrough(socket, '/models/doubler/double', '21')).toBe('42');
  child.kill('SIGTERM');
  await once(child, 'close');
  const logged = output.split('\n').filter((line) => line.includes('"msg":"request"'));
  expect(logged).toHaveLength(lines);
  for (const line of logged) expect(line).toContain('"path":"/double"');
  expect(existsSync(socket)).toBe(false);
});

async function postThrough(socketPath: string, path: string, body: string): Promise<string> {
  const headers = { 'content-type': 'application/json' };
  const [answer] = (await once(httpRequest({ socketPath, path, method: 'POST', headers }).end(body), 'response')) as [
    AsyncIterable<Buffer>,
  ];
  let text = '';
  for await (const chunk of answer) text += String(chunk);
  return text;
}

describe('traces', () => {
  /** As where the packages are not installed. */
  const without = { NODE_OPTIONS: `--import ${path.join(import.meta.dirname, 'without-opentelemetry.mjs')}` };
  const install = /npm i @opentelemetry\/api@1\.9 .*@opentelemetry\/exporter-trace-otlp-proto@0\.220/;

  test.each([
    ['the configuration', { EKIBEN__TRACING__EXPORTER_TYPE: 'otlp' }],
    ['OTEL_TRACES_EXPORTER', { OTEL_TRACES_EXPORTER: 'otlp' }],
  ])('asked for by %s, they need packages, and the line that installs them is said', (_, variables) => {
    const { status, stderr } = ekiben(['serve', '--port', '0'], { ...variables, ...without });
    expect(status).toBe(1);
    expect(stderr).toMatch(install);
  });

  test('where only an endpoint is known, the service is served without', async () => {
    const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' };
    const { post, output } = await serve(['--port', '0'], { ...endpoint, ...without });
    expect(output()).toMatch(install);
    expect(output()).toContain('Warning: OTEL_EXPORTER_OTLP_ENDPOINT: ');
    expect(await post('/double', '21')).toEqual({ status: 200, body: 42 });
  });
});

test('a wrong configuration is an error that names every place, before anything is loaded', async () => {
  const file = path.join(project, 'wrong.yaml');
  await writeFile(file, 'api_server:\n  prot: 1\n  workers: none\n');
  for (const args of [
    ['serve', '--config', file],
    ['config', 'check', file],
  ]) {
    const { status, stderr, stdout } = ekiben(args);
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toContain(`${file}:2:3: there is no key api_server.prot; did you mean api_server.http.port?`);
    expect(stderr).toContain(`${file}:3:3: api_server.workers: it is "none", but must be`);
  }
});

describe('config', () => {
  test('check says that all is right', async () => {
    expect(ekiben(['config', 'check'])).toMatchObject({
      status: 0,
      stdout: 'There is no file; the environment is right.\n',
    });
  });

  test('show says where each value comes from', () => {
    const args = ['config', 'show', '--set', '-o', 'json'];
    const entry = { key: 'api_server.http.port', value: 4000, from: 'environment', place: 'EKIBEN_PORT' };
    expect(JSON.parse(ekiben(args, { EKIBEN_PORT: '4000' }).stdout)).toEqual([entry]);
    const table = ekiben(['config', 'show'], { EKIBEN_PORT: '4000' }).stdout;
    expect(table).toMatch(/^ api_server\.http\.port +4000 +EKIBEN_PORT$/m);
    expect(table).toMatch(/^ runners\.batching\.max_batch_size +100 +default$/m);
    expect(ekiben(['config', 'show', '--set', '-o', 'yaml'], { EKIBEN_PORT: '4000' }).stdout).toContain(
      'place: EKIBEN_PORT',
    );
  });
});

test('in production SIGHUP compiles anew, no compiler stays, and runners that there are not are told', async () => {
  const service = (factor: string) =>
    writeFile(
      path.join(project, 'reloaded.ts'),
      `import { Service, json } from '../../../dist/index.js';
       const factor: number = ${factor};
       const number = { type: 'number' } as const;
       export const svc = new Service('times').api('times', { input: json(number), output: json(number) }, (x) => factor * x);`,
    );
  await service('2');
  await writeFile(path.join(project, 'runners.yaml'), 'runners:\n  scorer:\n    batching:\n      max_batch_size: 8\n');
  const args = ['reloaded.ts', '--production', '--api-workers', '1', '--port', '0', '--config', 'runners.yaml'];
  const { post, output, child } = await serve(args);
  const said = async (pattern: RegExp) => {
    while (!pattern.test(output())) await new Promise((resolve) => setTimeout(resolve, 20));
  };
  await said(/Warning: runners\.yaml:\d+:\d+: runners\.scorer has no effect: the service has no runners/);
  const children = () => spawnSync('ps', ['--ppid', String(child.pid), '-o', 'args='], { encoding: 'utf8' }).stdout;
  expect(children()).not.toMatch(/esbuild/);
  expect(await post('/times', '5')).toEqual({ status: 200, body: 10 });
  await service('3');
  child.kill('SIGHUP');
  while ((await post('/times', '5')).body !== 15);
  await service('');
  child.kill('SIGHUP');
  await said(/what was there stays: .*reloaded\.ts does not compile/);
  expect(await post('/times', '5')).toEqual({ status: 200, body: 15 });
});

test('serves HTTPS, in production too', async () => {
  execFileSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'],
      ...['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', 'k.pem', '-out', 'c.pem'],
    ],
    { cwd: project, stdio: 'pipe' },
  );
  const tls = ['--ssl-certfile', 'c.pem', '--ssl-keyfile', 'k.pem', '--ssl-ca-certs', 'c.pem', '--ssl-cert-reqs', '2'];
  const { url } = await serve(['service.ts', '--production', '--api-workers', '1', '--port', '0', ...tls]);
  const cert = readFileSync(path.join(project, 'c.pem'));
  const key = readFileSync(path.join(project, 'k.pem'));
  const ask = (own: object) =>
    new Promise((resolve, reject) => {
      const options = {
        method: 'POST',
        ca: cert,
        agent: false,
        headers: { 'content-type': 'application/json' },
        ...own,
      };
      const asked = request(`${url}/double`, options, (response) => resolve(response.statusCode));
      asked.on('error', reject).end('21');
    });
  expect(await ask({ cert, key })).toBe(200);
  await expect(ask({})).rejects.toThrow();
  expect(ekiben(['serve', 'service.ts', '--ssl-certfile', 'gone.pem', '--ssl-keyfile', 'k.pem'])).toMatchObject({
    status: 1,
    stderr: expect.stringContaining('gone.pem cannot be read: there is no such file'),
  });
});

describe('a model without code', () => {
  const row = Array.from({ length: 29 }, (_, at) => at);

  beforeAll(async () => {
    const store = new ModelStore(home);
    await store.import(MODEL);
    await store.create('net', async () => {}, { module: 'bentoml.pytorch' });
    for (const name of ['two-inputs-int64', 'iris-pipeline-zipmap']) {
      await store.save(name, path.join(packageRoot, `../frameworks/onnx/test/fixtures/${name}.onnx`), onnx);
    }
  });

  test('is served by its tag, and documented', async () => {
    const { url, post, output } = await serve(['credit_risk_model:latest', '--port', '0']);
    expect(output()).toContain('Serving "credit_risk_model"');
    expect(await post('/predict', JSON.stringify([row, row]))).toMatchObject({
      status: 200,
      body: [expect.any(Number), expect.any(Number)],
    });
    expect(await post('/predict', '[[1, 2]]')).toMatchObject({
      status: 400,
      body: { errors: [{ message: 'must have the shape [-1, 29], not [1, 2]' }] },
    });
    const document = (await (await fetch(`${url}/docs.json`)).json()) as {
      paths: Record<string, { post: { requestBody: { content: Record<string, { schema: unknown }> } } }>;
    };
    expect(document.paths['/predict']?.post.requestBody.content['application/json']?.schema).toMatchObject({
      items: { minItems: 29, maxItems: 29, items: { type: 'number' } },
    });
  });

  test('in production, and its alias', async () => {
    await new ModelStore(home).alias('credit_risk_model:latest', 'live');
    const { post } = await serve(['credit_risk_model:live', '--production', '--api-workers', '2', '--port', '0']);
    const answers = await Promise.all(Array.from({ length: 8 }, () => post('/predict', JSON.stringify([row]))));
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 200));
    expect(new Set(answers.map(({ body }) => JSON.stringify(body))).size).toBe(1);
  });

  test('of several inputs is served by a framework that the project brings', async () => {
    const folder = path.join(project, 'with-onnx');
    await mkdir(path.join(folder, 'node_modules', '@ekiben'), { recursive: true });
    await symlink(path.join(packageRoot, '../frameworks/onnx'), path.join(folder, 'node_modules/@ekiben/onnx'));
    await writeFile(path.join(folder, 'package.json'), '{ "dependencies": { "@ekiben/onnx": "*" } }');
    const two = await serve(['two-inputs-int64:latest', '--port', '0'], {}, folder);
    expect(await two.post('/run', '{ "a": [1, 2, 3], "b": [3, 4, 6] }')).toEqual({
      status: 200,
      body: { sum: [4, 6, 9], product: [3, 8, 18] },
    });
    expect(await two.post('/run', '{ "a": ["x"], "c": 1 }')).toMatchObject({ status: 400 });
    const { status, body } = await two.post('/run', '{ "a": ["x", 2, 3], "b": [1, 2, 0.5] }');
    expect([status, (body as { errors: { pointer: string }[] }).errors.map(({ pointer }) => pointer)]).toEqual([
      400,
      ['/a/0', '/b/2'],
    ]);
    const maps = await serve(['iris-pipeline-zipmap:latest', '--port', '0'], {}, folder);
    const { body: answer } = await maps.post('/run', '[[5.1, 3.5, 1.4, 0.2]]');
    expect(answer).toMatchObject({ output_label: [0], output_probability: [{ 0: expect.any(Number) }] });
  });

  test('of a framework that the project does not name is refused, with what to install', () => {
    expect(ekiben(['serve', 'two-inputs-int64', '--port', '0'])).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(
        /needs @ekiben\/onnx, which is no dependency of .*package\.json: npm i @ekiben\/onnx\./,
      ),
    });
  });

  test('of PyTorch is refused, with how to export it', () => {
    expect(ekiben(['serve', 'net:latest'])).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('torch.onnx.export'),
    });
  });

  test('neither a bento nor a model', () => {
    expect(ekiben(['serve', 'nothing:latest'])).toMatchObject({
      status: 1,
      stderr: expect.stringContaining("'nothing'"),
    });
  });
});
