// The verbs of the store, as a user runs them, against what BentoML prints for the same.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync } from 'node:fs';
import { readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { afterAll, beforeEach, describe, expect, test } from '@jest/globals';

import { progressLine } from '../src/store/progress.ts';
import { formatTable } from '../src/store/table.ts';
import { humanSize, localTime } from '../src/store/values.ts';

const bin = path.join(import.meta.dirname, '..', 'dist', 'bin.js');
const fixture = (name: string) => path.join(import.meta.dirname, 'fixtures', name);
/** What BentoML 1.0.7 printed, without the spaces with which it fills its lines. */
const bentoml = (name: string) =>
  readFileSync(fixture(`bentoml-1.0.7/${name}.txt`), 'utf8')
    .replaceAll(/ +$/gm, '')
    .trimEnd();
const MODEL = fixture('credit_risk_model.bentomodel');
const TAG = 'credit_risk_model:sizn5hxhsk3i4ax4';

const directories: string[] = [];
afterAll(async () => {
  for (const directory of directories) await rm(directory, { recursive: true, force: true });
});

let home: string;
beforeEach(() => {
  home = mkdtempSync(path.join(tmpdir(), 'ekiben-cli-'));
  directories.push(home);
});

function run(args: readonly string[], input: string | Uint8Array = '') {
  const env = { ...process.env, EKIBEN_HOME: path.join(home, 'store'), TZ: 'UTC' };
  const { status, stdout, stderr } = spawnSync(process.execPath, [bin, ...args], {
    cwd: home,
    input,
    env,
    maxBuffer: 1e8,
  });
  return { status, stdout: stdout.toString(), stderr: stderr.toString(), bytes: stdout };
}

/** Runs what has to succeed, and gives what it printed. */
function ekiben(...args: string[]): string {
  const { status, stdout, stderr } = run(args);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout.trimEnd();
}

describe('like BentoML', () => {
  beforeEach(() => {
    ekiben('models', 'import', MODEL);
  });

  test('lists as JSON and YAML', () => {
    expect(ekiben('models', 'list', '-o', 'json')).toBe(bentoml('models-list.json'));
    expect(ekiben('models', 'list', '--output=yaml')).toBe(bentoml('models-list.yaml'));
  });

  test('prints a table that fits the terminal, with full tags when piped', () => {
    const rows = [[TAG, 'bentoml.xgboost', '197.85 KiB', '2026-11-23 23:06:52']];
    const table = formatTable(['Tag', 'Module', 'Size', 'Creation Time'], rows, 80);
    expect(table.replaceAll(/ +$/gm, '')).toBe(bentoml('models-list.table'));
    expect(ekiben('models', 'list', 'credit_risk_model')).toContain(
      ` ${TAG}  bentoml.xgboost  197.85 KiB  2026-11-23 23:06:52`,
    );
  });

  test('prints a model as YAML, JSON and path', () => {
    expect(ekiben('models', 'get', 'credit_risk_model:latest')).toBe(bentoml('models-get'));
    expect(JSON.parse(ekiben('models', 'get', TAG, '-o', 'json'))).toMatchObject({
      name: 'credit_risk_model',
      api_version: 'v2',
    });
    expect(ekiben('models', 'get', 'credit_risk_model', '-o', 'path')).toBe(
      path.join(home, 'store', 'models', 'credit_risk_model', 'sizn5hxhsk3i4ax4'),
    );
  });

  test.each([
    ['nope', 'models-get-missing'],
    ['credit_risk_model:zzzz', 'models-get-missing-version'],
  ])('says that %s is missing, and what to do', (tag, name) => {
    const { status, stdout, stderr } = run(['models', 'get', tag]);
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    const [beginning = ''] = bentoml(name).split('BentoML store');
    expect(stderr.startsWith(beginning.trimEnd().replace(/ in$/, ''))).toBe(true);
    expect(stderr).toMatch(/^[^\n]+`ekiben models list` shows what there is\n$/);
  });
});

describe('a model', () => {
  test('goes out and comes in through a pipe, a relative path, and every format', async () => {
    ekiben('models', 'import', MODEL);
    const piped = run(['models', 'export', 'credit_risk_model', '-', '--format', 'tar']);
    expect(piped).toMatchObject({ status: 0, stderr: `Model(tag="${TAG}") exported to -\n` });
    ekiben('models', 'delete', '-y', TAG);
    expect(run(['models', 'import', '-'], piped.bytes)).toMatchObject({
      status: 0,
      stdout: `Model(tag="${TAG}") imported\n`,
    });
    for (const target of ['up/../a.tar.gz', 'a.zip', 'b', '']) {
      const printed = ekiben('models', 'export', TAG, ...(target === '' ? [] : [target]));
      const location = printed.replace(`Model(tag="${TAG}") exported to `, '');
      expect(ekiben('models', 'import', path.relative(home, location))).toBe(
        `Model(tag="${TAG}") is already there, with equal content`,
      );
    }
    expect((await readdir(home)).toSorted()).toEqual([
      'a.tar.gz',
      'a.zip',
      'b.bentomodel',
      'credit_risk_model-sizn5hxhsk3i4ax4.bentomodel',
      'store',
    ]);
  });

  test('of other content is refused, unless forced', async () => {
    ekiben('models', 'import', MODEL);
    ekiben('models', 'export', TAG, 'copy', '--format', 'folder');
    await writeFile(path.join(home, 'copy', 'more.txt'), 'more');
    expect(run(['models', 'import', 'copy'])).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('is already in the store'),
    });
    expect(ekiben('models', 'import', 'copy', '--force')).toContain('imported, replacing another of the same tag');
  });

  test('is deleted after a question, by tag, by name, or by a list', () => {
    ekiben('models', 'import', MODEL);
    expect(run(['models', 'delete', TAG], 'n\n')).toMatchObject({
      status: 0,
      stdout: '',
      stderr: `delete model ${TAG}? [y/N]: `,
    });
    expect(run(['models', 'delete', TAG], '')).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('nobody answered'),
    });
    expect(run(['models', 'delete', `${TAG},nope`, '-y'])).toMatchObject({
      status: 1,
      stdout: '',
      stderr: expect.stringContaining("'nope'"),
    });
    ekiben('models', 'alias', TAG, 'production');
    expect(run(['models', 'delete', 'credit_risk_model'], 'y\n')).toMatchObject({
      status: 0,
      stdout: `Model(tag="${TAG}") deleted\n`,
      stderr: expect.stringContaining('(production points at it)'),
    });
    expect(ekiben('models', 'list', '-o', 'json')).toBe('[]');
  });

  test('has aliases that move, roll back and go', () => {
    ekiben('models', 'import', MODEL);
    expect(ekiben('models', 'alias', 'credit_risk_model', 'production')).toBe(`credit_risk_model:production -> ${TAG}`);
    expect(ekiben('models', 'get', 'credit_risk_model:production', '-o', 'path')).toMatch(/sizn5hxhsk3i4ax4$/);
    expect(run(['models', 'rollback', 'credit_risk_model', 'production'])).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('pointed at no other version'),
    });
    expect(ekiben('models', 'alias', 'credit_risk_model')).toMatch(
      /credit_risk_model:production +sizn5hxhsk3i4ax4 .* alias$/,
    );
    ekiben('models', 'alias', 'credit_risk_model', 'production', '--delete');
    expect(run(['models', 'get', 'credit_risk_model:production']).status).toBe(1);
  });

  test('that is damaged makes verify fail', async () => {
    ekiben('models', 'import', MODEL);
    expect(ekiben('models', 'verify')).toBe(`${TAG}  intact`);
    await writeFile(path.join(ekiben('models', 'get', TAG, '-o', 'path'), 'saved_model.ubj'), 'damaged');
    expect(run(['models', 'verify', 'credit_risk_model'])).toMatchObject({
      status: 1,
      stdout: `${TAG}  damaged\n  changed  saved_model.ubj\n`,
      stderr: 'Error: [models] `verify` failed: 1 of 1 models are damaged\n',
    });
  });

  test('is pruned when it is old, but not when an alias points at it', () => {
    ekiben('models', 'import', MODEL);
    ekiben('models', 'alias', 'credit_risk_model', 'production');
    expect(ekiben('models', 'prune', '--keep', '0', '-y')).toMatch(/^removed 0 unfinished changes/);
    ekiben('models', 'alias', 'credit_risk_model', 'production', '-d');
    expect(ekiben('models', 'prune', '--keep', '0', '--yes')).toContain(`Model(tag="${TAG}") deleted`);
  });

  test('is found by label and module', () => {
    ekiben('models', 'import', MODEL);
    const found = (...args: string[]) =>
      (JSON.parse(ekiben('models', 'list', '-o', 'json', ...args)) as unknown[]).length;
    expect(found('--label', 'stage=dev', '--label', 'owner=risk-team', '--module', 'bentoml.xgboost')).toBe(1);
    expect(found('--label', 'stage=prod')).toBe(0);
    expect(found('--module', 'bentoml.onnx')).toBe(0);
    expect(run(['models', 'list', '--label', 'stage'])).toMatchObject({ status: 2 });
  });
});

test('bentos have the same verbs at the top', () => {
  expect(ekiben('import', fixture('credit_risk_classifier.bento'))).toBe(
    'Bento(tag="credit_risk_classifier:qmvacohhsoe6aax4") imported',
  );
  expect(JSON.parse(ekiben('list', '-o', 'json'))).toEqual([
    {
      tag: 'credit_risk_classifier:qmvacohhsoe6aax4',
      size: '214.33 KiB',
      creation_time: '2026-11-23 23:13:37',
      path: expect.stringMatching(/bentos.credit_risk_classifier.qmvacohhsoe6aax4$/),
    },
  ]);
  expect(ekiben('get', 'credit_risk_classifier')).toMatch(/^service: service:svc\nname: credit_risk_classifier\n/);
  expect(ekiben('alias', 'credit_risk_classifier', 'production')).toContain('->');
  expect(ekiben('export', 'credit_risk_classifier:production', 'x.bento')).toContain('x.bento');
  expect(ekiben('verify')).toContain('intact');
  expect(run(['delete', 'credit_risk_classifier', '-y', '-q'])).toMatchObject({ status: 0, stdout: '', stderr: '' });
  expect(run(['get', 'credit_risk_classifier'])).toMatchObject({
    status: 1,
    stderr: expect.stringContaining('`ekiben list` shows'),
  });
});

test.each([
  [['models', 'get'], /missing required argument 'MODEL_TAG'/],
  [['models', 'list', '-o', 'xml'], /Allowed choices are json, yaml, table/],
  [['models', 'export', 'a', '--level', 'high'], /must be a whole number/],
])('wrong usage %p exits with 2', (args, message) => {
  expect(run(args)).toMatchObject({ status: 2, stdout: '', stderr: expect.stringMatching(message) });
});

test.each([
  [['models', 'push', 'a:v1', '--force'], /`ekiben models export .* s3:/],
  [['pull', 'a:v1'], /`ekiben import s3:/],
  [['env', '--output', 'md'], /`ekiben --version` .* `node --version`/],
])("BentoML's %p says what to do instead", (args, message) => {
  expect(run(args)).toMatchObject({ status: 1, stdout: '', stderr: expect.stringMatching(message) });
});

test('an error is one line that does not steer the terminal, whatever a model says of itself', async () => {
  const manifest =
    'name: m\nversion: v1\nlabels: {"\\e[2J\\n\\x9bJ": []}\ncreation_time: "2026-11-24T00:00:00+00:00"\n';
  await writeFile(path.join(home, 'model.yaml'), manifest);
  const { status, stderr } = run(['models', 'import', home]);
  expect(status).toBe(1);
  expect(stderr).toMatch(/^Error: .*labels\.\\x1b\[2J\\x0a\\x9bJ must be a string\n$/);
});

test('who stops reading does not stop the work', async () => {
  ekiben('models', 'import', MODEL);
  const script = '{ "$0" "$1" models delete credit_risk_model -y; echo "rc=$?" >&2; } | true';
  const { stderr } = spawnSync('bash', ['-c', script, process.execPath, bin], {
    env: { ...process.env, EKIBEN_HOME: path.join(home, 'store') },
    encoding: 'utf8',
  });
  expect(stderr).toBe('rc=0\n');
  expect(ekiben('models', 'list', '-o', 'json')).toBe('[]');
});

test('Ctrl-C in an import ends as it should, and leaves nothing', async () => {
  const child = spawn(process.execPath, [bin, 'models', 'import', '-'], {
    env: { ...process.env, EKIBEN_HOME: path.join(home, 'store') },
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  const ended = once(child, 'exit');
  // The beginning of a tar whose file never ends.
  const piped =
    run(['models', 'import', MODEL]).status === 0 && run(['models', 'export', TAG, '-', '--format', 'tar']).bytes;
  child.stdin.write((piped as Uint8Array).subarray(0, 100_000));
  const drafts = path.join(home, 'store', 'ekiben', 'models', 'drafts');
  while ((await readdir(drafts)).length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
  child.kill('SIGINT');
  child.stdin.write(new Uint8Array(1000));
  expect(await ended).toEqual([null, 'SIGINT']);
  expect(await readdir(drafts)).toEqual([]);
});

test('values are printed as BentoML prints them', () => {
  expect([0, 1, 1023, 1024, 202596, 5 * 1024 ** 3].map(humanSize)).toEqual([
    '0.00 B',
    '1.00 B',
    '1023.00 B',
    '1.00 KiB',
    '197.85 KiB',
    '5.00 GiB',
  ]);
  expect(localTime('2026-11-23T23:06:52.925008+00:00')).toMatch(/^2026-11-2\d \d\d:\d6:52$/);
  expect(progressLine('importing x', 512, 1024, 1000)).toBe(
    `importing x  ${'█'.repeat(15)}${'░'.repeat(15)}  50 %  512.00 B of 1.00 KiB  512.00 B/s`,
  );
  expect(progressLine('importing x', 512, undefined, 500)).toBe('importing x  512.00 B  1.00 KiB/s');
});
