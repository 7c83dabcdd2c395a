// `ekiben build`, and what becomes of a bento, with the built command.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { BentoStore, ModelStore } from '@ekiben/store';

import { bin, makeFolder, packageRoot } from './project.ts';

let work: string;
let project: string;
let home: string;
let models: ModelStore;

const SERVICE = `
import { Service, json, models } from 'ekiben';
import { factor } from './factor.ts';
const model = await models.get('numbers:production');
const number = json({ type: 'number' });
export const svc = new Service('Multiplier').api('times', { input: number, output: number }, (x) => factor * x);
export const version = model.tag;
`;

beforeAll(async () => {
  work = await makeFolder('build');
  home = path.join(work, 'home');
  project = path.join(work, 'project');
  models = new ModelStore(home);
  for (const version of ['v1', 'v2']) {
    await models.create(`numbers:${version}`, (draft) => draft.write('n.txt', Buffer.from(version)));
  }
  await models.alias('numbers:v1', 'production');
  await mkdir(path.join(project, 'src'), { recursive: true });
  await mkdir(path.join(project, 'node_modules'));
  await symlink(packageRoot, path.join(project, 'node_modules/ekiben'));
  await writeFile(path.join(project, 'package.json'), '{ "name": "multiplier", "type": "module" }');
  await writeFile(path.join(project, 'bentofile.yaml'), 'service: src/service.ts:svc\nlabels: { stage: test }\n');
  await writeFile(path.join(project, 'src/service.ts'), SERVICE);
  await writeFile(path.join(project, 'src/factor.ts'), 'export const factor: number = 3;\n');
}, 600_000); // a watchdog
afterAll(() => rm(work, { recursive: true }));

const ekiben = (...args: string[]) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [bin, ...args], {
    cwd: project,
    encoding: 'utf8',
    env: { ...process.env, EKIBEN_HOME: home },
  });
  return { status, stdout, stderr };
};
const edit = (file: string, text: string) => writeFile(path.join(project, file), text);

test('builds, and says so as BentoML does', async () => {
  const { status, stdout, stderr } = ekiben('build', '--version', 'v1');
  expect({ status, stderr }).toEqual({ status: 0, stderr: expect.not.stringContaining('rror') });
  expect(stdout).toContain('Successfully built Bento(tag="multiplier:v1").\n');
  const bento = await new BentoStore(home).get('multiplier:v1');
  expect(bento).toMatchObject({ service: 'src/service.ts:svc', labels: { stage: 'test' }, models: ['numbers:v1'] });
  expect(await readFile(path.join(bento.path, 'models/numbers/v1/n.txt'), 'utf8')).toBe('v1');
  expect(await readFile(path.join(bento.path, 'src/src/factor.ts'), 'utf8')).toContain('factor: number');
  expect(ekiben('build', '--version', 'v1')).toMatchObject({
    status: 1,
    stderr: expect.stringContaining("'multiplier:v1' is already in the store"),
  });
}, 600_000); // a watchdog

test('prints the tag, or all of bento.yaml, for programs', () => {
  expect(ekiben('build', '-q', '-o', 'tag', '--version', 'v2')).toMatchObject({
    status: 0,
    stdout: '__tag__:multiplier:v2\n',
  });
  const { stdout } = ekiben('build', '-q', '-o', 'json', '--version', 'v3');
  expect(JSON.parse(stdout)).toMatchObject({
    name: 'multiplier',
    version: 'v3',
    digest: expect.stringMatching(/^sha256:/),
  });
}, 600_000); // a watchdog

test('a bento keeps the version that an alias had, wherever it points by now', async () => {
  await models.alias('numbers:v2', 'production');
  const { path: built } = await new BentoStore(home).get('multiplier:v1');
  const bento = path.join(work, 'elsewhere');
  await cp(built, bento, { recursive: true });
  const script = `
    process.env.EKIBEN_HOME = ${JSON.stringify(bento)};
    const { pinned_tags: pins } = (await import('js-yaml')).load(
      (await import('node:fs')).readFileSync(${JSON.stringify(path.join(bento, 'bento.yaml'))}, 'utf8')).node;
    process.env.EKIBEN_PINNED_TAGS = JSON.stringify(pins);
    console.log((await import(${JSON.stringify(path.join(bento, 'src/__bundle__/service.js'))})).version);`;
  const run = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    cwd: packageRoot,
    encoding: 'utf8',
  });
  expect({ stdout: run.stdout, stderr: run.stderr }).toEqual({ stdout: 'numbers:v1\n', stderr: '' });
});

test('verify finds what was changed in a bento, also before it came into this store', async () => {
  const { path: built } = await new BentoStore(home).get('multiplier:v3');
  const altered = path.join(work, 'altered');
  await cp(built, altered, { recursive: true });
  await writeFile(path.join(altered, 'models/numbers/v1/n.txt'), 'evil');
  const other = path.join(work, 'other');
  await new BentoStore(other).import(altered);
  const { status, stdout } = spawnSync(process.execPath, [bin, 'verify'], {
    encoding: 'utf8',
    env: { ...process.env, EKIBEN_HOME: other },
  });
  expect({ status, stdout }).toMatchObject({
    status: 1,
    stdout: expect.stringMatching(/damaged\n {2}changed +models\/numbers\/v1\/n\.txt/),
  });
  expect(ekiben('verify', 'multiplier:v3')).toMatchObject({ status: 0, stdout: expect.stringContaining('intact') });
});

const NAMED = `
import { Service, json, models } from 'ekiben';
const tags = await Promise.all(['best', 'numbers', 'other:v1'].map(async (name) => (await models.get(name)).tag));
const { REGION, LEVEL } = process.env;
if (REGION === undefined) throw new Error('no REGION');
const text = json({ type: 'string' });
export const svc = new Service('named').api('told', { input: text, output: json({}) }, () => ({ tags, REGION, LEVEL }));
`;
const BENTOFILE = `\uFEFFservice: src/named.ts:svc\r
models:\r
- tag: numbers\r
  filter: label:stage=prod, label:tier=1\r
- { tag: "numbers:v2", alias: best }\r
- other:v1\r
envs:\r
- { name: REGION, value: eu }\r
- { name: LEVEL, value: 3 }\r
- name: TOKEN\r
`;

test('a service has the models and variables that its bentofile names, when it is built and when it is served', async () => {
  const labels = { stage: 'prod', tier: '1' };
  const write = async ({ write: file }: { write(name: string, bytes: Uint8Array): Promise<void> }) =>
    file('n.txt', Buffer.from('n'));
  await models.create('numbers:v3', write, { labels });
  await models.create('numbers:v4', write, { labels: { stage: 'prod' } });
  await models.create('other:v1', write);
  await edit('src/named.ts', NAMED);
  await edit('named.yaml', BENTOFILE);
  expect(ekiben('build', '-q', '-f', 'named.yaml', '--version', 'v1')).toEqual({ status: 0, stdout: '', stderr: '' });
  const bento = await new BentoStore(home).get('named:v1');
  expect(bento.models).toEqual(['numbers:v2', 'numbers:v3', 'other:v1']);
  expect(bento.node?.pinnedTags).toEqual({ 'best:latest': 'numbers:v2', 'numbers:latest': 'numbers:v3' });
  await models.create('numbers:v5', write, { labels });

  const { TOKEN: _, ...outside } = process.env;
  const env = { ...outside, EKIBEN_HOME: home, LEVEL: '4' };
  const serve = [bin, 'serve', 'named:v1', '--port', '0'];
  expect(spawnSync(process.execPath, serve, { cwd: work, encoding: 'utf8', env })).toMatchObject({
    status: 1,
    stderr: expect.stringContaining("Bento 'named:v1' needs TOKEN in the environment"),
  });
  const child = spawn(process.execPath, serve, {
    cwd: work,
    env: { ...env, TOKEN: 'x' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    let said = '';
    for await (const chunk of child.stdout) if (/ on \S+ /.test((said += String(chunk)))) break;
    const [, url] = / on (http:\S+) /.exec(said) ?? [];
    const answer = await fetch(`${url}/told`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '""',
    });
    expect(await answer.json()).toEqual({ tags: ['numbers:v2', 'numbers:v3', 'other:v1'], REGION: 'eu', LEVEL: '4' });
  } finally {
    child.kill('SIGTERM');
    await once(child, 'exit');
  }
  await edit('named.yaml', BENTOFILE.replace('tier=1', 'tier=2'));
  expect(ekiben('build', '-f', 'named.yaml').stderr).toContain("No model 'numbers' has the labels stage=prod, tier=2");
}, 600_000); // a watchdog

test('errors say what to do, and leave no bento', async () => {
  const before = (await new BentoStore(home).list()).length;
  await edit('src/factor.ts', 'export const factor: number = ;\n');
  expect(ekiben('build').stderr).toMatch(/does not compile[\s\S]*factor\.ts:1:30/);
  await edit('src/factor.ts', `export const factor = 3; export const key = 'ghp_${'x'.repeat(36)}';\n`);
  expect(ekiben('build').stderr).toMatch(/Secrets would go into the bento[\s\S]*src\/factor\.ts:1: a GitHub token/);
  await edit('src/factor.ts', 'export const factor: number = 3;\n');
  await edit('src/service.ts', SERVICE.replace('numbers:production', 'number:latest'));
  expect(ekiben('build')).toMatchObject({ status: 1, stderr: expect.stringMatching(/no model|not found/i) });
  await edit('src/service.ts', SERVICE.replace("'./factor.ts'", "'not-installed'"));
  expect(ekiben('build').stderr).toContain('not-installed');
  await edit('src/service.ts', SERVICE);
  expect((await new BentoStore(home).list()).length).toBe(before);
}, 600_000); // a watchdog
