import { realpath, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import type { Lockfile } from '../src/lockfile.ts';
import { parsePlatform } from '../src/native.ts';
import { packageFiles, placePackages } from '../src/outside.ts';
import { PackageFinder, type Package } from '../src/package-root.ts';
import { project } from './support.ts';

const platform = parsePlatform('linux/amd64');
const unlocked: Lockfile = { path: undefined, manager: 'npm', packages: new Map() };

const json = (name: string, more: object = {}) => JSON.stringify({ name, version: '1.0.0', ...more });

async function installed(files: Readonly<Record<string, string>>): Promise<{ folder: string; finder: PackageFinder }> {
  return {
    folder: await realpath(await project({ 'package.json': json('root'), ...files })),
    finder: new PackageFinder(),
  };
}

const found = (finder: PackageFinder, name: string, folder: string): Package => {
  const pkg = finder.find(name, folder);
  if (pkg === undefined) throw new Error(name);
  return pkg;
};

test('places each package as high as it can lie, and a second version below the one that wants it', async () => {
  const { folder, finder } = await installed({
    'node_modules/a/package.json': json('a', { dependencies: { b: '*', c: '*' } }),
    'node_modules/b/package.json': json('b', { dependencies: { c: '2' } }),
    'node_modules/b/node_modules/c/package.json': json('c', { version: '2.0.0' }),
    'node_modules/c/package.json': json('c', { dependencies: { a: '*' } }),
  });
  const placed = placePackages([found(finder, 'a', folder)], {
    project: folder,
    finder,
    platform,
    lockfile: unlocked,
    omit: new Set(),
  });
  expect(placed.map(({ path, manifest }) => `${path}@${manifest.version}`)).toEqual([
    'node_modules/a@1.0.0',
    'node_modules/b@1.0.0',
    'node_modules/b/node_modules/c@2.0.0',
    'node_modules/c@1.0.0',
  ]);
});

test('takes optional packages of the platform only, and none that serving never loads', async () => {
  const optionalDependencies = { 'x-linux-x64': '1.0.0', 'x-darwin-arm64': '1.0.0', 'not-there': '1.0.0' };
  const { folder, finder } = await installed({
    'node_modules/x/package.json': json('x', { optionalDependencies, dependencies: { telemetry: '1' } }),
    'node_modules/x-linux-x64/package.json': json('x-linux-x64', { os: ['linux'], cpu: ['x64'] }),
    'node_modules/x-darwin-arm64/package.json': json('x-darwin-arm64', { os: ['darwin'], cpu: ['arm64'] }),
    'node_modules/telemetry/package.json': json('telemetry'),
  });
  const options = { project: folder, finder, platform, lockfile: unlocked, omit: new Set(['telemetry']) };
  expect(placePackages([found(finder, 'x', folder)], options).map(({ path }) => path)).toEqual([
    'node_modules/x',
    'node_modules/x-linux-x64',
  ]);
});

test('a package for the platform that is locked but not installed is an error that says how to get it', async () => {
  const { folder, finder } = await installed({
    'node_modules/x/package.json': json('x', { optionalDependencies: { 'x-linux-x64': '1.0.0' } }),
  });
  const locked = { integrity: undefined, os: ['linux'], cpu: ['x64'], libc: undefined, isLocal: false };
  const lockfile = { ...unlocked, packages: new Map([['x-linux-x64@1.0.0', locked]]) };
  expect(() =>
    placePackages([found(finder, 'x', folder)], { project: folder, finder, platform, lockfile, omit: new Set() }),
  ).toThrow(
    expect.objectContaining({
      code: 'EKIBEN_PLATFORM_MISSING',
      message: expect.stringContaining('npm i --no-save --force x-linux-x64@1.0.0'),
    }),
  );
});

test('an optional peer that a package of the repository has for its own tests is left out, unless the project has it', async () => {
  const peers = {
    peerDependencies: { big: '1', used: '1' },
    peerDependenciesMeta: { big: { optional: true }, used: { optional: true } },
    devDependencies: { big: '1', used: '1' },
  };
  const { folder, finder } = await installed({
    'packages/ours/package.json': json('ours', peers),
    'packages/ours/node_modules/big/package.json': json('big'),
    'node_modules/used/package.json': json('used'),
  });
  const ours = { dir: `${folder}/packages/ours`, manifest: { name: 'ours', version: '1.0.0', ...peers } };
  const options = { project: folder, finder, platform, lockfile: unlocked, omit: new Set<string>() };
  expect(placePackages([ours], options).map(({ path }) => path)).toEqual(['node_modules/ours', 'node_modules/used']);
});

test('a dependency that is missing is named', async () => {
  const { folder, finder } = await installed({
    'node_modules/a/package.json': json('a', { dependencies: { b: '1' } }),
  });
  const options = { project: folder, finder, platform, lockfile: unlocked, omit: new Set<string>() };
  expect(() => placePackages([found(finder, 'a', folder)], options)).toThrow('a needs b, which is not installed');
});

test('of a package, what serving needs on the platform, and its licence', async () => {
  const { folder, finder } = await installed({
    'node_modules/n/package.json': json('n'),
    'node_modules/n/LICENSE': '',
    'node_modules/n/README.md': '',
    'node_modules/n/index.js': '',
    'node_modules/n/index.js.map': '',
    'node_modules/n/index.d.ts': '',
    'node_modules/n/bin/linux/x64/n.node': '',
    'node_modules/n/bin/linux/x64/libn.so.1': '',
    'node_modules/n/bin/win32/x64/n.node': '',
    'node_modules/n/bin/win32/x64/n.dll': '',
  });
  const pkg = found(finder, 'n', folder);
  const paths = async (...args: Parameters<typeof packageFiles>) =>
    (await packageFiles(...args)).map(({ path }) => path);
  expect(await paths(pkg, platform, undefined)).toEqual([
    'LICENSE',
    'bin/linux/x64/libn.so.1',
    'bin/linux/x64/n.node',
    'index.js',
    'package.json',
  ]);
  expect(await paths(pkg, platform, ['index.js'])).toEqual(['LICENSE', 'index.js', 'package.json']);
  await expect(packageFiles(pkg, parsePlatform('darwin/arm64'), undefined)).rejects.toMatchObject({
    code: 'EKIBEN_PLATFORM_MISSING',
    message: expect.stringContaining('n 1.0.0 has no build for darwin/arm64; it has bin/linux/x64/n.node'),
  });
});

test('of a package of the repository, what it would publish', async () => {
  const folder = await realpath(
    await project({
      'package.json': json('ours', { files: ['dist', '!dist/.cache'] }),
      'dist/index.js': '',
      'src/index.ts': '',
      'test/a.js': '',
    }),
  );
  await writeFile(join(folder, 'dist/.cache'), '');
  const pkg = new PackageFinder().of(folder);
  expect(pkg).toBeDefined();
  if (pkg === undefined) return;
  expect((await packageFiles(pkg, platform, undefined)).map(({ path }) => path)).toEqual([
    'dist/index.js',
    'package.json',
  ]);
});
