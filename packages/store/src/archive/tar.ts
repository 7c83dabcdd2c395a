// Reads tar: ustar, PAX and GNU names.
import { extract } from 'tar-stream';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ArchiveEntry } from './entry.ts';
import { corruptArchive } from './errors.ts';

const BLOCK = 512;

/** @throws EKIBEN_ARCHIVE_CORRUPT when it is damaged or ends early */
export async function* readTar(source: AsyncIterable<Uint8Array>): AsyncGenerator<ArchiveEntry> {
  let received = 0;
  let end = 0;
  const tar = extract();
  const feeding = pipeline(
    Readable.from(source, { objectMode: false, highWaterMark: 1024 * 1024 }),
    async function* (chunks: AsyncIterable<Buffer>) {
      for await (const chunk of chunks) {
        received += chunk.length;
        yield chunk;
      }
    },
    tar,
  );
  // The loop below sees the same failure; without this it would also be an unhandled rejection.
  feeding.catch(() => {});
  try {
    for await (const entry of tar) {
      const { name, type, mode, size = 0 } = entry.header;
      end = (entry.header as { byteOffset?: number }).byteOffset ?? 0;
      end += Math.ceil(size / BLOCK) * BLOCK;
      yield {
        path: name,
        type: type === 'contiguous-file' ? 'file' : (type ?? 'entry of unknown type'),
        executable: ((mode ?? 0) & 0o100) !== 0,
        body: entry as AsyncIterable<Uint8Array>,
      };
      entry.resume();
    }
    await feeding;
  } catch (cause) {
    throw corruptArchive(cause);
  }
  // tar-stream accepts an archive cut between two entries; the two closing blocks of zeros tell it apart.
  if (received < end + 2 * BLOCK) throw corruptArchive('it ends before its closing blocks');
}
