// File-system steps whose failure or interruption must leave no damage.
import { createHash } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm, stat, writeFile, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { EkibenError } from '@ekiben/spec';
import { readChunks } from './archive/folder.ts';
import { newOwnerName } from './owner.ts';

/** One file's content, as digests record it. */
export interface FileDigest {
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
}

/** Writes a new file, through to the disk, hashing on the way. */
export async function writeNewFile(
  path: string,
  body: AsyncIterable<Uint8Array>,
  executable = false,
): Promise<FileDigest> {
  const hash = createHash('sha256');
  let size = 0;
  const file = await open(path, 'wx', executable ? 0o755 : 0o644);
  try {
    for await (const chunk of body) {
      const writing = writeFully(file, chunk);
      hash.update(chunk);
      size += chunk.length;
      await writing;
    }
    await file.sync();
  } finally {
    await file.close();
  }
  return { sha256: hash.digest('hex'), size };
}

/** `FileHandle.write` may write less than it was given. */
export async function writeFully(file: FileHandle, bytes: Uint8Array): Promise<void> {
  let rest = bytes;
  while (rest.length > 0) rest = rest.subarray((await file.write(rest)).bytesWritten);
}

export async function hashFile(path: string): Promise<FileDigest> {
  const hash = createHash('sha256');
  let size = 0;
  for await (const chunk of readChunks(path)) {
    hash.update(chunk);
    size += chunk.length;
  }
  return { sha256: hash.digest('hex'), size };
}

export async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Makes renames and new names in a directory last through a power cut. Windows cannot, and need not. */
export async function syncDirectory(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/**
 * Replaces a small file at once: a reader sees the old text or the new one.
 * @param scratch - a directory on the same file system
 * @param options - `durable`: whether the new text must outlive a power cut @default true
 */
export async function replaceFile(
  path: string,
  text: string,
  scratch: string,
  { durable = true }: { readonly durable?: boolean } = {},
): Promise<void> {
  const fresh = join(scratch, newOwnerName());
  await makeDirectory(scratch);
  try {
    await writeFile(fresh, text, { flag: 'wx', flush: durable });
    await makeDirectory(dirname(path));
    await rename(fresh, path);
  } catch (error) {
    await rm(fresh, { force: true });
    throw error;
  }
}

/** Another process may remove an empty directory between two steps of ours; one that is a link to nothing never appears. */
const MAKE_ATTEMPTS = 8;

/**
 * A directory with all above it. (`mkdir` with `recursive` says ENOENT where the disk is full or read-only.)
 */
export async function makeDirectory(path: string, attempts = MAKE_ATTEMPTS): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return;
    if (!hasCode(error, 'ENOENT') || attempts === 0 || dirname(path) === path) throw error;
    await makeDirectory(dirname(path), attempts);
    await makeDirectory(path, attempts - 1);
  }
}

/** The names in a directory; none when it is not there. */
export async function readNames(path: string): Promise<string[]> {
  return (await ifThere(readdir(path))) ?? [];
}

export async function readTextIfThere(path: string): Promise<string | undefined> {
  return ifThere(readFile(path, 'utf8'));
}

export async function isDirectory(path: string): Promise<boolean> {
  return (await ifThere(stat(path)))?.isDirectory() ?? false;
}

/** A pipe, a device, a terminal: what is written to as it is, and never replaced. */
export async function isSpecialFile(path: string): Promise<boolean> {
  const stats = await ifThere(stat(path));
  return stats !== undefined && !stats.isFile() && !stats.isDirectory();
}

/** Moves `from` to `to` and says whether `from` was there. */
export async function moveIfThere(from: string, to: string): Promise<boolean> {
  await makeDirectory(dirname(to));
  return (await ifThere(rename(from, to).then(() => true))) ?? false;
}

/** What a step gives, or undefined when the file or directory that it needs is missing. */
export async function ifThere<T>(step: Promise<T>): Promise<T | undefined> {
  try {
    return await step;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

export function isMissing(error: unknown): boolean {
  return hasCode(error, 'ENOENT', 'ENOTDIR');
}

export function hasCode(error: unknown, ...codes: string[]): boolean {
  // By shape: under a test runner's realm an error of node's is no `instanceof Error`.
  return codes.includes(String((error as { code?: unknown } | null)?.code));
}

/** A full or read-only disk as an error that says so; others as they are. */
export function explainDiskError(error: unknown, home: string): unknown {
  if (hasCode(error, 'ENOSPC', 'EDQUOT')) {
    return new EkibenError('EKIBEN_STORE_DISK_FULL', `no space is left for the store at ${home}; nothing was changed`, {
      cause: error,
    });
  }
  if (hasCode(error, 'EXDEV')) {
    return new EkibenError(
      'EKIBEN_STORE_NOT_WRITABLE',
      `the store at ${home} cannot be written to: a directory in it is on another file system; mount or link the home as a whole`,
      { cause: error },
    );
  }
  // A home that lies below a file, or where nothing can be made.
  if (hasCode(error, 'ENOTDIR', 'ENOENT', 'ELOOP') && (error as NodeJS.ErrnoException).syscall === 'mkdir') {
    return new EkibenError(
      'EKIBEN_STORE_NOT_WRITABLE',
      `the store at ${home} cannot be written to: there can be no such directory`,
      { cause: error },
    );
  }
  if (hasCode(error, 'EACCES', 'EPERM', 'EROFS')) {
    const { path = home } = error as NodeJS.ErrnoException;
    return new EkibenError(
      'EKIBEN_STORE_NOT_WRITABLE',
      `the store at ${home} cannot be written to: ${path} is read-only`,
      {
        cause: error,
      },
    );
  }
  return error;
}
