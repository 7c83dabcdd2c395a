// The image that ours stands on, for one platform: found, fetched, and looked into.
import { createHash } from 'node:crypto';
import { pipeline } from 'node:stream/promises';
import type { EkibenError } from '@ekiben/spec';
import { extract } from 'tar-stream';
import { dockerPlatform, formatPlatform, type Platform } from '../native.ts';
import type { BlobCache } from './blobs.ts';
import { notFound, openImage, type ImageReader, type LooseLayers } from './image-reader.ts';
import { gzip, gunzip } from './gzip.ts';
import { LAYER_MAX_BYTES, LAYER_MAX_UNPACKED_BYTES } from './limits.ts';
import {
  digestOf,
  invalidImage,
  isObject,
  MEDIA_TYPES,
  readConfig,
  readManifest,
  wrongBytes,
  type Descriptor,
  type DescriptorPlatform,
  type ImageConfig,
  type ImageManifest,
} from './manifest.ts';
import type { ImageProgress, ImageSource } from './oci.ts';

export interface BaseImage {
  /** What it is called; the path of what is a file. */
  readonly name: string;
  /** Of its manifest; undefined for what is no image, such as a root file system. */
  readonly digest: string | undefined;
  readonly config: ImageConfig;
  readonly layers: readonly BaseLayer[];
  /** Of a registry. */
  readonly repository: { readonly registry: string; readonly repository: string } | undefined;
}

export interface BaseLayer {
  readonly descriptor: Descriptor;
  readonly diffId: string;
  /** Undefined for a layer that Node cannot unpack. */
  readonly content: LayerContent | undefined;
}

/** What we want to know of a layer. */
export interface LayerContent {
  /** Paths that a program called `node` may be at. */
  readonly node: readonly string[];
  readonly libc: 'glibc' | 'musl' | undefined;
}

export interface BaseOptions {
  readonly cache: BlobCache;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: ImageProgress) => void) | undefined;
}

/** An index in an index in an index is what nobody makes. */
const INDEX_DEPTH_MAX = 3;

/**
 * @throws EKIBEN_IMAGE_BASE_NOT_FOUND, EKIBEN_IMAGE_INVALID, EKIBEN_IMAGE_NAME_INVALID, EKIBEN_IMAGE_DISK_FULL,
 *   EKIBEN_REGISTRY_DENIED, EKIBEN_REGISTRY_FAILED, EKIBEN_CREDENTIALS_FAILED
 */
export async function fetchBase(source: ImageSource, platform: Platform, options: BaseOptions): Promise<BaseImage> {
  const image = await openImage(source, options.signal);
  if ('layers' in image) return looseBase(image, platform, options);
  const { digest, manifest } = await manifestFor(image, source, platform);
  const config = readConfig(await verified(image, manifest.config), manifest.layers.length, image.where);
  if (!fits(config, platform)) throw notForPlatform(image.where, platform, [config]);
  const layers = await Promise.all(
    manifest.layers.map((layer, at) => fetchLayer(image, layer, config.rootfs.diff_ids[at] ?? '', options)),
  );
  return { name: image.where, digest, config, layers, repository: image.repository };
}

async function manifestFor(
  image: ImageReader,
  source: ImageSource,
  platform: Platform,
): Promise<{ readonly digest: string; readonly manifest: ImageManifest }> {
  let bytes = await image.top();
  const wanted = source.kind === 'registry' ? /@(sha256:[0-9a-f]{64})$/.exec(source.reference)?.[1] : undefined;
  if (wanted !== undefined && digestOf(bytes) !== wanted) throw wrongBytes(image.where, wanted);
  for (let depth = 0; depth < INDEX_DEPTH_MAX; depth++) {
    const manifest = readManifest(bytes, image.where);
    if (manifest.kind === 'image') return { digest: digestOf(bytes), manifest };
    const candidates = manifest.manifests.filter(
      (each) => each.platform === undefined || fits(each.platform, platform),
    );
    // arm64 is v8, said or unsaid; a newer variant is for newer processors only.
    const [best] = candidates.toSorted((a, b) => variantOf(a).localeCompare(variantOf(b)));
    if (best === undefined) {
      throw notForPlatform(
        image.where,
        platform,
        manifest.manifests.flatMap((each) => each.platform ?? []),
      );
    }
    bytes = await verified(image, best);
  }
  throw invalidImage(image.where, 'its index leads to indexes only');
}

function variantOf({ platform }: Descriptor): string {
  return platform?.variant ?? '';
}

function fits({ os, architecture }: DescriptorPlatform, platform: Platform): boolean {
  return `${os}/${architecture}` === dockerPlatform(platform);
}

async function verified(image: ImageReader, descriptor: Descriptor): Promise<Uint8Array> {
  const bytes = await image.small(descriptor);
  if (bytes.length === descriptor.size && digestOf(bytes) === descriptor.digest) return bytes;
  throw wrongBytes(image.where, descriptor.digest);
}

async function fetchLayer(
  image: ImageReader,
  descriptor: Descriptor,
  diffId: string,
  { cache, onProgress }: BaseOptions,
): Promise<BaseLayer> {
  const { digest, size } = descriptor;
  if (size > LAYER_MAX_BYTES) throw invalidImage(image.where, `a layer has more than ${LAYER_MAX_BYTES} bytes`);
  if (!(await cache.has(descriptor))) {
    let done = 0;
    const watched = async function* (): AsyncGenerator<Uint8Array> {
      for await (const chunk of image.blob(descriptor)) {
        done += chunk.length;
        onProgress?.({ step: 'base', name: digest, done, total: size });
        yield chunk;
      }
    };
    await cache.add(watched(), { digest, size, where: image.where });
  }
  return { descriptor, diffId, content: await contentOf(descriptor, diffId, image.where, cache) };
}

/** Layers of `docker save` are not compressed, and have digests in no manifest: they become ours. */
async function looseBase(
  { where, config, layers }: LooseLayers,
  platform: Platform,
  { cache }: BaseOptions,
): Promise<BaseImage> {
  const packed = await Promise.all(layers.map((open) => packLoose(open, cache)));
  const diffIds = packed.map(({ diffId }) => diffId);
  const { os, cpu } = platform;
  const read =
    config === undefined
      ? {
          os,
          architecture: cpu === 'x64' ? 'amd64' : cpu,
          config: {},
          rootfs: { type: 'layers' as const, diff_ids: diffIds },
          history: [{ created_by: 'a root file system' }],
        }
      : readConfig(config, layers.length, where);
  if (!fits(read, platform)) throw notForPlatform(where, platform, [read]);
  const wrong = read.rootfs.diff_ids.find((diffId, at) => diffId !== diffIds[at]);
  if (wrong !== undefined) throw wrongBytes(where, wrong);
  const found = await Promise.all(
    packed.map(async (layer) => ({
      ...layer,
      content: await contentOf(layer.descriptor, layer.diffId, where, cache),
    })),
  );
  return { name: where, digest: undefined, config: read, layers: found, repository: undefined };
}

async function packLoose(open: () => AsyncIterable<Uint8Array>, cache: BlobCache): Promise<Omit<BaseLayer, 'content'>> {
  const hash = createHash('sha256');
  await pipeline(gunzip(open()), hash);
  const diffId = `sha256:${hash.digest('hex')}`;
  const known = (await cache.recall('packed', diffId)) as Descriptor | undefined;
  if (isObject(known) && (await cache.has(known))) return { descriptor: known, diffId };
  const descriptor = { mediaType: MEDIA_TYPES.layer, ...(await cache.add(gzip(gunzip(open())))) };
  await cache.remember('packed', diffId, descriptor);
  return { descriptor, diffId };
}

/** Looks through a layer once, and knows then that it is what the configuration says. */
async function contentOf(
  descriptor: Descriptor,
  diffId: string,
  where: string,
  cache: BlobCache,
): Promise<LayerContent | undefined> {
  if (descriptor.mediaType.endsWith('zstd')) return undefined;
  const key = `${descriptor.digest} ${diffId}`;
  const known = await cache.recall('content', key);
  if (isObject(known)) return known as unknown as LayerContent;
  const content = await lookThrough(cache.open(descriptor.digest), diffId, where);
  await cache.remember('content', key, content);
  return content;
}

async function lookThrough(packed: AsyncIterable<Uint8Array>, diffId: string, where: string): Promise<LayerContent> {
  const hash = createHash('sha256');
  let length = 0;
  const measured = async function* (source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of source) {
      length += chunk.length;
      if (length > LAYER_MAX_UNPACKED_BYTES) {
        throw invalidImage(where, `a layer unpacks to more than ${LAYER_MAX_UNPACKED_BYTES} bytes`);
      }
      hash.update(chunk);
      yield chunk;
    }
  };
  const node: string[] = [];
  let libc: LayerContent['libc'];
  const tar = extract();
  tar.on('entry', ({ name, type }, body, next) => {
    const path = name.replace(/^\.?\/+/, '');
    if ((type === 'file' || type === 'symlink' || type === 'link') && /(?:^|\/)bin\/node$/.test(path)) node.push(path);
    if (/(?:^|\/)ld-musl-[^/]+$/.test(path)) libc = 'musl';
    if (/(?:^|\/)ld-linux-[^/]+$/.test(path)) libc ??= 'glibc';
    body.on('end', next).resume();
  });
  try {
    await pipeline(gunzip(packed), measured, tar);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code?.startsWith('Z_') === true) {
      throw invalidImage(where, `a layer cannot be unpacked: ${(error as Error).message}`);
    }
    throw error;
  }
  if (`sha256:${hash.digest('hex')}` !== diffId) throw wrongBytes(where, diffId);
  return { node, libc };
}

function notForPlatform(where: string, platform: Platform, there: readonly DescriptorPlatform[]): EkibenError {
  const names = there
    .map(({ os, architecture }) => `${os}/${architecture}`)
    .filter((name) => !name.startsWith('unknown'));
  return notFound(where, `it is not for ${formatPlatform(platform)}, but for ${[...new Set(names)].join(', ')}`);
}
