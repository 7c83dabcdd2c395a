// Any archive, as its entries: the format comes from the content, whatever the name says.
import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { readBzip2 } from './bzip2.ts';
import type { ArchiveEntry, ArchiveGuard } from './entry.ts';
import { corruptArchive } from './errors.ts';
import { detectFormat, MAGIC_BYTES } from './format.ts';
import { readTar } from './tar.ts';
import { CHUNK_BYTES, counted, through } from './through.ts';
import { readXz } from './xz.ts';

/**
 * @param spool - a path for a temporary file: a zip that comes as a stream must be stored before it can be read
 * @throws EKIBEN_ARCHIVE_FORMAT_UNKNOWN, EKIBEN_ARCHIVE_CORRUPT, EKIBEN_ARCHIVE_TOO_LARGE
 */
export async function* readArchive(
  source: AsyncIterable<Uint8Array>,
  guard: ArchiveGuard,
  spool: string,
): AsyncGenerator<ArchiveEntry> {
  const { start, whole } = await peek(counted(source, guard.packed), MAGIC_BYTES);
  const format = detectFormat(start);
  if (format === 'zip') return yield* readSpooledZip(whole, guard, spool);
  yield* readTar(counted(decompress(format, whole), guard.unpacked));
}

async function* decompress(
  format: 'tar' | 'gz' | 'xz' | 'bz2',
  packed: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  try {
    if (format === 'gz') yield* through(packed, createGunzip({ chunkSize: CHUNK_BYTES }));
    else if (format === 'xz') yield* readXz(packed);
    else if (format === 'bz2') yield* readBzip2(packed);
    else yield* packed;
  } catch (cause) {
    throw corruptArchive(cause);
  }
}

async function* readSpooledZip(
  whole: AsyncIterable<Uint8Array>,
  guard: ArchiveGuard,
  spool: string,
): AsyncGenerator<ArchiveEntry> {
  const { readZip } = await import('./read-zip.ts');
  try {
    await pipeline(whole, createWriteStream(spool));
    for await (const entry of readZip(spool)) yield { ...entry, body: counted(entry.body, guard.unpacked) };
  } finally {
    await rm(spool, { force: true });
  }
}

/** Looks at the first bytes of a stream without losing them. */
async function peek(
  source: AsyncIterable<Uint8Array>,
  bytes: number,
): Promise<{ start: Uint8Array; whole: AsyncIterable<Uint8Array> }> {
  const iterator = source[Symbol.asyncIterator]();
  const chunks: Uint8Array[] = [];
  let length = 0;
  while (length < bytes) {
    const next = await iterator.next();
    if (next.done === true) break;
    chunks.push(next.value);
    length += next.value.length;
  }
  const whole = async function* (): AsyncGenerator<Uint8Array> {
    try {
      yield* chunks;
      yield* { [Symbol.asyncIterator]: () => iterator };
    } finally {
      await iterator.return?.();
    }
  };
  return { start: Buffer.concat(chunks).subarray(0, bytes), whole: whole() };
}
