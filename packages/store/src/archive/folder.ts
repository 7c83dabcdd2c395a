// A directory as the simplest archive; also how a stored item is walked.
import { createReadStream } from 'node:fs';
import { lstat, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Stats } from 'node:fs';
import type { ArchiveEntry } from './entry.ts';
import { CHUNK_BYTES } from './through.ts';

export interface WalkedEntry {
  /** Inside the walked directory, with `/`. */
  readonly path: string;
  readonly type: 'file' | 'directory' | 'symlink' | 'special file';
  /** On disk. */
  readonly source: string;
  /** Bytes of a file, else 0. */
  readonly size: number;
  readonly executable: boolean;
  readonly mtimeMs: number;
}

/** Everything below, directories before what is in them, in a fixed order. Links are not followed. */
export async function* walk(dir: string, prefix = ''): AsyncGenerator<WalkedEntry> {
  for (const name of (await readdir(dir)).toSorted()) {
    const source = join(dir, name);
    const path = `${prefix}${name}`;
    const stats = await lstat(source);
    const type = typeOf(stats);
    const executable = (stats.mode & 0o100) !== 0;
    yield { path, type, source, size: type === 'file' ? stats.size : 0, executable, mtimeMs: stats.mtimeMs };
    if (type === 'directory') yield* walk(source, `${path}/`);
  }
}

function typeOf(stats: Stats): WalkedEntry['type'] {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'directory';
  return stats.isSymbolicLink() ? 'symlink' : 'special file';
}

export async function* readFolder(dir: string): AsyncGenerator<ArchiveEntry> {
  for await (const { path, type, source, executable } of walk(dir)) {
    yield { path, type, executable, body: type === 'file' ? readChunks(source) : nothing() };
  }
}

/**
 * A file's content, piece by piece.
 * @param scratch - what to read through: each piece then holds only until the next one is asked for
 */
export function readChunks(path: string, scratch?: Uint8Array): AsyncIterable<Uint8Array> {
  return scratch === undefined ? createReadStream(path, { highWaterMark: CHUNK_BYTES }) : readThrough(path, scratch);
}

async function* readThrough(path: string, scratch: Uint8Array): AsyncGenerator<Uint8Array> {
  const file = await open(path);
  try {
    for (;;) {
      const { bytesRead } = await file.read(scratch);
      if (bytesRead === 0) return;
      yield scratch.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}

async function* nothing(): AsyncGenerator<Uint8Array> {}
