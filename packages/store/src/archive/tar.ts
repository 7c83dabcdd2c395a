// tar: reads ustar, PAX and GNU names, writes what Python's tarfile reads.
import { once } from 'node:events';
import { pipeline } from 'node:stream/promises';
import { extract, pack, type Header } from 'tar-stream';
import type { ArchiveEntry } from './entry.ts';
import { corruptArchive } from './errors.ts';
import type { PackItem } from './pack-item.ts';
import { counted, toReadable } from './through.ts';

const BLOCK = 512;

/** tar-stream also says where an entry's body begins, and has no type for unknown entries. */
type LocatedHeader = Omit<Header, 'type'> & { readonly type: Header['type'] | null; readonly byteOffset: number };

/** @throws EKIBEN_ARCHIVE_CORRUPT when it is damaged or ends early */
export async function* readTar(source: AsyncIterable<Uint8Array>): AsyncGenerator<ArchiveEntry> {
  let received = 0;
  let end = 0;
  // Also the oldest format, which has no magic; the option is missing in the types.
  const tar = extract({ allowUnknownFormat: true } as object);
  const feeding = pipeline(toReadable(counted(source, (bytes) => (received += bytes))), tar);
  let failure: unknown;
  feeding.catch((error: unknown) => (failure = error));
  // When the source fails, tar-stream only says that it was destroyed.
  const explain = async (error: unknown): Promise<Error> => {
    await feeding.catch(() => {});
    return corruptArchive(failure ?? error);
  };
  const body = async function* (entry: AsyncIterable<unknown>): AsyncGenerator<Uint8Array> {
    try {
      yield* entry as AsyncIterable<Uint8Array>;
    } catch (error) {
      throw await explain(error);
    }
  };
  try {
    for await (const entry of tar) {
      const header = entry.header as LocatedHeader;
      end = header.byteOffset + Math.ceil(header.size / BLOCK) * BLOCK;
      yield {
        path: header.name,
        type: typeOf(header),
        executable: (header.mode & 0o100) !== 0,
        body: body(entry),
      };
      entry.resume();
    }
    await feeding;
  } catch (error) {
    throw await explain(error);
  }
  // tar-stream accepts an archive cut between two entries; the two closing blocks of zeros tell it apart.
  if (received < end + 2 * BLOCK) throw corruptArchive('it ends before its closing blocks');
}

function typeOf({ name, type, pax }: LocatedHeader): string {
  // PAX calls it a file, but its body is a map of the holes and what lies between them.
  if (Object.keys(pax ?? {}).some((key) => key.startsWith('GNU.sparse.'))) return 'sparse file';
  // The oldest format has no type for directories, only this.
  if (type === 'file' && name.endsWith('/')) return 'directory';
  return type === 'contiguous-file' ? 'file' : (type ?? 'record of unknown type');
}

/**
 * @param mtime - of every entry, so that the same content makes the same archive
 * @param scratch - what files are read through: each piece then holds only until the next one is asked for
 */
export async function* writeTar(
  items: Iterable<PackItem>,
  mtime: Date,
  scratch?: Uint8Array,
): AsyncGenerator<Uint8Array> {
  for (const item of items) {
    yield await header(item, mtime);
    if (item.type === 'directory') continue;
    yield* item.body(scratch);
    const over = item.size % BLOCK;
    if (over !== 0) yield new Uint8Array(BLOCK - over);
  }
  yield new Uint8Array(2 * BLOCK);
}

/** What stands before a body, by tar-stream. The body itself goes past it, whose streams take as long as reading and writing do. */
async function header({ path, type, size, executable }: PackItem, mtime: Date): Promise<Uint8Array> {
  const tar = pack();
  const mode = type === 'directory' || executable ? 0o755 : 0o644;
  tar.entry({ name: type === 'directory' ? `${path}/` : path, type, size, mode, mtime });
  await once(tar, 'readable');
  const blocks: Uint8Array[] = [];
  for (let block = tar.read() as Uint8Array | null; block !== null; block = tar.read() as Uint8Array | null) {
    blocks.push(block);
  }
  tar.destroy();
  return Buffer.concat(blocks);
}
