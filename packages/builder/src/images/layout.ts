// An image as files: a directory in the OCI layout, or the same in one tar file, which `docker load` takes, too.
import { randomUUID } from 'node:crypto';
import { createWriteStream, existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { EkibenError } from '@ekiben/spec';
import { writeArchive, type PackItem } from '@ekiben/store/archive';
import { notWritten } from './blobs.ts';
import { REF_NAME } from './image-reader.ts';
import { digestOf, MEDIA_TYPES, type Descriptor } from './manifest.ts';
import { formatReference, parseReference } from './reference.ts';

/** A blob, wherever it is. */
export interface Blob extends Descriptor {
  /** The bytes from `from` up to `to`, which is not among them. */
  open(from?: number, to?: number): AsyncIterable<Uint8Array>;
}

/** One in memory. */
export interface JsonBlob extends Blob {
  readonly bytes: Uint8Array;
}

export interface LayoutImage {
  /** What the image is called. */
  readonly images: readonly string[];
  /** The manifest or the index. */
  readonly top: Descriptor;
  /** All of it, `top` included. */
  readonly blobs: readonly Blob[];
  /** What `docker load` makes of it: the image of one platform. */
  readonly docker: { readonly config: string; readonly layers: readonly string[] };
}

/** @throws EKIBEN_IMAGE_DISK_FULL, EKIBEN_IMAGE_SAVE_FAILED; nothing is there then */
export async function writeLayout(image: LayoutImage, path: string, signal?: AbortSignal): Promise<void> {
  const target = resolve(path);
  if (existsSync(target) && (await readdir(target).catch(() => ['a file'])).length > 0 && !isLayout(target)) {
    throw new EkibenError('EKIBEN_IMAGE_SAVE_FAILED', `${target} is there, and is no image: name a new directory.`);
  }
  const draft = `${target}.${randomUUID()}`;
  try {
    for (const { path: name, size: _size, body } of items(image)) {
      const file = join(draft, name);
      await mkdir(dirname(file), { recursive: true });
      await pipeline(body(), createWriteStream(file), { ...(signal !== undefined && { signal }) });
    }
    await rm(target, { recursive: true, force: true });
    await rename(draft, target);
  } catch (error) {
    await rm(draft, { recursive: true, force: true }).catch(() => {});
    throw notWritten(error, target);
  }
}

function isLayout(directory: string): boolean {
  return existsSync(join(directory, 'oci-layout'));
}

/** @throws as {@link writeLayout} */
export async function writeTar(image: LayoutImage, path: string, signal?: AbortSignal): Promise<void> {
  const target = resolve(path);
  const draft = join(dirname(target), `.${basename(target)}.${randomUUID()}`);
  try {
    await mkdir(dirname(target), { recursive: true });
    const tar = writeArchive(items(image), { format: 'tar', level: 0, mtime: new Date(0), oneByOne: false });
    await pipeline(Readable.from(tar, { objectMode: false }), createWriteStream(draft, { flush: true }), {
      ...(signal !== undefined && { signal }),
    });
    await rename(draft, target);
  } catch (error) {
    await rm(draft, { force: true }).catch(() => {});
    throw notWritten(error, target);
  }
}

/** https://github.com/opencontainers/image-spec/blob/main/image-layout.md, and `manifest.json` of `docker save`. */
function items({ images, top, blobs, docker }: LayoutImage): readonly PackItem[] {
  const { mediaType, digest, size } = top;
  const manifests = images.map(parseReference).map((reference) => ({
    mediaType,
    digest,
    size,
    annotations: {
      [REF_NAME]: reference.tag ?? 'latest',
      'io.containerd.image.name': formatReference(reference),
    },
  }));
  const index = { schemaVersion: 2, mediaType: MEDIA_TYPES.index, manifests };
  const list = [{ Config: blobPath(docker.config), RepoTags: images.map(tagged), Layers: docker.layers.map(blobPath) }];
  const unique = new Map(blobs.map((blob) => [blob.digest, blob]));
  return [
    text('oci-layout', JSON.stringify({ imageLayoutVersion: '1.0.0' })),
    text('index.json', JSON.stringify(index)),
    text('manifest.json', JSON.stringify(list)),
    ...[...unique.values()]
      .toSorted((a, b) => (a.digest < b.digest ? -1 : 1))
      .map((blob): PackItem => ({
        path: blobPath(blob.digest),
        type: 'file',
        size: blob.size,
        executable: false,
        body: () => blob.open(),
      })),
  ];
}

/** As Docker shows it. */
function tagged(image: string): string {
  return parseReference(image).tag === undefined ? `${image}:latest` : image;
}

function blobPath(digest: string): string {
  return `blobs/${digest.replace(':', '/')}`;
}

function text(path: string, content: string): PackItem {
  const bytes = Buffer.from(content);
  return { path, type: 'file', size: bytes.length, executable: false, body: () => Readable.from([bytes]) };
}

/** A document as a blob. */
export function jsonBlob(mediaType: string, document: object): JsonBlob {
  return bytesBlob(mediaType, Buffer.from(JSON.stringify(document)));
}

export function bytesBlob(mediaType: string, bytes: Uint8Array): JsonBlob {
  return {
    mediaType,
    digest: digestOf(bytes),
    size: bytes.length,
    bytes,
    open: (from, to) => Readable.from([bytes.subarray(from, to)]),
  };
}
