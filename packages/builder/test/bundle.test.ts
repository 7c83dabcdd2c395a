import { execFileSync } from 'node:child_process';
import { mkdir, realpath, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from '@jest/globals';
import { bundle, BUNDLE_DIR, type Bundle } from '../src/bundle.ts';
import { PackageFinder } from '../src/package-root.ts';
import { project, temporary } from './support.ts';

const json = (name: string, more: object = {}) => JSON.stringify({ name, version: '1.0.0', ...more });

const FILES = {
  'package.json': json('my-service', { type: 'module' }),
  'src/service.ts': `import { plain } from 'plain'; import { place } from 'placed'; import { told } from 'threaded'; import { readFileSync } from 'node:fs';
const own: string = readFileSync(new URL('./own.txt', import.meta.url), 'utf8');
export const svc = [plain(), place, own, await told()].join(' ');`,
  'src/own.txt': 'own',
  'node_modules/ekiben/package.json': json('ekiben', { type: 'module', exports: { './cli': './cli.js' } }),
  'node_modules/ekiben/cli.js': `import { readFileSync } from 'node:fs';
const { version } = JSON.parse(readFileSync(new URL('./package.json', import.meta.url), 'utf8'));
export const run = async (args, { bento }) => { console.log(version, ...args, bento.length > 0); return 0; };`,
  'node_modules/plain/package.json': json('plain'),
  'node_modules/plain/index.js': `try { require('absent'); } catch {}\nexports.plain = () => require('./words.js');`,
  'node_modules/plain/words.js': `module.exports = 'plain';`,
  'node_modules/threaded/package.json': json('threaded', { main: 'lib/index.js' }),
  'node_modules/threaded/lib/index.js': `const { join } = require('path'); const { Worker } = require('worker_threads');
exports.told = () => new Promise((resolve) => new Worker(join(__dirname, '..', 'worker.js')).on('message', resolve));`,
  'node_modules/threaded/worker.js': `require('worker_threads').parentPort.postMessage(require('./word.js'));`,
  'node_modules/threaded/word.js': `module.exports = 'threaded';`,
  'node_modules/placed/package.json': json('placed'),
  'node_modules/placed/index.js': `exports.place = require('fs').readFileSync(__dirname + '/data.txt', 'utf8');`,
  'node_modules/placed/data.txt': 'placed',
};

const bundled = (
  folder: string,
  options: { service?: string; outside?: string[]; packages?: boolean } = {},
): Promise<Bundle> =>
  bundle({
    project: folder,
    service: join(folder, 'src', options.service ?? 'service.ts'),
    exportName: 'svc',
    outside: options.outside ?? [],
    packages: options.packages ?? true,
    node: '20',
    finder: new PackageFinder(),
  });
const made = async (files: Readonly<Record<string, string>> = FILES) => realpath(await project(files));
const names = (packages: Bundle['inside']) => packages.map(({ manifest }) => manifest.name);

test('packages of plain JavaScript are inside; one that finds files beside itself is outside', async () => {
  const { inside, outside, ours, files } = await bundled(await made());
  expect(names(inside)).toEqual(['ekiben', 'plain', 'threaded']);
  expect(names(outside)).toEqual(['placed']);
  expect(ours).toEqual(['src/service.ts']);
  expect([...files.keys()]).toEqual(
    expect.arrayContaining([
      'files/ekiben-1.0.0/package.json',
      'run-threaded-1.0.0-worker.js',
      'server.js',
      'service.js',
      'service.js.map',
    ]),
  );
});

test('runs elsewhere, with what is beside it', async () => {
  const { files } = await bundled(await made());
  const elsewhere = await temporary();
  const write = async (path: string, content: Uint8Array | string) => {
    await mkdir(dirname(join(elsewhere, path)), { recursive: true });
    await writeFile(join(elsewhere, path), content);
  };
  for (const [path, content] of files) await write(`src/${BUNDLE_DIR}/${path}`, content);
  for (const [path, text] of Object.entries(FILES))
    if (/own.txt|placed/.test(path)) await write(path.replace(/^src/, 'src/src'), text);
  const node = (...args: string[]) => execFileSync(process.execPath, args, { encoding: 'utf8', cwd: elsewhere });
  const service = pathToFileURL(join(elsewhere, `src/${BUNDLE_DIR}/service.js`)).href;
  const show = `import(${JSON.stringify(service)}).then(({ svc }) => console.log(svc))`;
  expect(node('-e', show)).toBe('plain placed own threaded\n');
  expect(node(join(elsewhere, `src/${BUNDLE_DIR}/server.js`), 'serve', '--port', '1')).toBe(
    '1.0.0 serve --port 1 true\n',
  );
});

test('a module of the project finds itself among the sources, however it asks', async () => {
  const folder = await made({
    ...FILES,
    'package.json': json('my-service', { type: 'commonjs' }),
    'src/service.ts': `import { common } from './common.cjs';
export const svc = [import.meta.url, import.meta.filename, import.meta.dirname, ...common].join('|');`,
    'src/common.cjs': `#!/usr/bin/env node\nmodule.exports.common = [__filename, __dirname];`,
    'src/100% #1.mjs': `export const svc = new URL('x', import.meta.url).href;`,
    'src/only.cjs': `exports.svc = [__filename, this === exports].join('|');`,
  });
  const elsewhere = await realpath(await temporary());
  const told = async (service: string): Promise<string> => {
    const { files } = await bundled(folder, { service });
    for (const [path, content] of files) {
      await mkdir(dirname(join(elsewhere, `src/${BUNDLE_DIR}/${path}`)), { recursive: true });
      await writeFile(join(elsewhere, `src/${BUNDLE_DIR}/${path}`), content);
    }
    const show = `import(${JSON.stringify(`./src/${BUNDLE_DIR}/service.js`)}).then(({ svc }) => console.log(svc))`;
    return execFileSync(process.execPath, ['-e', show], { encoding: 'utf8', cwd: elsewhere }).trim();
  };
  const source = join(elsewhere, 'src/src');
  expect(await told('service.ts')).toBe(
    [
      pathToFileURL(join(source, 'service.ts')).href,
      join(source, 'service.ts'),
      source,
      join(source, 'common.cjs'),
      source,
    ].join('|'),
  );
  expect(await told('100% #1.mjs')).toBe(pathToFileURL(join(source, 'x')).href);
  expect(await told('only.cjs')).toBe(`${join(source, 'only.cjs')}|true`);
});

test('is the same in a folder of another depth', async () => {
  const deep = Object.fromEntries(Object.entries(FILES).map(([path, text]) => [`a/b/${path}`, text]));
  const [one, two] = [await bundled(await made()), await bundled(join(await made(deep), 'a/b'))];
  expect([...two.files]).toEqual([...one.files]);
});

test('a package in CommonJS that the project imports while it runs keeps its names, outside', async () => {
  const service = `export const svc = (await import('plain')).plain;`;
  expect(names((await bundled(await made({ ...FILES, 'src/service.ts': service }))).outside)).toEqual(['plain']);
});

test('a package that turns out to stay outside leaves nothing beside the bundle', async () => {
  const { outside, files } = await bundled(
    await made({ ...FILES, 'node_modules/threaded/word.js': `module.exports = __dirname;` }),
  );
  expect(names(outside)).toEqual(['placed', 'threaded']);
  expect([...files.keys()].filter((name) => name.startsWith('run-'))).toEqual([]);
});

test('what is named stays outside, or all of it', async () => {
  const folder = await made();
  expect(names((await bundled(folder, { outside: ['plain'] })).outside)).toEqual(['placed', 'plain']);
  const { inside, outside } = await bundled(folder, { packages: false });
  expect(inside).toEqual([]);
  expect(names(outside)).toEqual(['ekiben', 'placed', 'plain', 'threaded']);
});

test.each([
  ['src/service.ts', 'export const svc: = 1;', /src\/service\.ts:1:18/],
  ['src/service.ts', `import 'nowhere'; export const svc = 1;`, /Could not resolve "nowhere"/],
])('says what does not compile, and where: %#', async (file, text, message) => {
  await expect(bundled(await made({ ...FILES, [file]: text }))).rejects.toMatchObject({
    code: 'EKIBEN_COMPILE_FAILED',
    message: expect.stringMatching(message),
  });
});

test('a project without the command is told so', async () => {
  const without = Object.fromEntries(Object.entries(FILES).filter(([path]) => !path.includes('/ekiben/')));
  await expect(bundled(await made(without))).rejects.toMatchObject({
    code: 'EKIBEN_DEPENDENCY_MISSING',
    message: expect.stringContaining('The project needs ekiben'),
  });
});
