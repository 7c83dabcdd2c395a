// Whole images, on bases made here: what is in them, and what is refused.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { cpSync, createWriteStream, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { dump } from 'js-yaml';
import { pack } from 'tar-stream';
import { BentoStore, type StoredBento } from '@ekiben/store';
import { BlobCache } from '../src/images/blobs.ts';
import { jsonBlob, writeLayout, type Blob } from '../src/images/layout.ts';
import { makeLayer, type LayerFile } from '../src/images/layer.ts';
import { MEDIA_TYPES, type Descriptor } from '../src/images/manifest.ts';
import { writeOciImage, type ImageSource, type OciImageOptions } from '../src/images/oci.ts';
import { parsePlatform } from '../src/native.ts';
import { startRegistry } from './registry-server.ts';
import { temporary } from './support.ts';

let work: string;
let home: string;
beforeEach(async () => {
  work = await temporary();
  home = join(work, 'home');
});

const FILES = {
  'README.md': 'read me',
  'env/docker/entrypoint.mjs': 'run',
  'env/sbom.cdx.json': '{"bomFormat":"CycloneDX","components":[],"dependencies":[]}',
  'models/m/1/model.yaml': 'a model',
  'src/__bundle__/server.js': 'the server',
  'src/__bundle__/service.js': 'the service',
};

async function makeBento(
  document: Record<string, unknown> = {},
  files: Readonly<Record<string, string>> = FILES,
): Promise<StoredBento> {
  const path = join(await temporary(), 'bento');
  const manifest = {
    service: 'src/service.ts:svc',
    name: 'risk',
    version: 'v1',
    creation_time: '2026-11-24T10:00:00.123456+00:00',
    labels: { team: 'credit' },
    models: [],
    docker: { distro: 'debian', env: { FROM_DOCKER: '1' } },
    envs: [
      { name: 'SET', value: 'a=b' },
      { name: 'TOLD_LATER', value: null },
    ],
    node: {
      version: '20',
      docker_version: '20',
      platform: 'linux/amd64',
      module: 'src/__bundle__/service.js',
      server: 'src/__bundle__/server.js',
      export_name: 'svc',
      pinned_tags: {},
      placements: {},
    },
    digest: 'sha256:of-the-bento',
    ...document,
  };
  for (const [name, content] of Object.entries({ ...files, 'bento.yaml': dump(manifest) })) {
    mkdirSync(dirname(join(path, name)), { recursive: true });
    writeFileSync(join(path, name), content);
  }
  return new BentoStore(home).open(path);
}

const WITH_NODE = ['usr/local/bin/node', 'lib64/ld-linux-x86-64.so.2'];

interface BaseOptions {
  readonly architecture?: string;
  readonly files?: readonly string[];
  readonly env?: readonly string[];
}

/** A base image in a directory. */
async function makeBase(options: BaseOptions = {}): Promise<string> {
  const { architecture = 'amd64', files = WITH_NODE, env = ['PATH=/usr/local/bin:/bin', 'LANG=C'] } = options;
  const path = join(await temporary(), 'base');
  const cache = new BlobCache(join(path, '..', 'cache'));
  const content = files.map((name): LayerFile => ({ path: name, executable: true, content: Buffer.from(name) }));
  const layer = await makeLayer(content, cache);
  const config = jsonBlob(MEDIA_TYPES.config, {
    os: 'linux',
    architecture,
    config: { Env: env, Cmd: ['node'], Labels: { base: 'yes' } },
    rootfs: { type: 'layers', diff_ids: [layer.diffId] },
    history: [{ created_by: 'somebody' }],
  });
  const manifest = jsonBlob(MEDIA_TYPES.manifest, {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.manifest,
    config: plain(config),
    layers: [plain(layer.descriptor)],
  });
  const blob: Blob = { ...layer.descriptor, open: (from, to) => cache.open(layer.descriptor.digest, from, to) };
  await writeLayout(
    { images: ['base:1'], top: manifest, blobs: [blob, config, manifest], docker: { config: '', layers: [] } },
    path,
  );
  return path;
}

function plain({ mediaType, digest, size }: Descriptor): Descriptor {
  return { mediaType, digest, size };
}

async function write(options: Partial<OciImageOptions> & { readonly base: ImageSource }) {
  const path = join(work, 'image');
  const written = await writeOciImage({
    bento: options.bento ?? (await makeBento()),
    images: ['team/risk:1'],
    platforms: [parsePlatform('linux/amd64')],
    outputs: [{ kind: 'layout', path }],
    home,
    ...options,
  });
  return { written, path };
}

function layout(path: string): ImageSource {
  return { kind: 'layout', path };
}

/** A document of a layout, by its digest. */
function document(path: string, digest: string): object {
  return JSON.parse(readFileSync(join(path, 'blobs', digest.replace(':', '/')), 'utf8')) as object;
}

function topOf(path: string): object {
  const index = JSON.parse(readFileSync(join(path, 'index.json'), 'utf8')) as { manifests: { digest: string }[] };
  expect(index.manifests.length).toBe(1);
  return document(path, index.manifests[0]?.digest ?? '');
}

test('an image says how it runs, and of what it is made', async () => {
  const { written, path } = await write({ base: layout(await makeBase()) });
  const manifest = topOf(path) as { config: Descriptor; layers: Descriptor[]; annotations: Record<string, string> };
  expect(written.manifests[0]?.layers.map(({ part }) => part)).toEqual(['base', 'dependencies', 'models', 'code']);
  expect(manifest.layers.map(({ digest }) => digest)).toEqual(written.manifests[0]?.layers.map(({ digest }) => digest));
  const config = document(path, manifest.config.digest) as Record<string, Record<string, unknown>>;
  expect(config).toMatchObject({
    os: 'linux',
    architecture: 'amd64',
    created: '2026-11-24T10:00:00.123Z',
    config: {
      User: '1034:0',
      ExposedPorts: { '3000/tcp': {} },
      Env: [
        'PATH=/usr/local/bin:/bin',
        'LANG=C',
        'NODE_ENV=production',
        'BENTO_PATH=/home/ekiben/bento',
        'FROM_DOCKER=1',
        'SET=a=b',
      ],
      Entrypoint: ['/usr/local/bin/node', '/home/ekiben/bento/env/docker/entrypoint.mjs'],
      Cmd: ['serve', '--production'],
      WorkingDir: '/home/ekiben/bento',
      StopSignal: 'SIGTERM',
      Labels: { base: 'yes', team: 'credit', 'org.opencontainers.image.version': 'v1', 'ekiben.bento.tag': 'risk:v1' },
    },
  });
  expect(config['rootfs']?.['diff_ids']).toHaveLength(4);
  expect(config['history']).toHaveLength(4);
  expect(manifest.annotations['org.opencontainers.image.title']).toBe('risk');
});

test('the same bento on the same base is the same image, anywhere', async () => {
  const bento = await makeBento();
  const base = await makeBase();
  const first = await write({ bento, base: layout(base) });
  const elsewhere = join(await temporary(), 'moved');
  cpSync(base, elsewhere, { recursive: true });
  const copy = join(await temporary(), 'copy');
  cpSync(bento.path, copy, { recursive: true });
  const second = await write({
    bento: await new BentoStore(home).open(copy),
    base: layout(elsewhere),
    home: join(work, 'another-home'),
  });
  expect(second.written.digest).toBe(first.written.digest);
});

test('a change of the code makes one new layer', async () => {
  const base = layout(await makeBase());
  await write({ base });
  const changed = await makeBento({ version: 'v2' }, { ...FILES, 'src/__bundle__/service.js': 'changed' });
  const { written } = await write({ bento: changed, base });
  expect(written.manifests[0]?.layers.filter(({ reused }) => !reused).map(({ part }) => part)).toEqual(['code']);
});

test('several platforms are an index', async () => {
  const amd64 = await makeBase();
  const arm64 = await makeBase({ architecture: 'arm64' });
  const index = join(work, 'index');
  mkdirSync(index);
  cpSync(amd64, index, { recursive: true });
  cpSync(join(arm64, 'blobs'), join(index, 'blobs'), { recursive: true });
  const top = (path: string) =>
    JSON.parse(readFileSync(join(path, 'index.json'), 'utf8')) as { manifests: Descriptor[] };
  const manifests = [
    { ...top(amd64).manifests[0], platform: { os: 'linux', architecture: 'amd64' } },
    { ...top(arm64).manifests[0], platform: { os: 'linux', architecture: 'arm64', variant: 'v8' } },
    { ...top(amd64).manifests[0], platform: { os: 'unknown', architecture: 'unknown' } },
  ];
  const blob = jsonBlob(MEDIA_TYPES.index, { schemaVersion: 2, mediaType: MEDIA_TYPES.index, manifests });
  writeFileSync(join(index, 'blobs', blob.digest.replace(':', '/')), blob.bytes);
  writeFileSync(join(index, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [plain(blob)] }));
  const platforms = ['linux/amd64', 'linux/arm64'].map(parsePlatform);
  const { written, path } = await write({ base: layout(index), platforms });
  const made = topOf(path) as { manifests: { platform: object; digest: string }[] };
  expect(made.manifests.map(({ platform }) => platform)).toEqual([
    { os: 'linux', architecture: 'amd64' },
    { os: 'linux', architecture: 'arm64' },
  ]);
  expect(made.manifests.map(({ digest }) => digest)).toEqual(written.manifests.map(({ digest }) => digest));
  await expect(
    write({ base: layout(index), platforms: [{ os: 'linux', cpu: 's390x', libc: 'glibc' }] }),
  ).rejects.toMatchObject({
    code: 'EKIBEN_IMAGE_BASE_NOT_FOUND',
    message: expect.stringContaining('not for linux/s390x, but for linux/amd64, linux/arm64'),
  });
});

test('a tar file is a base for the next image, and the same image', async () => {
  const base = layout(await makeBase());
  const bento = await makeBento();
  const tar = join(work, 'image.tar');
  const { written } = await write({ bento, base, outputs: [{ kind: 'tar', path: tar }] });
  const again = await write({ bento, base: { kind: 'archive', path: tar } });
  const first = written.manifests[0]?.layers.map(({ digest }) => digest) ?? [];
  expect(again.written.manifests[0]?.layers.map(({ digest }) => digest).slice(0, 4)).toEqual(first);
  expect(readdirSync(work).filter((name) => name.startsWith('.'))).toEqual([]);
});

async function tarFile(
  path: string,
  entries: Readonly<Record<string, string | Uint8Array | { link: string }>>,
): Promise<void> {
  const tar = pack();
  for (const [name, content] of Object.entries(entries)) {
    if (typeof content === 'object' && 'link' in content) tar.entry({ name, type: 'symlink', linkname: content.link });
    else tar.entry({ name }, Buffer.from(content));
  }
  tar.finalize();
  await pipeline(tar, createWriteStream(path));
}

describe('tar files of others', () => {
  test('a root file system', async () => {
    const path = join(work, 'rootfs.tar');
    await tarFile(path, { './usr/local/bin/node': 'x', './lib64/ld-linux-x86-64.so.2': 'x' });
    const { written } = await write({ base: { kind: 'archive', path } });
    expect(written.manifests[0]?.layers.map(({ part }) => part)).toEqual(['base', 'dependencies', 'models', 'code']);
  });

  test('what `docker save` wrote, with a layer that is there twice', async () => {
    const rootfs = join(work, 'rootfs.tar');
    await tarFile(rootfs, { 'usr/local/bin/node': 'x' });
    const bytes = readFileSync(rootfs);
    const cache = new BlobCache(join(work, 'cache'));
    const { digest } = await cache.add(
      (async function* () {
        yield bytes;
      })(),
    );
    const config = {
      os: 'linux',
      architecture: 'amd64',
      config: { Env: ['PATH=/usr/local/bin'] },
      rootfs: { type: 'layers', diff_ids: [digest, digest] },
    };
    const saved = join(work, 'saved.tar');
    const list = [{ Config: 'c.json', RepoTags: ['base:1'], Layers: ['a/layer.tar', 'b/layer.tar'] }];
    const entries = {
      'a/layer.tar': bytes,
      'b/layer.tar': { link: '../a/layer.tar' },
      'c.json': JSON.stringify(config),
    };
    await tarFile(saved, { ...entries, 'manifest.json': JSON.stringify(list) });
    const { written } = await write({ base: { kind: 'archive', path: saved } });
    expect(written.manifests[0]?.layers.filter(({ part }) => part === 'base')).toHaveLength(2);

    const wrong = { ...config, rootfs: { type: 'layers', diff_ids: [digest, `sha256:${'0'.repeat(64)}`] } };
    await tarFile(saved, { ...entries, 'c.json': JSON.stringify(wrong), 'manifest.json': JSON.stringify(list) });
    await expect(write({ base: { kind: 'archive', path: saved } })).rejects.toMatchObject({
      code: 'EKIBEN_IMAGE_INVALID',
    });
  });

  test.each([
    ['no tar file', Buffer.alloc(2000, 1)],
    ['compressed', Buffer.from([0x1f, 0x8b, 8, 0])],
  ])('%s', async (_what, bytes) => {
    const path = join(work, 'odd.tar');
    writeFileSync(path, bytes);
    await expect(write({ base: { kind: 'archive', path } })).rejects.toMatchObject({ code: 'EKIBEN_IMAGE_INVALID' });
  });

  test('a manifest.json that names what is not there', async () => {
    const path = join(work, 'odd.tar');
    await tarFile(path, { 'manifest.json': JSON.stringify([{ Config: '../../etc/passwd', Layers: ['x'] }]) });
    await expect(write({ base: { kind: 'archive', path } })).rejects.toMatchObject({ code: 'EKIBEN_IMAGE_INVALID' });
  });
});

test('a base that was tampered with does not come in', async () => {
  const base = await makeBase();
  const manifest = topOf(base) as { config: Descriptor; layers: Descriptor[] };
  for (const { digest } of [...manifest.layers, manifest.config]) {
    const file = join(base, 'blobs', digest.replace(':', '/'));
    const good = readFileSync(file);
    const evil = Buffer.from(good);
    evil[good.length - 12] = (evil[good.length - 12] ?? 0) ^ 1;
    writeFileSync(file, evil);
    await expect(write({ base: layout(base) })).rejects.toMatchObject({ code: 'EKIBEN_IMAGE_INVALID' });
    writeFileSync(file, good);
  }
  await write({ base: layout(base) });
});

test.each([
  ['an older Node', { env: ['PATH=/usr/local/bin', 'NODE_VERSION=18.20.0'] }, 'EKIBEN_IMAGE_BASE_UNFIT'],
  ['musl without Node', { files: ['lib/ld-musl-x86_64.so.1'] }, 'EKIBEN_IMAGE_BASE_UNFIT'],
  ['another platform', { architecture: 's390x' }, 'EKIBEN_IMAGE_BASE_NOT_FOUND'],
])('a base with %s is refused', async (_what, options, code) => {
  await expect(write({ base: layout(await makeBase(options)) })).rejects.toMatchObject({ code });
});

test('musl with Node is for musl', async () => {
  const files = ['usr/local/bin/node', 'lib/ld-musl-x86_64.so.1'];
  const { written } = await write({ base: layout(await makeBase({ files })) });
  expect(written.manifests[0]?.platform).toBe('linux/amd64/musl');
});

test.each([
  ['system_packages', ['curl']],
  ['setup_script', './setup.sh'],
  ['dockerfile_template', './Dockerfile.template'],
])('docker.%s needs what runs programs, unless a base is named', async (key, value) => {
  const bento = await makeBento({ docker: { distro: 'debian', [key]: value } });
  const options = { bento, images: ['a:1'], platforms: [parsePlatform('linux/amd64')], home };
  const path = join(work, 'image');
  await expect(writeOciImage({ ...options, outputs: [{ kind: 'layout', path }] })).rejects.toMatchObject({
    code: 'EKIBEN_IMAGE_NEEDS_DOCKER',
  });
  await write({ bento, base: layout(await makeBase()) });
});

test('a directory with something else in it stays as it is', async () => {
  const path = join(work, 'mine');
  mkdirSync(path);
  writeFileSync(join(path, 'important'), '');
  await expect(write({ base: layout(await makeBase()), outputs: [{ kind: 'layout', path }] })).rejects.toMatchObject({
    code: 'EKIBEN_IMAGE_SAVE_FAILED',
  });
  expect(readdirSync(path)).toEqual(['important']);
});

test('a path that leads through a file', async () => {
  writeFileSync(join(work, 'file'), '');
  for (const kind of ['tar', 'layout'] as const) {
    const output = { kind, path: join(work, 'file', 'image') };
    await expect(write({ base: layout(await makeBase()), outputs: [output] })).rejects.toMatchObject({
      code: 'EKIBEN_IMAGE_SAVE_FAILED',
    });
  }
});

describe('by a registry', () => {
  let registry: Awaited<ReturnType<typeof startRegistry>>;
  beforeEach(async () => {
    registry = await startRegistry();
  });
  afterEach(() => registry.close());

  async function serve(base: string): Promise<void> {
    const manifest = topOf(base) as { config: Descriptor; layers: Descriptor[] };
    for (const { digest } of [manifest.config, ...manifest.layers]) {
      registry.blobs.set(digest, readFileSync(join(base, 'blobs', digest.replace(':', '/'))));
    }
    const bytes = Buffer.from(JSON.stringify(manifest));
    registry.manifests.set('library/base:1', { type: MEDIA_TYPES.manifest, bytes });
  }

  test('a base comes from there, and the image goes there', async () => {
    const base = await makeBase();
    await serve(base);
    const reference = `${registry.host}/library/base:1`;
    const image = `${registry.host}/team/risk:1`;
    const options = { images: [image], outputs: [{ kind: 'registry' as const }], bento: await makeBento() };
    const { written } = await write({ ...options, base: { kind: 'registry', reference } });
    const pushed = registry.manifests.get('team/risk:1');
    expect(JSON.parse(String(pushed?.bytes))).toMatchObject({
      annotations: { 'org.opencontainers.image.base.name': reference },
    });
    expect(registry.manifests.get(`team/risk:${written.digest}`)?.bytes).toEqual(pushed?.bytes);
    // Of the base nothing but the manifest is asked for a second time.
    registry.log.length = 0;
    await write({ ...options, base: { kind: 'registry', reference } });
    expect(registry.log.filter((line) => line.startsWith('GET /v2/library/base/blobs'))).toHaveLength(1);
  });

  test('what is asked for by its digest must have it', async () => {
    await serve(await makeBase());
    const bytes = registry.manifests.get('library/base:1') ?? { type: '', bytes: Buffer.alloc(0) };
    const digest = `sha256:${'0'.repeat(64)}`;
    registry.manifests.set(`library/base:${digest}`, bytes);
    const reference = `${registry.host}/library/base@${digest}`;
    await expect(write({ base: { kind: 'registry', reference } })).rejects.toMatchObject({
      code: 'EKIBEN_IMAGE_INVALID',
    });
  });

  test('one that is not there', async () => {
    const reference = `${registry.host}/library/base:2`;
    await expect(write({ base: { kind: 'registry', reference } })).rejects.toMatchObject({
      code: 'EKIBEN_IMAGE_BASE_NOT_FOUND',
    });
  });
});
