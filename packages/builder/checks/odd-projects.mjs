// Projects that are in order and yet unlike the others: odd folders, other kinds of modules, workspaces in circles, places that cannot
// be written to, several builds at once. Each is built by the command, and its bento asked once.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { BentoStore } from '@ekiben/store';
import { check, finish, skip, temporary } from '../../store/checks/harness.mjs';
import { ekiben, post, root, startServer } from './projects.mjs';

const NOBODY = 65_534;
const home = temporary();
const service = (answer, before = '') => `import { Service, json } from 'ekiben';
${before}
const any = json({});
export const svc = new Service('odd').api('told', { input: any, output: any }, async () => ${answer});
`;
const BENTOFILE = { 'bentofile.yaml': 'service: src/service.ts:svc\n' };
const manifest = (more = {}) => JSON.stringify({ name: 'odd', version: '1.0.0', type: 'module', ...more });

/** A folder with these files, in which the command is installed. */
function project(files, folder = join(temporary(), 'project')) {
  for (const [path, text] of Object.entries({ 'package.json': manifest(), ...BENTOFILE, ...files })) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  install(folder, 'ekiben', join(root, 'packages/cli'));
  return folder;
}

function install(folder, name, from) {
  const place = join(folder, 'node_modules', name);
  mkdirSync(dirname(place), { recursive: true });
  symlinkSync(from, place);
}

function build(folder, { args = [], env = {}, ...options } = {}) {
  return spawnSync(process.execPath, [ekiben, 'build', '-q', '-o', 'tag', ...args], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, EKIBEN_HOME: home, ...env },
    ...options,
  });
}

async function told(folder) {
  const { status, stdout, stderr } = build(folder);
  assert.equal(status, 0, stderr);
  const tag = /__tag__:(\S+)/.exec(stdout)?.[1] ?? '';
  const { url, stop } = await startServer(process.execPath, [ekiben, 'serve', tag, '--port', '0'], {
    cwd: home,
    env: { ...process.env, EKIBEN_HOME: home },
  });
  const answer = await post(`${url}/told`, 1);
  assert.deepEqual(await stop(), [0, null]);
  return answer;
}

await check('a folder with spaces, quotes and letters of other languages, directly and by a link', async () => {
  const folder = project(
    {
      'src/service.ts': service(
        '[data.n, (await import("./läter.ts")).later, text]',
        `import { readFile } from 'node:fs/promises';
import data from './data.json' with { type: 'json' };
const text = await readFile(new URL('./a täxt.txt', import.meta.url), 'utf8');`,
      ),
      'src/läter.ts': `export const later: string = 'later';`,
      'src/data.json': '{ "n": 5 }',
      'src/a täxt.txt': 'tëxt',
    },
    join(temporary(), `it's an "ödd" #1%20 {folder}`, '専'),
  );
  assert.deepEqual(await told(folder), [5, 'later', 'tëxt']);
  const link = join(temporary(), 'link');
  symlinkSync(folder, link);
  assert.deepEqual(await told(link), [5, 'later', 'tëxt']);
});

await check('a tsconfig.json with aliases, comments and a base', async () => {
  const folder = project({
    'tsconfig.json': '{ // as people have it\n "extends": "./base.json", }',
    'base.json': '{ "compilerOptions": { "paths": { "@lib/*": ["./lib/*"] } } }',
    'lib/seven.ts': 'export enum Seven { VALUE = 7 }',
    'src/service.ts': service('Seven.VALUE', `import { Seven } from '@lib/seven';`),
  });
  assert.equal(await told(folder), 7);
});

await check('a service of CommonJS, and TypeScript in a package of CommonJS', async () => {
  const common = project({
    'package.json': manifest({ type: 'commonjs' }),
    'bentofile.yaml': 'service: service.js:svc\n',
    'service.js': `const { Service, json } = require('ekiben');
const text = () => require('node:fs').readFileSync(require('node:path').join(__dirname, 'text.txt'), 'utf8');
exports.svc = new Service('odd').api('told', { input: json({}), output: json({}) }, () => [require('./n.json'), text()]);`,
    'n.json': '3',
    'text.txt': 'text',
  });
  assert.deepEqual(await told(common), [3, 'text']);
  const typescript = { 'package.json': manifest({ type: 'commonjs' }), 'src/service.ts': service('"typed"') };
  assert.equal(await told(project(typescript)), 'typed');
});

await check('packages of a workspace that need each other, a peer, and one that is a folder', async () => {
  const repository = temporary();
  const workspace = (name, more, code) => {
    const folder = join(repository, name);
    mkdirSync(folder);
    writeFileSync(join(folder, 'package.json'), manifest({ name, exports: './index.js', ...more }));
    writeFileSync(join(folder, 'index.js'), code);
    return folder;
  };
  const a = workspace(
    'a',
    { dependencies: { b: 'workspace:*' } },
    `import { b } from 'b'; export const a = () => 'a' + b;`,
  );
  const b = workspace(
    'b',
    { dependencies: { a: 'workspace:*' }, peerDependencies: { c: '*' } },
    `import * as a from 'a'; import c from 'c'; export const b = 'b' + c; export const all = () => a;`,
  );
  const c = workspace('c', { type: 'commonjs' }, `module.exports = 'c';`);
  const app = project(
    {
      'package.json': manifest({ dependencies: { a: 'workspace:*', c: 'file:../c' } }),
      'src/service.ts': service('a()', `import { a } from 'a';`),
    },
    join(repository, 'app'),
  );
  for (const [folder, name, from] of [
    [app, 'a', a],
    [app, 'c', c],
    [a, 'b', b],
    [b, 'a', a],
    [b, 'c', c],
  ])
    install(folder, name, from);
  assert.equal(await told(app), 'abc');
  writeFileSync(join(app, 'bentofile.yaml'), `${BENTOFILE['bentofile.yaml']}node: { packages: [a] }\n`);
  assert.equal(await told(app), 'abc');
});

await check('a timer at the top of a service does not keep the command', () => {
  const { status } = build(project({ 'src/service.ts': service('1', 'setInterval(() => {}, 1000);') }), {
    timeout: 120_000,
  });
  assert.equal(status, 0);
});

await check('of three builds of one version, one is in the store, and the others say so', async () => {
  const folder = project({ 'src/service.ts': service('1') });
  const command = [ekiben, 'build', '-q', '-o', 'tag', '--version', 'once'];
  const ended = await Promise.all(
    [1, 2, 3].map(async () => {
      const child = spawn(process.execPath, command, { cwd: folder, env: { ...process.env, EKIBEN_HOME: home } });
      let said = '';
      for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += chunk));
      const code = await new Promise((resolve) => child.once('close', resolve));
      return { code, said };
    }),
  );
  assert.equal(ended.filter(({ code, said }) => code === 0 && said === '__tag__:odd:once\n').length, 1);
  assert.equal(ended.filter(({ said }) => said.includes("Bento 'odd:once' is already in the store")).length, 2);
  assert.equal((await new BentoStore(home).get('odd:once')).version, 'once');
});

await check('what is wrong is said in one line, before anything is in the store', async () => {
  const before = await new BentoStore(home).list();
  const source = { 'src/service.ts': service('1') };
  for (const [files, args, said] of [
    [{ ...source, 'package.json': '{ "name": "x", }' }, [], /package\.json is no JSON/],
    [
      { ...source, 'bentofile.yaml': '\uFEFFservice: src/service.ts:svc\r\nmodel: []\r\n' },
      [],
      /bentofile\.yaml:2:1: .*'models'/,
    ],
    [
      { ...source, 'bentofile.yaml': 'service: src/service.ts:nope\n' },
      [],
      /exports no Service named "nope"; it exports svc/,
    ],
    [{ ...source, 'bentofile.yaml': 'service: src/nope.ts:svc\n' }, [], /There is no file or folder .*nope\.ts/],
    [source, ['--version', '../x'], /"bento:\.\.\/x" is not a valid tag/],
    [source, ['--version', 'latest'], /'latest' always means the newest/],
    [source, ['-f', 'src'], /src is a folder, not a file/],
  ]) {
    const { status, stderr } = build(project(files), { args });
    assert.equal(status, 1);
    assert.match(stderr, said);
    assert.doesNotMatch(stderr, /\n +at /);
  }
  assert.equal((await new BentoStore(home).list()).length, before.length);
});

await check('a full disk, and a home that is read-only, leave nothing', () => {
  const folder = project({ 'src/service.ts': service('1'), 'src/data.bin': 'x'.repeat(30e6) });
  const mounted = temporary();
  for (const [options, said] of [
    ['size=4m', /no space is left for the store/],
    ['size=4m,ro', /cannot be written to/],
  ]) {
    const script = `mount -t tmpfs -o ${options} none '${mounted}' && "$0" "$@"; echo code $?; find '${mounted}/bentos' -type f`;
    const { stdout, stderr } = spawnSync(
      'unshare',
      ['--mount', 'sh', '-c', script, process.execPath, ekiben, 'build', '-q', '-o', 'tag'],
      { cwd: folder, encoding: 'utf8', env: { ...process.env, EKIBEN_HOME: mounted } },
    );
    assert.match(stderr, said);
    assert.equal(stdout, 'code 1\n');
  }
});

if (process.getuid?.() === 0) {
  await check("a project that is somebody else's is compiled if it can be, and said to be unwritable if not", () => {
    const folder = project({ 'src/service.ts': service('1') });
    chmodSync(dirname(folder), 0o755);
    const own = temporary();
    chownSync(own, NOBODY, NOBODY);
    const asNobody = () => build(folder, { uid: NOBODY, gid: NOBODY, env: { EKIBEN_HOME: own, HOME: own } });
    const refused = asNobody();
    assert.equal(refused.status, 1);
    assert.match(refused.stderr, /node_modules\/\.cache\/ekiben cannot be written to \(EACCES\)/);
    assert.equal(build(folder).status, 0);
    assert.match(asNobody().stdout, /__tag__:odd:/);
    assert.deepEqual(readdirSync(join(own, 'bentos')), ['odd']);
  });
} else skip("a project that is somebody else's", 'only root can become somebody else');

finish();
