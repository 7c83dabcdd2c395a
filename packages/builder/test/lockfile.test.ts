import { expect, test } from '@jest/globals';
import { readLockfile } from '../src/lockfile.ts';
import { project } from './support.ts';

const none = { lockfile: undefined, packageManager: undefined };

const LOCKFILES: Readonly<Record<string, readonly [string, string]>> = {
  pnpm: [
    'pnpm-lock.yaml',
    `lockfileVersion: '9.0'
packages:
  '@img/sharp-linux-arm64@0.35.5':
    resolution: {integrity: sha512-arm}
    cpu: [arm64]
    os: [linux]
    libc: [glibc]
  zod@4.6.7:
    resolution: {integrity: sha512-zod}
  '@ours/a@file:../a.tgz':
    resolution: {integrity: sha512-a, tarball: file:../a.tgz}
    version: 1.0.0
snapshots: {}
`,
  ],
  'pnpm 8': [
    'pnpm-lock.yaml',
    `lockfileVersion: '6.0'
packages:
  /@img/sharp-linux-arm64@0.35.5:
    resolution: {integrity: sha512-arm}
    cpu: [arm64]
    os: [linux]
    libc: [glibc]
  /zod@4.6.7(typescript@5.0.0):
    resolution: {integrity: sha512-zod}
  '@ours/a@file:../a.tgz':
    resolution: {integrity: sha512-a, tarball: file:../a.tgz}
    version: 1.0.0
`,
  ],
  npm: [
    'package-lock.json',
    JSON.stringify({
      lockfileVersion: 3,
      packages: {
        '': { name: 'x' },
        'node_modules/a/node_modules/@img/sharp-linux-arm64': {
          version: '0.35.5',
          integrity: 'sha512-arm',
          cpu: ['arm64'],
          os: ['linux'],
          libc: ['glibc'],
        },
        'node_modules/zod': { version: '4.6.7', integrity: 'sha512-zod' },
        'node_modules/@ours/a': { version: '1.0.0', resolved: 'file:../a.tgz', integrity: 'sha512-a' },
      },
    }),
  ],
  yarn: [
    'yarn.lock',
    `# yarn lockfile v1


"@img/sharp-linux-arm64@0.35.5":
  version "0.35.5"
  resolved "somewhere"
  integrity sha512-arm

zod@^4.0.0, zod@4.6.7:
  version "4.6.7"
  resolved "somewhere"
  integrity sha512-zod

"@ours/a@file:../a.tgz":
  version "1.0.0"
  resolved "file:../a.tgz"
  integrity sha512-a
`,
  ],
  'yarn 4': [
    'yarn.lock',
    `__metadata:
  version: 8

"@img/sharp-linux-arm64@npm:0.35.5":
  version: 0.35.5
  resolution: "@img/sharp-linux-arm64@npm:0.35.5"
  checksum: 10/abc
  conditions: os=linux & cpu=arm64 & libc=glibc
  languageName: node

"zod@npm:^4.0.0":
  version: 4.6.7
  resolution: "zod@npm:4.6.7"
  checksum: 10/def

"@ours/a@file:../a.tgz":
  version: 1.0.0
  resolution: "@ours/a@file:../a.tgz#../a.tgz::hash=1&locator=x"

"me@workspace:.":
  version: 0.0.0-use.local
  resolution: "me@workspace:."
`,
  ],
};

test.each(Object.entries(LOCKFILES))('reads what %s locked', async (name, [file, text]) => {
  const lockfile = await readLockfile(await project({ [file]: text }), none);
  expect(lockfile.manager).toBe(name.split(' ')[0]);
  expect([...lockfile.packages.keys()].toSorted()).toEqual([
    '@img/sharp-linux-arm64@0.35.5',
    '@ours/a@1.0.0',
    'zod@4.6.7',
  ]);
  const knowsPlatforms = name !== 'yarn';
  const hasIntegrity = name !== 'yarn 4';
  expect(lockfile.packages.get('@img/sharp-linux-arm64@0.35.5')).toEqual({
    integrity: hasIntegrity ? 'sha512-arm' : undefined,
    os: knowsPlatforms ? ['linux'] : undefined,
    cpu: knowsPlatforms ? ['arm64'] : undefined,
    libc: knowsPlatforms ? ['glibc'] : undefined,
    isLocal: false,
  });
  expect(lockfile.packages.get('@ours/a@1.0.0')?.isLocal).toBe(true);
});

test('a member of a workspace has the lock file of a folder above it', async () => {
  const folder = await project({ 'pnpm-lock.yaml': LOCKFILES['pnpm']?.[1] ?? '', 'apps/a/package.json': '{}' });
  expect(await readLockfile(`${folder}/apps/a`, none)).toMatchObject({
    path: `${folder}/pnpm-lock.yaml`,
    manager: 'pnpm',
  });
});

test('the bentofile decides between several, and names one that lies elsewhere', async () => {
  const folder = await project({
    'yarn.lock': '',
    'package-lock.json': '{"packages":{}}',
    'locks/pnpm-lock.yaml': 'lockfileVersion: 9',
  });
  const named = await readLockfile(folder, { lockfile: 'locks/pnpm-lock.yaml', packageManager: undefined });
  expect(named.manager).toBe('pnpm');
  expect((await readLockfile(folder, { lockfile: undefined, packageManager: 'yarn' })).manager).toBe('yarn');
});

test.each([
  [{ lockfile: 'none.lock', packageManager: undefined }, 'none.lock is no lock file'],
  [none, 'package-lock.json cannot be read as a lock file of npm'],
])('says what is wrong with a lock file: %#', async (said, message) => {
  await expect(readLockfile(await project({ 'package-lock.json': '{' }), said)).rejects.toMatchObject({
    code: 'EKIBEN_LOCKFILE_INVALID',
    message: expect.stringContaining(message),
  });
});
