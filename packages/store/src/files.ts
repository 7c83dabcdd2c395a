// File-system steps whose failure or interruption must leave no damage.
import { createHash } from 'node:crypto';
import { mkdir, open, readdir, rename, writeFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { EkibenError } from '@ekiben/spec';

/** One file's content, as digests record it. */
export interface FileDigest {
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
}

/**
 * Writes a new file to the disk itself, hashing on the way.
 * @param grow - told of every chunk, may throw
 */
export async function writeNewFile(
  path: string,
  body: AsyncIterable<Uint8Array>,
  options: { readonly executable?: boolean | undefined; readonly grow?: ((bytes: number) => void) | undefined } = {},
): Promise<FileDigest> {
  const hash = createHash('sha256');
  let size = 0;
  const file = await open(path, 'wx', options.executable === true ? 0o755 : 0o644);
  try {
    for await (const chunk of body) {
      options.grow?.(chunk.length);
      size += chunk.length;
      hash.update(chunk);
      await writeFully(file, chunk);
    }
    await file.sync();
  } finally {
    await file.close();
  }
  return { sha256: hash.digest('hex'), size };
}

/** `FileHandle.write` may write less than it was given. */
async function writeFully(
  file: { write(bytes: Uint8Array): Promise<{ bytesWritten: number }> },
  bytes: Uint8Array,
): Promise<void> {
  let rest = bytes;
  while (rest.length > 0) rest = rest.subarray((await file.write(rest)).bytesWritten);
}

/** Makes renames and new names in a directory last through a power cut. Windows cannot and need not. */
export async function syncDirectory(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

export async function readDirectory(path: string): Promise<{ readonly name: string; isDirectory(): boolean }[]> {
  try {
    return await readdir(path, { withFileTypes: true });
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

/** Replaces a small file at once: a reader sees the old text or the new one. `scratch` is on the same file system. */
export async function replaceFile(path: string, text: string, scratch: string): Promise<void> {
  const fresh = join(scratch, `${process.pid}-${Math.random().toString(36).slice(2)}`);
  await mkdir(scratch, { recursive: true });
  try {
    await writeFile(fresh, text, { flag: 'wx', flush: true });
    await mkdir(dirname(path), { recursive: true });
    await rename(fresh, path);
  } catch (error) {
    await rm(fresh, { force: true });
    throw error;
  }
}

export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

export function isMissing(error: unknown): boolean {
  const code = errorCode(error);
  return code === 'ENOENT' || code === 'ENOTDIR';
}

/** A full disk, as an error that says so; others as they are. */
export function explainDiskError(error: unknown, path: string): unknown {
  const code = errorCode(error);
  if (code !== 'ENOSPC' && code !== 'EDQUOT') return error;
  return new EkibenError('EKIBEN_STORE_DISK_FULL', `no space left for the store at ${path}; nothing was changed`, {
    cause: error,
  });
}
