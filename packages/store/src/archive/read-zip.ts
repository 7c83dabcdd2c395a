// Reads zip from a file, since its table of contents comes last.
import { crc32 } from 'node:zlib';
import { getFileNameLowLevel, openPromise, type Entry, type ZipFile } from 'yauzl';
import type { ArchiveEntry } from './entry.ts';
import { corruptArchive } from './errors.ts';

/** Unix file types, in the upper half of the external attributes. */
const TYPE_MASK = 0o170000;
const TYPES: Readonly<Record<number, string>> = {
  0o010000: 'fifo',
  0o020000: 'character-device',
  0o040000: 'directory',
  0o060000: 'block-device',
  0o120000: 'symlink',
  0o140000: 'socket',
};

/** @throws EKIBEN_ARCHIVE_CORRUPT when it is damaged, cut short or encrypted */
export async function* readZip(path: string): AsyncGenerator<ArchiveEntry> {
  let zip: ZipFile | undefined;
  try {
    // Names are decoded here, not by yauzl, which would hide what the guard has to see.
    zip = await openPromise(path, { lazyEntries: true, decodeStrings: false, autoClose: false });
    for await (const entry of zip.eachEntry()) {
      const mode = entry.externalFileAttributes >>> 16;
      const name = fileName(entry);
      const directory = name.endsWith('/');
      yield {
        path: name,
        type: TYPES[mode & TYPE_MASK] ?? (directory ? 'directory' : 'file'),
        executable: (mode & 0o100) !== 0,
        body: directory ? nothing() : readEntry(zip, entry),
      };
    }
  } catch (cause) {
    throw corruptArchive(cause);
  } finally {
    zip?.close();
  }
}

function fileName(entry: Entry): string {
  const raw = entry.fileName as unknown as Buffer;
  const extra = entry.extraFields as { id: number; data: Buffer }[];
  return getFileNameLowLevel(entry.generalPurposeBitFlag, raw, extra, true);
}

/** yauzl checks sizes, not checksums. */
async function* readEntry(zip: ZipFile, entry: Entry): AsyncGenerator<Uint8Array> {
  if (entry.isEncrypted()) throw corruptArchive('it is encrypted');
  let sum = 0;
  try {
    for await (const chunk of (await zip.openReadStreamPromise(entry)) as AsyncIterable<Uint8Array>) {
      sum = crc32(chunk, sum);
      yield chunk;
    }
  } catch (cause) {
    throw corruptArchive(cause);
  }
  if (sum !== entry.crc32) throw corruptArchive(`the checksum of '${fileName(entry)}' differs`);
}

async function* nothing(): AsyncGenerator<Uint8Array> {}
