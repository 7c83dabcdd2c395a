// One layer: a tar file, compressed, that is the same bytes whoever makes it, wherever and whenever.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { writeArchive, type PackItem } from '@ekiben/store/archive';
import { sha256 } from '../verify.ts';
import type { BlobCache } from './blobs.ts';
import { gzip } from './gzip.ts';
import { isObject, MEDIA_TYPES, type Descriptor } from './manifest.ts';

/** A file of a layer. */
export interface LayerFile {
  /** From the root of the image, without a leading `/`. */
  readonly path: string;
  readonly executable: boolean;
  readonly content: Uint8Array | { readonly source: string };
}

export interface Layer {
  readonly descriptor: Descriptor;
  /** Of what is inside, unpacked. */
  readonly diffId: string;
  /** Whether it was there from an image before. */
  readonly reused: boolean;
}

/** Layers made by another way of writing them are not taken for these. */
const FORMAT = 1;
const EPOCH = new Date(0);

/** Makes a layer, unless one of the same files was made before. */
export async function makeLayer(files: readonly LayerFile[], cache: BlobCache): Promise<Layer> {
  const sorted = files.toSorted((a, b) => (a.path < b.path ? -1 : 1));
  const key = await layerKey(sorted);
  const known = (await cache.recall('layers', key)) as { descriptor: Descriptor; diffId: string } | undefined;
  if (isObject(known) && (await cache.has(known.descriptor))) return { ...known, reused: true };
  const layer = await packLayer(await packItems(sorted), cache);
  await cache.remember('layers', key, layer);
  return { ...layer, reused: false };
}

/** All that the bytes of the layer depend on. */
async function layerKey(files: readonly LayerFile[]): Promise<string> {
  const hash = createHash('sha256').update(`${FORMAT}\n`);
  for (const { path, executable, content } of files) {
    hash.update(`${JSON.stringify(path)} ${executable} ${await sha256(content)}\n`);
  }
  return hash.digest('hex');
}

/** With the directories above the files, so that none of them depends on what unpacks it. */
async function packItems(files: readonly LayerFile[]): Promise<readonly PackItem[]> {
  const items = new Map<string, PackItem>();
  for (const { path, executable, content } of files) {
    for (let at = path.indexOf('/'); at >= 0; at = path.indexOf('/', at + 1)) {
      const directory = path.slice(0, at);
      items.set(directory, { path: directory, type: 'directory', size: 0, executable: false, body: nothing });
    }
    const size = content instanceof Uint8Array ? content.length : (await stat(content.source)).size;
    const body = (): AsyncIterable<Uint8Array> =>
      content instanceof Uint8Array ? once(content) : createReadStream(content.source);
    items.set(path, { path, type: 'file', size, executable, body });
  }
  return [...items.values()].toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

async function packLayer(items: readonly PackItem[], cache: BlobCache): Promise<Omit<Layer, 'reused'>> {
  const diff = createHash('sha256');
  const tar = writeArchive(items, { format: 'tar', level: 0, mtime: EPOCH, oneByOne: false });
  const hashed = async function* (): AsyncGenerator<Uint8Array> {
    for await (const chunk of tar) {
      diff.update(chunk);
      yield chunk;
    }
  };
  const { digest, size } = await cache.add(gzip(hashed()));
  return { descriptor: { mediaType: MEDIA_TYPES.layer, digest, size }, diffId: `sha256:${diff.digest('hex')}` };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

async function* nothing(): AsyncGenerator<Uint8Array> {}
