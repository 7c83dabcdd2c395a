// Any archive, as its entries.
import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';
import { Readable } from 'node:stream';
import { detectFormat, MAGIC_BYTES } from './format.ts';
import { readTar } from './tar.ts';
import { readXz } from './xz.ts';
import type { ArchiveEntry } from './entry.ts';

/** @throws EKIBEN_ARCHIVE_FORMAT_UNKNOWN, EKIBEN_ARCHIVE_CORRUPT */
export async function* readArchive(source: AsyncIterable<Uint8Array>): AsyncGenerator<ArchiveEntry> {
  const { start, whole } = await peek(source, MAGIC_BYTES);
  switch (detectFormat(start)) {
    case 'tar':
      return yield* readTar(whole);
    case 'gz':
      return yield* readTar(Readable.from(whole, { objectMode: false }).pipe(createGunzip()));
    case 'xz':
      return yield* readTar(readXz(whole));
    default:
      throw new Error('not yet');
  }
}

export function readFileChunks(path: string): AsyncIterable<Uint8Array> {
  return createReadStream(path, { highWaterMark: 1024 * 1024 });
}

/** Looks at the first bytes of a stream without losing them. */
async function peek(
  source: AsyncIterable<Uint8Array>,
  bytes: number,
): Promise<{ start: Uint8Array; whole: AsyncIterable<Uint8Array> }> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  const iterator = source[Symbol.asyncIterator]();
  while (length < bytes) {
    const next = await iterator.next();
    if (next.done === true) break;
    chunks.push(next.value);
    length += next.value.length;
  }
  return {
    start: Buffer.concat(chunks).subarray(0, bytes),
    whole: (async function* () {
      yield* chunks;
      yield* { [Symbol.asyncIterator]: () => iterator };
    })(),
  };
}
