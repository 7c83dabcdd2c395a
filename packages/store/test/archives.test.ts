import { describe, expect, test } from '@jest/globals';
import { createHash, randomBytes } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { createReadStream, writeFileSync } from 'node:fs';
import { copyFile, lstat, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { BentoStore, ModelStore } from '../src/index.ts';
import { writeArchive } from '../src/archive/write.ts';
import { packItems } from '../src/export.ts';
import { readXzPortably } from '../src/archive/xz.ts';
import { filesIn, fixture, manifest, temporary, writeFiles } from './support.ts';

const TAG = 'credit_risk_model:sizn5hxhsk3i4ax4';
/** As `sha256sum` gives them for what BentoML saved. */
const SHA256 = {
  'custom_objects.pkl': '9422d5c208ba6dc79525d47f216f73c0606a50d303e23fb7078a40ccd2272399',
  'model.yaml': 'ec67946590629de4f2da63d0cf684f78f8326466afd6d11d961765971bb73982',
  'saved_model.ubj': '632863c373ba39740185e784fd2e56c93bd143a064fa263cefa5f8869b72c1dd',
};

async function hashes(dir: string): Promise<Record<string, string>> {
  const files = await filesIn(dir);
  return Object.fromEntries(
    await Promise.all(
      files.map(
        async (file) =>
          [
            file,
            createHash('sha256')
              .update(await readFile(join(dir, file)))
              .digest('hex'),
          ] as const,
      ),
    ),
  );
}

/** A store whose model does not compress and is larger than any buffer on the way. */
async function storeOfNoise(): Promise<ModelStore> {
  const store = new ModelStore(temporary());
  await store.create('noise:v1', async (draft) => {
    let state = 1;
    const noise = Uint8Array.from({ length: 1_000_000 }, () => (state = (state * 48271) % 2147483647) >> 8);
    await draft.write('deep/er/noise.bin', noise);
    await draft.write('zeros.bin', new Uint8Array(600_000));
    await draft.write('empty', new Uint8Array());
    await draft.write(`${'long-'.repeat(30)}name/ünï 文件.txt`, Buffer.from('x'));
  });
  return store;
}

describe('an archive of BentoML 1.0.7', () => {
  test.each(['bentomodel', 'tar', 'gz', 'xz', 'bz2', 'zip'])('is imported byte for byte from .%s', async (suffix) => {
    const store = new ModelStore(temporary());
    const model = await store.import(fixture(`archives/credit_risk_model.${suffix}`));
    expect(model).toMatchObject({ tag: TAG, outcome: 'added', module: 'bentoml.xgboost' });
    expect(await hashes(model.path)).toEqual(SHA256);
  });

  test.each([
    ['bz2', 'model.gz'],
    ['zip', 'model.bentomodel'],
    ['gz', 'model'],
  ])('is read by its content when a .%s is called %s', async (suffix, name) => {
    const path = join(temporary(), name);
    await copyFile(fixture(`archives/credit_risk_model.${suffix}`), path);
    expect((await new ModelStore(temporary()).import(path)).tag).toBe(TAG);
  });

  test('is imported from a stream of bytes', async () => {
    for (const suffix of ['xz', 'zip']) {
      const stream = createReadStream(fixture(`archives/credit_risk_model.${suffix}`), { highWaterMark: 100 });
      expect((await new ModelStore(temporary()).import(stream)).tag).toBe(TAG);
    }
  });
});

describe.each(['tar', 'gz', 'xz', 'bz2', 'zip', 'folder', 'bentomodel'])('exported as %s', (format) => {
  test('a model comes back byte for byte', async () => {
    const store = await storeOfNoise();
    const { location } = await store.export('noise', join(temporary(), 'out'), { format, level: 1 });
    const copy = await new ModelStore(temporary()).import(location);
    const original = await store.get('noise');
    expect(await hashes(copy.path)).toEqual(await hashes(original.path));
    expect((await filesIn(copy.path)).length).toBe(5);
  });

  if (format === 'folder') return;

  test('the same model makes the same bytes', async () => {
    const store = new ModelStore(temporary());
    const source = fixture('archives/credit_risk_model.bentomodel');
    await store.import(source);
    const other = new ModelStore(temporary());
    await other.import(source);
    const [a, b] = await Promise.all([store, other].map((each) => each.export(TAG, temporary(), { format })));
    expect((await readFile(a?.location ?? '')).equals(await readFile(b?.location ?? ''))).toBe(true);
  });

  test('an archive cut short or changed is refused, wherever the cut is', async () => {
    const store = new ModelStore(temporary());
    await store.import(fixture('archives/credit_risk_model.bentomodel'));
    const whole = await readFile((await store.export(TAG, temporary(), { format })).location);
    const home = temporary();
    const target = new ModelStore(home);
    const path = join(temporary(), 'damaged');
    // tar pads its end; what lies behind the closing blocks is no content.
    const lengths = [0, 1, 100, 511, 512, 1024, 0.3, 0.5, 0.9, 0.999].map((part) =>
      part < 1 ? Math.floor(part * whole.length) : part,
    );
    for (const length of [...lengths, whole.length - 513, ...(format === 'tar' ? [] : [whole.length - 1])]) {
      await writeFile(path, whole.subarray(0, length));
      await expect(target.import(path)).rejects.toMatchObject({
        code: expect.stringMatching(/^EKIBEN_(ARCHIVE|MANIFEST)_/),
        message: expect.stringMatching(/^[^\n]+$/),
      });
    }
    // Plain tar has checksums for its headers only; `verify` and the transport guard its content.
    for (const position of format === 'tar'
      ? [50, 150]
      : [0.1, 0.4, 0.8].map((part) => Math.floor(part * whole.length))) {
      const changed = Buffer.from(whole);
      changed[position] = (changed[position] ?? 0) ^ 0x55;
      await writeFile(path, changed);
      await expect(target.import(path)).rejects.toMatchObject({ code: expect.stringMatching(/^EKIBEN_ARCHIVE_/) });
    }
    expect(await filesIn(home)).toEqual([]);
  });
});

test('a tar of the oldest format, where only the name tells a directory from a file, is read', async () => {
  const entry = (name: string, body = '') => {
    const block = Buffer.alloc(512 + Math.ceil(body.length / 512) * 512);
    const size = body.length.toString(8).padStart(11, '0');
    for (const [at, text] of [
      [0, name],
      [100, '0000755'],
      [124, size],
      [148, '        '],
      [512, body],
    ] as const) {
      block.write(text, at);
    }
    const sum = block.subarray(0, 512).reduce((total, byte) => total + byte, 0);
    block.write(`${sum.toString(8).padStart(6, '0')}\0`, 148);
    return block;
  };
  const path = join(temporary(), 'v7.tar');
  const entries = [entry('./'), entry('./model.yaml', manifest()), entry('./deep/'), entry('./deep/file', 'x')];
  await writeFile(path, Buffer.concat([...entries, Buffer.alloc(1024)]));
  const home = temporary();
  const { tag } = await new ModelStore(home).import(path);
  expect(await filesIn(join(home, 'models', tag.replace(':', '/')))).toEqual(['deep/file', 'model.yaml']);
});

describe('compressed streams that are unusual but right', () => {
  const tar = async () => readFile(fixture('archives/credit_risk_model.tar'));

  test('gzip members one after the other', async () => {
    const bytes = await tar();
    const path = join(temporary(), 'two.gz');
    await writeFile(path, Buffer.concat([gzipSync(bytes.subarray(0, 100_000)), gzipSync(bytes.subarray(100_000))]));
    expect((await new ModelStore(temporary()).import(path)).tag).toBe(TAG);
  });

  test.each(['none', 'crc32', 'crc64', 'sha256'])(
    'xz with the check %s, in two streams with padding between',
    async (check) => {
      const bytes = await tar();
      const xz = (input: Uint8Array) => execFileSync('xz', ['-c', `--check=${check}`], { input });
      const path = join(temporary(), 'two.xz');
      await writeFile(
        path,
        Buffer.concat([xz(bytes.subarray(0, 100_000)), Buffer.alloc(8), xz(bytes.subarray(100_000))]),
      );
      expect((await new ModelStore(temporary()).import(path)).tag).toBe(TAG);
    },
  );

  test('xz without lzma-native, all checks but SHA-256', async () => {
    const decode = async (check: string) => {
      const packed = execFileSync('xz', ['-c', `--check=${check}`], { input: await tar() });
      const chunks: Uint8Array[] = [];
      for await (const chunk of readXzPortably(
        (async function* () {
          yield packed.subarray(0, 1000);
          yield packed.subarray(1000);
        })(),
      ))
        chunks.push(chunk.slice());
      return Buffer.concat(chunks);
    };
    for (const check of ['none', 'crc32', 'crc64']) expect((await decode(check)).equals(await tar())).toBe(true);
    await expect(decode('sha256')).rejects.toThrow('needs the package lzma-native');
  });

  test.each(['-1', '-9'])('bzip2 %s of the program', async (level) => {
    const path = join(temporary(), 'x.bz2');
    await writeFile(path, execFileSync('bzip2', ['-c', level], { input: await tar() }));
    expect((await new ModelStore(temporary()).import(path)).tag).toBe(TAG);
  });

  test.each(['gnu', 'pax', 'ustar', 'v7'])('tar in the format %s, with and without ./ in its names', async (format) => {
    const dir = await writeFiles(temporary(), {
      'model.yaml': manifest(),
      'sub/ä.txt': 'x',
      ...(format === 'gnu' || format === 'pax' ? { [`${'d'.repeat(90)}/${'f'.repeat(150)}`]: 'y' } : {}),
    });
    const path = join(temporary(), 'x.tar');
    execFileSync('tar', ['-cf', path, `--format=${format}`, '-C', dir, '.']);
    const dotted = await new ModelStore(temporary()).import(path);
    execFileSync('sh', ['-c', `cd "${dir}" && tar -cf "${path}" --format=${format} *`]);
    const plain = await new ModelStore(temporary()).import(path);
    expect(await hashes(dotted.path)).toEqual(await hashes(dir));
    expect(await hashes(plain.path)).toEqual(await hashes(dir));
  });

  test('xz in several streams, as low levels write large models', async () => {
    const store = new ModelStore(temporary());
    const content = randomBytes(7_500_000);
    await store.create('large:v1', (draft) => draft.write('weights.bin', content));
    const { location } = await store.export('large', join(temporary(), 'x.tar.xz'), { level: 1 });
    expect(execFileSync('xz', ['--list', '--robot', location], { encoding: 'utf8' })).toMatch(/^file\t3\t3\t/m);
    execFileSync('xz', ['-t', location]);
    const { path } = await new ModelStore(temporary()).import(location);
    expect((await readFile(join(path, 'weights.bin'))).equals(content)).toBe(true);
  });

  test.each(['xz', 'gzip', 'bzip2'])('what we write is read by %s', async (program) => {
    const store = await storeOfNoise();
    const format = { xz: 'xz', gzip: 'gz', bzip2: 'bz2' }[program] ?? '';
    const [packed, plain] = await Promise.all(
      [format, 'tar'].map((each) => store.export('noise', join(temporary(), 'o'), { format: each, level: 1 })),
    );
    const unpacked = execFileSync(program, ['-dc', packed?.location ?? ''], { maxBuffer: 1e8 });
    expect(unpacked.equals(await readFile(plain?.location ?? ''))).toBe(true);
  });
});

describe('where an export goes', () => {
  test.each([
    ['', `credit_risk_model-sizn5hxhsk3i4ax4.bentomodel`, 'xz'],
    ['sub/', 'sub/credit_risk_model-sizn5hxhsk3i4ax4.bentomodel', 'xz'],
    ['sub', 'sub/credit_risk_model-sizn5hxhsk3i4ax4.bentomodel', 'xz'],
    ['my_model', 'my_model.bentomodel', 'xz'],
    ['my.model', 'my.model.bentomodel', 'xz'],
    ['a.bentomodel', 'a.bentomodel', 'xz'],
    ['a.tar', 'a.tar', 'tar'],
    ['a.tar.gz', 'a.tar.gz', 'gz'],
    ['a.tgz', 'a.tgz', 'gz'],
    ['a.gz', 'a.gz', 'gz'],
    ['a.tar.bz2', 'a.tar.bz2', 'bz2'],
    ['a.ZIP', 'a.ZIP', 'zip'],
    ['sub/../a.zip', 'a.zip', 'zip'],
    ['sub/../../up.tar', '../up.tar', 'tar'],
  ])('%j is %s in the format %s', async (to, expected, format) => {
    const parent = temporary();
    const cwd = join(parent, 'cwd');
    await mkdir(join(cwd, 'sub'), { recursive: true });
    const store = new ModelStore(join(parent, 'home'));
    await store.import(fixture('archives/credit_risk_model.bentomodel'));
    const before = process.cwd();
    process.chdir(cwd);
    try {
      const exported = await store.export(TAG, to);
      expect(exported).toMatchObject({ location: join(cwd, expected), format });
      expect((await new ModelStore(temporary()).import(exported.location)).tag).toBe(TAG);
    } finally {
      process.chdir(before);
    }
  });

  test('a missing directory, an unknown format or level, and a folder that is there are errors that leave nothing', async () => {
    const store = new ModelStore(temporary());
    await store.import(fixture('archives/credit_risk_model.bentomodel'));
    const dir = await writeFiles(temporary(), { 'there/file': 'x' });
    const failure = (to: string, options?: { format?: string; level?: number }) =>
      store.export(TAG, join(dir, to), options);
    await expect(failure('no/where/x.tar')).rejects.toMatchObject({ code: 'EKIBEN_PATH_NOT_FOUND' });
    await expect(failure('x', { format: 'rar' })).rejects.toMatchObject({ code: 'EKIBEN_ARCHIVE_FORMAT_UNKNOWN' });
    await expect(failure('x', { level: 10 })).rejects.toMatchObject({ code: 'EKIBEN_LEVEL_INVALID' });
    await expect(failure('there', { format: 'folder' })).rejects.toMatchObject({ code: 'EKIBEN_PATH_EXISTS' });
    await expect(store.export(TAG, 'https://example.org/x')).rejects.toMatchObject({ code: 'EKIBEN_LOCATION_INVALID' });
    await expect(store.export(TAG, 'gs://bucket/x')).rejects.toThrow('gs:// is not known');
    await expect(store.import('http://example.org/x')).rejects.toThrow('use https://');
    for (const location of ['', 'a\0b', 'https://', 'file://%', 's3://', 'ftp://x/y']) {
      await expect(store.import(location)).rejects.toMatchObject({ code: 'EKIBEN_LOCATION_INVALID' });
    }
    await expect(store.import(join(dir, 'nope'))).rejects.toMatchObject({ code: 'EKIBEN_PATH_NOT_FOUND' });
    expect(await filesIn(dir)).toEqual(['there/file']);
  });

  test('a plain tar has the same bytes in a file, which is written through one buffer, and in a pipe', async () => {
    const store = new ModelStore(temporary());
    const noise = randomBytes(3_500_001);
    const { path } = await store.create('noise:v1', async (draft) => {
      await draft.write('a.bin', noise);
      await draft.write('b.bin', noise.subarray(7));
    });
    const { location } = await store.export('noise', join(temporary(), 'x.tar'));
    const pieces: Uint8Array[] = [];
    const items = await packItems(path, 'model.yaml');
    const options = { format: 'tar', level: 0, mtime: new Date((await store.get('noise')).creationTime) } as const;
    for await (const piece of writeArchive(items, { ...options, oneByOne: false })) pieces.push(piece);
    expect((await readFile(location)).equals(Buffer.concat(pieces))).toBe(true);
    const unpacked = temporary();
    execFileSync('tar', ['-xf', location, '-C', unpacked]);
    expect(await hashes(unpacked)).toEqual(await hashes(path));
  });

  test.each(['tar', 'gz', 'zip', 'folder'])(
    'a file that changes on the way into a %s is an error that leaves nothing',
    async (format) => {
      for (const change of ['', '0'.repeat(600_001)]) {
        const store = await storeOfNoise();
        const { path } = await store.get('noise');
        const dir = temporary();
        const onProgress = () => writeFileSync(join(path, 'zeros.bin'), change);
        await expect(store.export('noise', join(dir, 'x'), { format, level: 1, onProgress })).rejects.toMatchObject({
          code: 'EKIBEN_EXPORT_REFUSED',
          message: 'zeros.bin changed while it was read: it had 600000 bytes',
        });
        expect(await filesIn(dir)).toEqual([]);
      }
    },
  );

  test('goes into a pipe, and through a link to what it means', async () => {
    const store = new ModelStore(temporary());
    await store.import(fixture('archives/credit_risk_model.bentomodel'));
    const dir = await writeFiles(temporary(), { 'sub/real.tar': 'old' });
    await symlink('sub/real.tar', join(dir, 'link.tar'));
    await store.export(TAG, join(dir, 'link.tar'));
    expect(await filesIn(dir)).toEqual(['link.tar', 'sub/real.tar']);
    expect((await lstat(join(dir, 'link.tar'))).isSymbolicLink()).toBe(true);
    const whole = await readFile(join(dir, 'sub/real.tar'));
    execFileSync('mkfifo', [join(dir, 'pipe.tar')]);
    const reading = readFile(join(dir, 'pipe.tar'));
    await store.export(TAG, join(dir, 'pipe.tar'));
    expect((await reading).equals(whole)).toBe(true);
    execFileSync('mkfifo', [join(dir, 'nameless')]);
    const native = readFile(join(dir, 'nameless'));
    expect(await store.export(TAG, join(dir, 'nameless'))).toMatchObject({ format: 'xz' });
    await writeFile(join(dir, 'through-a-pipe'), await native);
    expect((await store.import(join(dir, 'through-a-pipe'))).outcome).toBe('unchanged');
    expect(await filesIn(dir)).toEqual(['link.tar', 'nameless', 'pipe.tar', 'sub/real.tar', 'through-a-pipe']);
  });

  test('stops where it is told to, and leaves nothing', async () => {
    const store = await storeOfNoise();
    const dir = temporary();
    const stop = new AbortController();
    const onProgress = (done: number) => {
      if (done > 500_000) stop.abort();
    };
    await expect(store.export('noise', join(dir, 'x.tar'), { signal: stop.signal, onProgress })).rejects.toMatchObject({
      name: 'AbortError',
    });
    expect(await filesIn(dir)).toEqual([]);
  });

  test('an import stops where it is told to, and leaves nothing', async () => {
    const { location } = await (await storeOfNoise()).export('noise', join(temporary(), 'x.tar.gz'), { level: 1 });
    const home = temporary();
    const stop = new AbortController();
    const onProgress = () => stop.abort(new Error('enough'));
    await expect(new ModelStore(home).import(location, { signal: stop.signal, onProgress })).rejects.toThrow('enough');
    expect(await filesIn(home)).toEqual([]);
  });

  test('an import that waits for bytes stops as well', async () => {
    const endless = (async function* () {
      yield (await readFile(fixture('archives/credit_risk_model.tar'))).subarray(0, 100_000);
      await new Promise(() => {});
    })();
    const home = temporary();
    const importing = new ModelStore(home).import(endless, { signal: AbortSignal.timeout(100) });
    await expect(importing).rejects.toMatchObject({ name: 'TimeoutError' });
    expect(await filesIn(home)).toEqual([]);
  });

  test('progress counts the bytes of the files', async () => {
    const store = await storeOfNoise();
    const steps: [number, number | undefined][] = [];
    const { size, location } = await store.export('noise', join(temporary(), 'x.gz'), {
      onProgress: (...step) => steps.push(step),
      level: 1,
    });
    expect(steps.at(-1)).toEqual([size, size]);
    steps.length = 0;
    await new ModelStore(temporary()).import(location, { onProgress: (...step) => steps.push(step) });
    const packed = (await readFile(location)).length;
    expect(steps.at(-1)).toEqual([packed, packed]);
  });
});

describe('a bento', () => {
  test('of BentoML 1.0.7 keeps its models inside, and comes back byte for byte', async () => {
    const store = new BentoStore(temporary());
    const bento = await store.import(fixture('archives/credit_risk_classifier.bento'));
    expect(bento).toMatchObject({ service: 'service:svc', models: [TAG], importedModels: [], outcome: 'added' });
    expect(await filesIn(bento.path)).toContain('models/credit_risk_model/sizn5hxhsk3i4ax4/saved_model.ubj');
    const { location } = await store.export(bento.tag, temporary());
    expect(location).toMatch(/credit_risk_classifier-qmvacohhsoe6aax4\.bento$/);
    const copy = await new BentoStore(temporary()).import(location);
    expect(await hashes(copy.path)).toEqual(await hashes(bento.path));
  });

  test('of a newer BentoML travels with its models, which go to the model store', async () => {
    const home = temporary();
    await new ModelStore(home).import(fixture('archives/credit_risk_model.bentomodel'));
    const yaml = manifest({ name: 'svc', bentoml_version: '1.4.39', service: 's:svc', models: [{ tag: TAG }] });
    const store = new BentoStore(home);
    const bento = await store.create(async (draft) => {
      await draft.write('bento.yaml', Buffer.from(yaml));
      await draft.write('src/s.py', Buffer.from('pass'));
    });
    const { location } = await store.export(bento.tag, temporary(), { format: 'tar' });
    const elsewhere = temporary();
    const copy = await new BentoStore(elsewhere).import(location);
    expect(copy).toMatchObject({ outcome: 'added', importedModels: [{ tag: TAG, outcome: 'added' }] });
    expect(await filesIn(copy.path)).toEqual(['bento.yaml', 'src/s.py']);
    expect(await hashes((await new ModelStore(elsewhere).get(TAG)).path)).toEqual(SHA256);
    expect(await new BentoStore(elsewhere).import(location)).toMatchObject({
      outcome: 'unchanged',
      importedModels: [{ outcome: 'unchanged' }],
    });
    await new ModelStore(home).delete(TAG);
    await expect(store.export(bento.tag, temporary())).rejects.toMatchObject({ code: 'EKIBEN_MODEL_NOT_FOUND' });
  });

  test('keeps what is executable', async () => {
    const home = temporary();
    const dir = await writeFiles(temporary(), {
      'bento.yaml': manifest({ name: 'svc', bentoml_version: '1.0.7' }),
      'run.sh': '#!/bin/sh\n',
    });
    execFileSync('chmod', ['755', join(dir, 'run.sh')]);
    const store = new BentoStore(home);
    await store.import(dir);
    for (const format of ['tar', 'zip', 'folder']) {
      const { location } = await store.export('svc', join(temporary(), 'x'), { format });
      const { path } = await new BentoStore(temporary()).import(location);
      expect(execFileSync(join(path, 'run.sh')).length).toBe(0);
    }
  });
});
