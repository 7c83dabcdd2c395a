// A stored item as an archive, in the format that the name or the caller asks for.
import { createGzip } from 'node:zlib';
import { writeBzip2 } from './bzip2.ts';
import type { ArchiveFormat } from './format.ts';
import type { PackItem } from './pack-item.ts';
import { writeTar } from './tar.ts';
import { CHUNK_BYTES, through } from './through.ts';
import { writeXz } from './xz.ts';

export interface PackOptions {
  readonly format: Exclude<ArchiveFormat, 'folder'>;
  /** 0 to 9: how hard to compress. */
  readonly level: number;
  /** Of every entry. */
  readonly mtime: Date;
  /** Whether each piece of the archive is done with before the next one is asked for: a plain tar is then read through one buffer. */
  readonly oneByOne: boolean;
}

/** As large as pays: fresh memory for every piece would cost more than copying it. */
const SCRATCH_BYTES = 1024 * 1024;

export async function* writeArchive(items: Iterable<PackItem>, options: PackOptions): AsyncGenerator<Uint8Array> {
  const { format, level, mtime, oneByOne } = options;
  switch (format) {
    case 'zip': {
      const { writeZip } = await import('./write-zip.ts');
      return yield* writeZip(items, mtime, level);
    }
    case 'tar':
      return yield* writeTar(items, mtime, oneByOne ? new Uint8Array(SCRATCH_BYTES) : undefined);
    case 'gz':
      return yield* through(writeTar(items, mtime), createGzip({ level, chunkSize: CHUNK_BYTES }));
    case 'xz':
      return yield* writeXz(writeTar(items, mtime), level);
    case 'bz2':
      return yield* writeBzip2(writeTar(items, mtime), Math.max(1, level));
  }
}
