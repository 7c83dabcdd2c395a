// Images where others left them: in a registry, in a directory of the OCI layout, in a tar file.
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { EkibenError } from '@ekiben/spec';
import { extract, type Header } from 'tar-stream';
import { MANIFEST_MAX_BYTES } from './limits.ts';
import { digestOf, invalidImage, isObject, readManifest, wrongBytes, type Descriptor } from './manifest.ts';
import { readHead } from './read-head.ts';
import { formatReference, parseReference } from './reference.ts';
import { Registry } from './registry.ts';
import type { ImageSource } from './oci.ts';

/** Reads what is addressed by its digest; whoever asks checks that the bytes have it. */
export interface ImageReader {
  /** What it reads, for errors and annotations. */
  readonly where: string;
  /** The manifest, or the index, that the name means. */
  top(): Promise<Uint8Array>;
  /** A manifest or another small blob. */
  small(descriptor: Descriptor): Promise<Uint8Array>;
  blob(descriptor: Descriptor): AsyncIterable<Uint8Array>;
  /** Of a registry: the repository that its blobs can be mounted from. */
  readonly repository?: { readonly registry: string; readonly repository: string } | undefined;
}

/** A tar file without an image in it, but with a root file system; or one of `docker save`, which names its layers by files. */
export interface LooseLayers {
  readonly where: string;
  /** Undefined for a root file system. */
  readonly config: Uint8Array | undefined;
  readonly layers: readonly (() => AsyncIterable<Uint8Array>)[];
}

/** @throws EKIBEN_IMAGE_BASE_NOT_FOUND, EKIBEN_IMAGE_INVALID, EKIBEN_IMAGE_NAME_INVALID */
export async function openImage(source: ImageSource, signal?: AbortSignal): Promise<ImageReader | LooseLayers> {
  if (source.kind === 'registry') return readRegistry(source.reference, signal);
  const stats = await stat(source.path).catch(() => undefined);
  if (source.kind === 'layout') {
    if (stats?.isDirectory() !== true) throw notFound(source.path, 'there is no such directory');
    return readFiles(source.path, source.name, (path) => onDisk(source.path, path));
  }
  if (stats?.isFile() !== true) throw notFound(source.path, 'there is no such file');
  return readTarFile(source.path);
}

function readRegistry(text: string, signal: AbortSignal | undefined): ImageReader {
  const reference = parseReference(text);
  const registry = new Registry(reference, 'pull', { signal });
  const where = formatReference(reference);
  const manifest = async (name: string): Promise<Uint8Array> => {
    const found = await registry.manifest(name);
    if (found === undefined) throw notFound(where, `the registry has no ${name}`);
    return found;
  };
  return {
    where,
    repository: reference,
    top: () => manifest(reference.digest ?? reference.tag ?? 'latest'),
    small: (descriptor) =>
      isManifestType(descriptor.mediaType) ? manifest(descriptor.digest) : collect(registry.blob(descriptor), where),
    blob: (descriptor) => registry.blob(descriptor),
  };
}

function isManifestType(mediaType: string): boolean {
  return /\.(?:index|manifest)\.v1\+json$|\.manifest(?:\.list)?\.v2\+json$/.test(mediaType);
}

/** A file by its path in the layout; undefined when there is none. */
type Lookup = (path: string) => Promise<(() => AsyncIterable<Uint8Array>) | undefined>;

async function onDisk(directory: string, path: string): ReturnType<Lookup> {
  const file = join(directory, path);
  const stats = await stat(file).catch(() => undefined);
  return stats?.isFile() === true ? () => createReadStream(file) : undefined;
}

/** https://github.com/opencontainers/image-spec/blob/main/image-layout.md */
async function readFiles(where: string, name: string | undefined, lookup: Lookup): Promise<ImageReader> {
  const read = async (path: string): Promise<AsyncIterable<Uint8Array>> => {
    const file = await lookup(path);
    if (file === undefined) throw invalidImage(where, `it has no ${path}`);
    return file();
  };
  const blob = async function* ({ digest }: Descriptor): AsyncGenerator<Uint8Array> {
    yield* await read(`blobs/${digest.replace(':', '/')}`);
  };
  const small = (descriptor: Descriptor): Promise<Uint8Array> => collect(blob(descriptor), where);
  const index = readManifest(await collect(await read('index.json'), where), where);
  if (index.kind !== 'index') throw invalidImage(where, 'its index.json is no index');
  const images = index.manifests.filter((each) => isManifestType(each.mediaType));
  const named = images.filter((each) => name === undefined || each.annotations?.[REF_NAME] === name);
  const [only] = named;
  if (only === undefined) throw notFound(where, name === undefined ? 'it is empty' : `it has no image ${name}`);
  if (named.length > 1) {
    const names = named.map((each) => each.annotations?.[REF_NAME] ?? '(no name)').join(', ');
    throw notFound(where, `it has several images, of which one must be named: ${names}`);
  }
  return {
    where,
    top: async () => {
      const bytes = await small(only);
      if (digestOf(bytes) === only.digest) return bytes;
      throw wrongBytes(where, only.digest);
    },
    small,
    blob,
  };
}

export const REF_NAME = 'org.opencontainers.image.ref.name';

/** tar-stream also says where the body of an entry begins. */
type LocatedHeader = Header & { readonly byteOffset: number };

async function readTarFile(path: string): Promise<ImageReader | LooseLayers> {
  const places = await tarPlaces(path);
  const lookup: Lookup = async (name) => {
    const place = places.get(name);
    if (place === undefined) return undefined;
    return () => createReadStream(path, { start: place.start, end: place.start + place.size - 1 });
  };
  if (places.has('index.json')) return readFiles(path, undefined, lookup);
  const list = await lookup('manifest.json');
  if (list === undefined) return { where: path, config: undefined, layers: [() => createReadStream(path)] };
  const [entry, ...others] = JSON.parse(
    Buffer.from(await collect(list(), path)).toString('utf8'),
  ) as readonly unknown[];
  const { Config, Layers } = isObject(entry) ? entry : {};
  if (others.length > 0) throw notFound(path, 'it has several images; save the one that is meant');
  const config = typeof Config === 'string' ? await lookup(Config) : undefined;
  const layers = await Promise.all(Array.isArray(Layers) ? Layers.map((layer) => lookup(String(layer))) : []);
  const found = layers.filter((layer) => layer !== undefined);
  if (config === undefined || found.length !== layers.length) {
    throw invalidImage(path, 'its manifest.json names files that it does not have');
  }
  return { where: path, config: await collect(config(), path), layers: found };
}

async function tarPlaces(path: string): Promise<ReadonlyMap<string, { start: number; size: number }>> {
  const [first, second] = await readHead(path, 2);
  if (first === 0x1f && second === 0x8b) throw invalidImage(path, 'it is compressed; unpack it with gunzip');
  const places = new Map<string, { start: number; size: number }>();
  const links = new Map<string, string>();
  const tar = createReadStream(path).pipe(extract());
  try {
    for await (const entry of tar) {
      const { name, type, size, byteOffset, linkname } = entry.header as LocatedHeader;
      const plain = name.replace(/^\.\//, '');
      if (type === 'file' && size > 0) places.set(plain, { start: byteOffset, size });
      // `docker save` stored the same layer once, and linked to it.
      if (type === 'symlink') links.set(plain, join(plain, '..', linkname ?? '').replaceAll('\\', '/'));
      entry.resume();
    }
  } catch (cause) {
    throw invalidImage(path, `it is no tar file: ${(cause as Error).message}`);
  }
  for (const [name, target] of links) {
    const place = places.get(target);
    if (place !== undefined) places.set(name, place);
  }
  return places;
}

async function collect(source: AsyncIterable<Uint8Array>, where: string): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of source) {
    length += chunk.length;
    if (length > MANIFEST_MAX_BYTES)
      throw invalidImage(where, `it has a manifest of more than ${MANIFEST_MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

export function notFound(where: string, why: string): EkibenError {
  return new EkibenError('EKIBEN_IMAGE_BASE_NOT_FOUND', `The base image ${where} is not to be had: ${why}.`);
}
