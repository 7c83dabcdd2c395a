import { mkdir, readdir, readFile, realpath, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { beforeEach, expect, test } from '@jest/globals';
import { cachedBundle } from '../src/bundle-cache.ts';
import type { Bundle } from '../src/bundle.ts';
import { MAX_KEPT_BUNDLES } from '../src/limits.ts';
import { PackageFinder } from '../src/package-root.ts';
import { project, temporary } from './support.ts';

const json = (name: string, more: object = {}) => JSON.stringify({ name, version: '1.0.0', ...more });

const FILES = {
  'package.json': json('my-service', { type: 'module' }),
  'tsconfig.json': '{ "extends": ["./base"] }',
  'base.json': '{ "compilerOptions": { "paths": { "@word": ["./src/one.js"] } } }',
  'src/service.ts': `import { word } from '@word'; import { n } from './numbers'; import { linked } from 'linked';
export const svc: string = word + n + linked;`,
  'src/one.js': `export const word = 'one';`,
  'src/two.js': `export const word = 'two';`,
  'src/numbers/index.js': `export const n = 1;`,
  'node_modules/ekiben/package.json': json('ekiben', { type: 'module', exports: { './cli': './cli.js' } }),
  'node_modules/ekiben/cli.js': `export const run = async () => 0;`,
  'node_modules/.store/a/package.json': json('linked', { exports: './index.js' }),
  'node_modules/.store/a/index.js': `exports.linked = 'a';`,
  'node_modules/.store/b/package.json': json('linked', { exports: './index.js' }),
  'node_modules/.store/b/index.js': `exports.linked = 'b';`,
};

let folder: string;
let cache: string;

beforeEach(async () => {
  folder = await realpath(await project(FILES));
  await symlink(join(folder, 'node_modules/.store/a'), join(folder, 'node_modules/linked'));
  cache = join(await temporary(), 'bundles');
  // What has changed within the clock's tick is not kept.
  await new Promise((resolve) => setTimeout(resolve, 20));
});

const bundled = (more: { outside?: string[] } = {}): Promise<Bundle> =>
  cachedBundle(
    {
      project: folder,
      service: join(folder, 'src/service.ts'),
      exportName: 'svc',
      outside: more.outside ?? [],
      packages: true,
      node: '20',
      finder: new PackageFinder(),
    },
    cache,
  );
const change = async (path: string, text: string) => {
  await mkdir(dirname(join(folder, path)), { recursive: true });
  await writeFile(join(folder, path), text);
};
const kept = async () => {
  const [name = ''] = await readdir(cache);
  return join(cache, name);
};
const textOf = ({ files }: Bundle) => [...files.values()].map((each) => Buffer.from(each).toString('utf8')).join('\n');

test('is made once', async () => {
  const first = await bundled();
  const { ino } = await stat(await kept());
  const again = await bundled();
  expect((await stat(await kept())).ino).toBe(ino);
  expect(again).toEqual({ ...first, files: expect.anything() });
  expect([...again.files].map(([name, bytes]) => [name, Buffer.from(bytes)])).toEqual(
    [...first.files].map(([name, bytes]) => [name, Buffer.from(bytes)]),
  );
});

test.each<[string, string, () => Promise<unknown>]>([
  ['a module', `"uno"`, () => change('src/one.js', `export const word = 'uno';`)],
  ['a module of a package', `"c"`, () => change('node_modules/.store/a/index.js', `exports.linked = 'c';`)],
  ['a new module that comes before another', '"one"+2', () => change('src/numbers.ts', 'export const n = 2;')],
  [
    'what tsconfig.json extends',
    `"two"`,
    () => change('base.json', '{ "compilerOptions": { "paths": { "@word": ["./src/two.js"] } } }'),
  ],
  ['where a package is installed', `"d"`, () => change('src/node_modules/linked/index.js', `exports.linked = 'd';`)],
  [
    'what a link leads to',
    `"b"`,
    async () => {
      await rm(join(folder, 'node_modules/linked'));
      await symlink(join(folder, 'node_modules/.store/b'), join(folder, 'node_modules/linked'));
    },
  ],
  [
    'what package.json says',
    `"e"`,
    async () => {
      await change('node_modules/.store/a/e.js', `exports.linked = 'e';`);
      await change('node_modules/.store/a/package.json', json('linked', { exports: './e.js' }));
    },
  ],
])('is made anew after a change of %s', async (_what, text, edit) => {
  expect(textOf(await bundled())).not.toContain(text);
  await edit();
  expect(textOf(await bundled())).toContain(text);
});

test('is made anew when something else is wanted', async () => {
  await bundled();
  expect((await bundled({ outside: ['linked'] })).outside.map(({ manifest }) => manifest.name)).toEqual(['linked']);
});

test.each([
  ['a flipped bit', (bytes: Buffer) => bytes.with(bytes.length - 40, (bytes.at(-40) ?? 0) ^ 1)],
  ['a file cut off', (bytes: Buffer) => bytes.subarray(0, 100)],
  ['an empty file', () => Buffer.alloc(0)],
])('%s is seen, and replaced', async (_what, damage) => {
  const first = await bundled();
  const intact = await readFile(await kept());
  await writeFile(await kept(), damage(intact));
  expect(textOf(await bundled())).toBe(textOf(first));
  expect(await readFile(await kept())).toEqual(intact);
});

test('a folder that cannot be written is done without', async () => {
  await writeFile(cache, 'a file');
  expect((await bundled()).server).toBe('server.js');
});

test('only the newest are kept', async () => {
  await mkdir(cache);
  for (let n = 0; n < MAX_KEPT_BUNDLES; n++) await writeFile(join(cache, `old-${n}`), '');
  await bundled();
  expect(await readdir(cache)).toHaveLength(MAX_KEPT_BUNDLES);
  expect((await stat(await kept())).size).toBeGreaterThan(0);
});

test('a module that changes while it is bundled is not taken for what was bundled', async () => {
  const bundling = bundled();
  await change('src/one.js', `export const word = 'uno';`);
  await bundling;
  expect(textOf(await bundled())).toContain(`"uno"`);
});
