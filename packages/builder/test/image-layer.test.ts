// Layers: the same bytes from the same files, and what goes into which.
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { chmodSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { BlobCache } from '../src/images/blobs.ts';
import { gunzip, gzip } from '../src/images/gzip.ts';
import { makeLayer, type LayerFile } from '../src/images/layer.ts';
import { checkMachines, machineOf } from '../src/images/machine.ts';
import { partOf, partsOf } from '../src/images/parts.ts';
import { sha256 } from './registry-server.ts';
import { temporary } from './support.ts';

async function* pieces(bytes: Uint8Array, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  let at = 0;
  for (let turn = 0; at < bytes.length; turn++) {
    const size = sizes[turn % sizes.length] ?? 1;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

async function collect(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of source) chunks.push(chunk);
  return Buffer.concat(chunks);
}

test('the same bytes are compressed to the same, in whatever pieces they come', async () => {
  const text = Buffer.from(Array.from({ length: 20_000 }, (_, i) => `${(i * i) % 977} `).join(''));
  const once = await collect(gzip(pieces(text, [text.length])));
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 40_000 }), { minLength: 1, maxLength: 5 }), async (sizes) => {
      if (text.length / Math.max(...sizes) > 200) return;
      expect((await collect(gzip(pieces(text, sizes)))).equals(once)).toBe(true);
    }),
    { numRuns: 30 },
  );
  expect(gunzipSync(once)).toEqual(text);
  // No time, no name, no operating system.
  expect([...once.subarray(0, 10)]).toEqual([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
});

test('what is not compressed comes out as it is', async () => {
  const text = Buffer.from('a tar file');
  expect(await collect(gunzip(pieces(text, [3])))).toEqual(text);
  expect(await collect(gunzip(gzip(pieces(text, [3]))))).toEqual(text);
  expect(await collect(gunzip(pieces(Buffer.alloc(0), [1])))).toEqual(Buffer.alloc(0));
  await expect(collect(gunzip(pieces(Buffer.from([0x1f, 0x8b, 1, 2, 3]), [9])))).rejects.toThrow();
});

test('a layer does not depend on order, times, modes or places', async () => {
  const cache = new BlobCache(await temporary());
  const folder = await temporary();
  const source = join(folder, 'file');
  writeFileSync(source, 'content');
  chmodSync(source, 0o600);
  utimesSync(source, 1, 1);
  const files: LayerFile[] = [
    { path: 'b/c', executable: true, content: { source } },
    { path: 'a', executable: false, content: Buffer.from('x') },
  ];
  const first = await makeLayer(files, cache);
  expect(first.reused).toBe(false);
  expect(await makeLayer(files.toReversed(), cache)).toEqual({ ...first, reused: true });
  const elsewhere = await makeLayer(
    [
      { path: 'a', executable: false, content: Buffer.from('x') },
      { path: 'b/c', executable: true, content: Buffer.from('content') },
    ],
    new BlobCache(await temporary()),
  );
  expect(elsewhere).toEqual(first);
  const tar = await collect(gunzip(cache.open(first.descriptor.digest)));
  expect(sha256(tar)).toBe(first.diffId);
  const names = [0, 1024, 1536].map((at) =>
    tar
      .subarray(at, at + 100)
      .toString()
      .replaceAll('\0', ''),
  );
  expect(names).toEqual(['a', 'b/', 'b/c']);
  const owners = tar.subarray(108, 124).toString();
  expect(owners).toMatch(/^0+ ?\0?0+ ?\0?$/);
});

test('another content, name or mode is another layer', async () => {
  const cache = new BlobCache(await temporary());
  const file: LayerFile = { path: 'a', executable: false, content: Buffer.from('x') };
  const digests = new Set<string>();
  for (const each of [
    file,
    { ...file, path: 'b' },
    { ...file, executable: true },
    { ...file, content: Buffer.from('y') },
  ]) {
    digests.add((await makeLayer([each], cache)).descriptor.digest);
  }
  expect(digests.size).toBe(4);
});

test('what is kept is believed only while it is there in full', async () => {
  const directory = await temporary();
  const cache = new BlobCache(directory);
  const files: LayerFile[] = [{ path: 'a', executable: false, content: Buffer.from('x') }];
  const { descriptor } = await makeLayer(files, cache);
  writeFileSync(cache.path(descriptor.digest), 'short');
  expect(await makeLayer(files, cache)).toMatchObject({ descriptor, reused: false });
  rmSync(cache.path(descriptor.digest));
  expect(await makeLayer(files, cache)).toMatchObject({ descriptor, reused: false });
});

test('a blob that is not what its digest says does not come in', async () => {
  const cache = new BlobCache(await temporary());
  const expected = { digest: sha256(Buffer.from('good')), size: 4, where: 'x' };
  for (const bytes of ['evil', 'good and more', 'goo']) {
    await expect(cache.add(pieces(Buffer.from(bytes), [2]), expected)).rejects.toMatchObject({
      code: 'EKIBEN_IMAGE_INVALID',
    });
  }
  expect(await cache.has(expected)).toBe(false);
  await cache.add(pieces(Buffer.from('good'), [2]), expected);
  expect(await cache.has(expected)).toBe(true);
});

test('what no image used for a month goes', async () => {
  const cache = new BlobCache(await temporary());
  const blob = await cache.add(pieces(Buffer.from('good'), [2]));
  await cache.prune(Date.now() + 29 * 24 * 3600_000);
  expect(await cache.has(blob)).toBe(true);
  await cache.prune(Date.now() + 31 * 24 * 3600_000);
  expect(await cache.has(blob)).toBe(false);
});

const module = 'src/__bundle__/service.js';

test.each([
  ['models/a/1/model.yaml', 'models'],
  ['node_modules/pino/index.js', 'dependencies'],
  ['src/__bundle__/server.js', 'dependencies'],
  ['src/__bundle__/chunk-1.js', 'dependencies'],
  ['src/__bundle__/service.js', 'code'],
  ['src/__bundle__/service.js.map', 'code'],
  ['src/src/service.ts', 'code'],
  ['bento.yaml', 'code'],
  ['env/docker/entrypoint.mjs', 'code'],
])('%s belongs to the %s', (path, part) => {
  expect(partOf(path, module)).toBe(part);
});

test('a part without files makes no layer', () => {
  const file = { executable: false, content: Buffer.from('') };
  const parts = partsOf(
    [
      { ...file, path: 'bento.yaml' },
      { ...file, path: 'node_modules/a/b.js' },
    ],
    module,
  );
  expect(parts.map(([part, files]) => [part, ...files.map(({ path }) => path)])).toEqual([
    ['dependencies', 'home/ekiben/bento/node_modules/a/b.js'],
    ['code', 'home/ekiben/bento/bento.yaml'],
  ]);
});

function elf(machine: number, littleEndian = true): Buffer {
  const head = Buffer.alloc(64);
  head.write('\x7fELF', 'latin1');
  head[5] = littleEndian ? 1 : 2;
  if (littleEndian) head.writeUInt16LE(machine, 18);
  else head.writeUInt16BE(machine, 18);
  return head;
}

test.each([
  [elf(62), 'x64'],
  [elf(183), 'arm64'],
  [elf(243), 'unknown'],
  [elf(62, false), 'x64'],
  [Buffer.from('MZ'), undefined],
  [Buffer.from('\x7fELF', 'latin1'), undefined],
])('the machine of a binary stands in it', (head, machine) => {
  expect(machineOf(head)).toBe(machine);
});

test('an addon for another processor is found out, whatever its name says', async () => {
  const folder = await temporary();
  const source = join(folder, 'addon.linux-arm64.node');
  const file = { path: 'node_modules/a/addon.linux-arm64.node', source, executable: false };
  writeFileSync(source, elf(183));
  await checkMachines([file], { os: 'linux', cpu: 'arm64', libc: 'glibc' });
  writeFileSync(source, elf(62));
  await expect(checkMachines([file], { os: 'linux', cpu: 'arm64', libc: 'glibc' })).rejects.toMatchObject({
    code: 'EKIBEN_PLATFORM_MISSING',
    message: expect.stringContaining('is for x64'),
  });
});
