// Archives that somebody made to do harm: each is refused in one line that says what and where, and nothing of it is ever visible.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { ZipFile } from 'yazl';
import { ModelStore, type ArchiveLimits } from '../src/index.ts';
import { filesIn, manifest, temporary, writeFiles } from './support.ts';

type TarEntry = readonly [
  header: {
    name: string;
    type?: 'file' | 'directory' | 'symlink' | 'link' | 'fifo' | 'character-device' | 'block-device';
    linkname?: string;
    pax?: object;
  },
  body?: string | Uint8Array,
];

async function tar(entries: readonly TarEntry[]): Promise<Buffer> {
  const packing = pack();
  for (const [header, body] of entries) {
    if (header.type === undefined || header.type === 'file') packing.entry({ ...header }, body ?? '');
    else packing.entry({ ...header });
  }
  packing.finalize();
  const chunks: Uint8Array[] = [];
  for await (const chunk of packing as AsyncIterable<Uint8Array>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const MANIFEST: TarEntry = [{ name: 'model.yaml' }, manifest()];

let home: string;
let store: ModelStore;
beforeEach(() => {
  home = temporary();
  store = new ModelStore(home);
});

async function expectRefused(
  bytes: Uint8Array | string,
  code: string,
  why: string | RegExp,
  limits?: ArchiveLimits,
): Promise<void> {
  const path = typeof bytes === 'string' ? bytes : join(temporary(), 'hostile.bentomodel');
  if (typeof bytes !== 'string') await writeFile(path, bytes);
  const error = await store.import(path, { limits }).then(
    () => undefined,
    (cause: unknown) => cause as Error & { code: string },
  );
  expect(error?.code).toBe(code);
  expect(error?.message).toMatch(/^cannot import [^\n]+$/);
  expect(error?.message).toMatch(why);
}

afterEach(async () => {
  expect(await store.list()).toEqual([]);
  expect((await filesIn(home)).filter((file) => !file.endsWith('index.json'))).toEqual([]);
});

describe('a tar with an entry', () => {
  const refused: readonly (readonly [string, TarEntry, string])[] = [
    ['that climbs', [{ name: '../evil' }, 'x'], "climbs out of the archive by '..'"],
    ['that climbs later', [{ name: 'a/../../evil' }, 'x'], '..'],
    ['that is absolute', [{ name: '/etc/evil' }, 'x'], 'absolute'],
    ['with a drive', [{ name: 'C:/evil' }, 'x'], 'drive'],
    ['with a back-slash', [{ name: '..\\evil' }, 'x'], '\\\\'],
    ['that is a symbolic link', [{ name: 'link', type: 'symlink', linkname: '/etc/passwd' }], 'symlink'],
    ['that is a hard link', [{ name: 'link', type: 'link', linkname: 'model.yaml' }], 'link'],
    ['that is a character device', [{ name: 'dev', type: 'character-device' }], 'character-device'],
    ['that is a block device', [{ name: 'dev', type: 'block-device' }], 'block-device'],
    ['that is a FIFO', [{ name: 'fifo', type: 'fifo' }], 'fifo'],
    ['that is a sparse file', [{ name: 'GNUSparseFile.0/x', pax: { 'GNU.sparse.major': '1' } }, 'x'], 'sparse file'],
    ['that is there twice', [{ name: './model.yaml' }, 'x'], 'twice'],
    ['that differs in case', [{ name: 'Model.YAML' }, 'x'], 'capitals'],
    ['that is a file below a file', [{ name: 'model.yaml/x' }, 'x'], 'both a file and a directory'],
    ['named like a device', [{ name: 'a/NUL.txt' }, 'x'], 'device on Windows'],
    ['named with a colon', [{ name: 'a:stream' }, 'x'], 'drive'],
    ['named with another colon', [{ name: 'aa:stream' }, 'x'], 'not allowed in a name on Windows'],
    ['named with a question mark', [{ name: 'what?' }, 'x'], 'Windows'],
    ['named with a dot at the end', [{ name: 'dir./x' }, 'x'], 'dot or space'],
    ['named with a space at the end', [{ name: 'x ' }, 'x'], 'dot or space'],
    ['named with a line break', [{ name: 'a\nb' }, 'x'], 'not allowed'],
    ['named with a control character', [{ name: 'a\u0085b' }, 'x'], 'not allowed'],
    ['named too long', [{ name: 'x'.repeat(256) }, 'x'], '255 bytes'],
    ['that lies too deep', [{ name: 'd/'.repeat(40) + 'x' }, 'x'], 'deeper than 32'],
    ['renamed by a PAX header', [{ name: 'fine', pax: { path: '../evil' } }, 'x'], '..'],
  ];
  test.each(refused)('%s is refused', async (_, entry, why) => {
    await expectRefused(await tar([MANIFEST, entry]), 'EKIBEN_ARCHIVE_ENTRY_REFUSED', why);
  });

  test('in two Unicode forms of one name is refused', async () => {
    await expectRefused(
      await tar([MANIFEST, [{ name: 'é' }, 'x'], [{ name: 'e\u0301' }, 'x']]),
      'EKIBEN_ARCHIVE_ENTRY_REFUSED',
      'Unicode',
    );
  });

  test('whose name is not UTF-8 is refused', async () => {
    const bytes = await tar([MANIFEST, [{ name: 'bad-x' }, 'x']]);
    const at = bytes.indexOf('bad-x');
    bytes[at + 4] = 0xff;
    let sum = 8 * 32;
    for (let i = 0; i < 512; i++) if (i < 148 || i >= 156) sum += bytes[at + i] ?? 0;
    bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, at + 148);
    await expectRefused(bytes, 'EKIBEN_ARCHIVE_ENTRY_REFUSED', 'not allowed');
  });

  test('whose size is a lie is refused', async () => {
    const bytes = await tar([MANIFEST, [{ name: 'big' }, 'x']]);
    const at = bytes.indexOf('big\0');
    bytes.write('77777777777\0', at + 124);
    let sum = 8 * 32;
    for (let i = 0; i < 512; i++) if (i < 148 || i >= 156) sum += bytes[at + i] ?? 0;
    bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, at + 148);
    await expectRefused(bytes, 'EKIBEN_ARCHIVE_CORRUPT', 'damaged or cut short');
  });
});

describe('a zip', () => {
  async function zip(rename: readonly (readonly [from: string, to: string])[], mode = 0o100644): Promise<Buffer> {
    const writer = new ZipFile();
    writer.addBuffer(Buffer.from(manifest()), 'model.yaml');
    for (const [from] of rename) writer.addBuffer(Buffer.from('x'), from, { mode, compress: false });
    writer.end();
    const chunks: Uint8Array[] = [];
    for await (const chunk of writer.outputStream as unknown as AsyncIterable<Uint8Array>) chunks.push(chunk);
    return Buffer.from(
      rename.reduce((text, [from, to]) => text.replaceAll(from, to), Buffer.concat(chunks).toString('latin1')),
      'latin1',
    );
  }

  test.each([
    ['___evil', '../evil', '..'],
    ['_etc', '/etc', 'absolute'],
    ['___evil', '..\\evil', '\\\\'],
    ['C__evil', 'C:/evil', 'drive'],
  ])('with %s renamed to %s is refused', async (from, to, why) => {
    await expectRefused(await zip([[from, to]]), 'EKIBEN_ARCHIVE_ENTRY_REFUSED', why);
  });

  test('with a symbolic link is refused', async () => {
    await expectRefused(await zip([['link', 'link']], 0o120777), 'EKIBEN_ARCHIVE_ENTRY_REFUSED', 'symlink');
  });

  test('with a name twice is refused', async () => {
    await expectRefused(
      await zip([
        ['twin-a', 'twin-x'],
        ['twin-b', 'twin-x'],
      ]),
      'EKIBEN_ARCHIVE_ENTRY_REFUSED',
      'twice',
    );
  });

  test('with another checksum is refused', async () => {
    const bytes = await zip([['weights', 'weights']]);
    bytes.write('y', bytes.indexOf('weightsx') + 7);
    await expectRefused(bytes, 'EKIBEN_ARCHIVE_CORRUPT', "checksum of 'weights'");
  });

  test('that is encrypted is refused', async () => {
    const bytes = await zip([]);
    bytes.writeUInt16LE(bytes.readUInt16LE(6) | 1, 6);
    const central = bytes.indexOf(Buffer.from([0x50, 0x4b, 1, 2]));
    bytes.writeUInt16LE(bytes.readUInt16LE(central + 8) | 1, central + 8);
    await expectRefused(bytes, 'EKIBEN_ARCHIVE_CORRUPT', 'encrypted');
  });
});

describe('a bomb', () => {
  const zeros = new Uint8Array(80 * 1024 * 1024);

  test.each(['gz', 'xz', 'bz2'])('of one file in %s is refused by its ratio', async (format) => {
    const plain = await tar([MANIFEST, [{ name: 'zeros' }, zeros]]);
    const packed =
      format === 'gz'
        ? gzipSync(plain)
        : execFileSync(format === 'xz' ? 'xz' : 'bzip2', ['-c'], { input: plain, maxBuffer: 1e9 });
    expect(packed.length).toBeLessThan(200_000);
    await expectRefused(packed, 'EKIBEN_ARCHIVE_TOO_LARGE', "raise the limit 'maxRatio'");
  });

  test('of nothing but closing blocks is refused by its ratio', async () => {
    await expectRefused(
      gzipSync(Buffer.concat([await tar([MANIFEST]), zeros])),
      'EKIBEN_ARCHIVE_TOO_LARGE',
      'maxRatio',
    );
  });

  test('in a zip is refused by its ratio', async () => {
    const writer = new ZipFile();
    writer.addBuffer(Buffer.from(manifest()), 'model.yaml');
    writer.addBuffer(Buffer.from(zeros.buffer), 'zeros');
    writer.end();
    const chunks: Uint8Array[] = [];
    for await (const chunk of writer.outputStream as unknown as AsyncIterable<Uint8Array>) chunks.push(chunk);
    await expectRefused(Buffer.concat(chunks), 'EKIBEN_ARCHIVE_TOO_LARGE', 'maxRatio');
  });

  test('by total size or number of entries is refused by the limits that the caller sets', async () => {
    const bytes = await tar([MANIFEST, [{ name: 'a' }, 'x'.repeat(5000)], [{ name: 'b' }, 'x']]);
    await expectRefused(bytes, 'EKIBEN_ARCHIVE_TOO_LARGE', 'more than 4000 bytes', { maxBytes: 4000 });
    await expectRefused(bytes, 'EKIBEN_ARCHIVE_TOO_LARGE', 'more than 2 entries', { maxEntries: 2 });
    await expectRefused(
      await tar([MANIFEST, [{ name: 'a/b/c' }, 'x']]),
      'EKIBEN_ARCHIVE_ENTRY_REFUSED',
      'deeper than 2',
      { maxDepth: 2 },
    );
  });

  test('in the dictionary of an xz is refused', async () => {
    const packed = execFileSync('xz', ['-c', '--lzma2=preset=0,dict=1536MiB'], { input: await tar([MANIFEST]) });
    await expectRefused(packed, 'EKIBEN_ARCHIVE_CORRUPT', 'emory');
  });
});

describe('an archive whose manifest', () => {
  test.each([
    ['is missing', [[{ name: 'weights' }, 'x']] as TarEntry[], 'model.yaml is missing; there is weights'],
    [
      'lies in a directory',
      [[{ name: 'dir/model.yaml' }, manifest()]] as TarEntry[],
      'model.yaml is missing; there is dir',
    ],
    ['is a directory', [[{ name: 'model.yaml', type: 'directory' }]] as TarEntry[], 'model.yaml is missing'],
    ['is huge', [[{ name: 'model.yaml' }, `${manifest()}${' '.repeat(2_000_000)}`]] as TarEntry[], 'larger than'],
    ['is a list', [[{ name: 'model.yaml' }, '- a']] as TarEntry[], 'a list'],
    [
      'has a name that climbs',
      [[{ name: 'model.yaml' }, manifest({ name: '../../evil' })]] as TarEntry[],
      'name "../../evil"',
    ],
    [
      'has a reserved version',
      [[{ name: 'model.yaml' }, manifest({ version: 'latest' })]] as TarEntry[],
      "'latest' is reserved",
    ],
    ['has no valid version', [[{ name: 'model.yaml' }, manifest({ version: 'a/b' })]] as TarEntry[], 'version "a/b"'],
    [
      'has aliases that explode',
      [
        [
          { name: 'model.yaml' },
          `a: &a [${'x,'.repeat(50)}]\nb: &b [${'*a,'.repeat(50)}]\nc: &c [${'*b,'.repeat(50)}]\nd: [${'*c,'.repeat(50)}]`,
        ],
      ] as TarEntry[],
      'aliases',
    ],
    ['has a tag', [[{ name: 'model.yaml' }, '!!python/object:os.system {}']] as TarEntry[], 'tag'],
    [
      'has a prototype key',
      [[{ name: 'model.yaml' }, `{"__proto__": {"admin": true}, ${manifest().slice(1)}`]] as TarEntry[],
      '__proto__',
    ],
  ])('%s is refused', async (_, entries, why) => {
    await expectRefused(await tar(entries), 'EKIBEN_MANIFEST_INVALID', why);
  });

  test('has the name of a device on Windows is refused', async () => {
    await expectRefused(
      await tar([[{ name: 'model.yaml' }, manifest({ name: 'con' })]]),
      'EKIBEN_TAG_INVALID',
      'device',
    );
  });
});

describe('something else than an archive', () => {
  test.each([
    ['an empty file', '', 'it is empty'],
    ['text', 'hello', 'not an archive'],
    ['zeros', '\0'.repeat(2000), 'not an archive'],
    ['a gzip of nothing', gzipSync(''), /cut short|missing|empty/],
    ['a gzip of text', gzipSync('hello'), 'cut short'],
  ])('%s is refused', async (_, content, why) => {
    const path = join(temporary(), 'file');
    await writeFile(path, content);
    const error = await store.import(path).catch((cause: unknown) => cause as Error);
    expect(error).toMatchObject({ code: expect.stringMatching(/^EKIBEN_(ARCHIVE|MANIFEST)/) });
    expect((error as Error).message).toMatch(why);
  });

  test('a folder without a manifest is not read at all', async () => {
    const parent = await writeFiles(temporary(), { 'large.bin': 'x' });
    // The store itself lies in it, and so would the copy of the copy.
    const store = new ModelStore(join(parent, 'home'));
    const seen: number[] = [];
    const failure = store.import(parent, { onProgress: (done) => seen.push(done) });
    await expect(failure).rejects.toMatchObject({
      code: 'EKIBEN_MANIFEST_INVALID',
      message: expect.stringMatching(/^cannot import .*: model.yaml is missing; there is home, large.bin$/),
    });
    expect(seen).toEqual([]);
  });

  test('a folder with a link is refused', async () => {
    const dir = await writeFiles(temporary(), { 'model.yaml': manifest() });
    await symlink('/etc/passwd', join(dir, 'link'));
    await expectRefused(dir, 'EKIBEN_ARCHIVE_ENTRY_REFUSED', 'symlink');
  });

  test('a device is not waited for', async () => {
    await expect(store.import('/dev/null')).rejects.toMatchObject({ code: 'EKIBEN_ARCHIVE_FORMAT_UNKNOWN' });
  });
});
