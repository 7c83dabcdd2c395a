// Files of this machine, and the standard streams.
import { createReadStream } from 'node:fs';
import { mkdir, open, realpath, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { EkibenError } from '@ekiben/spec';
import { CHUNK_BYTES, stoppable } from '../archive/through.ts';
import { hasCode, ifThere, isSpecialFile, writeFully } from '../files.ts';
import { newOwnerName } from '../owner.ts';
import type { ByteSource } from './transport.ts';

/** @throws EKIBEN_PATH_NOT_FOUND */
export async function readLocalFile(path: string): Promise<ByteSource> {
  const stats = await ifThere(stat(path));
  if (stats === undefined) throw notFound(`there is no file at ${path}`);
  return {
    body: createReadStream(path, { highWaterMark: CHUNK_BYTES }),
    size: stats.isFile() ? stats.size : undefined,
  };
}

/**
 * Writes beside `path` and moves there at the end, so that a failure leaves what was there. What cannot be replaced, such as a pipe
 * or `/dev/stdout`, is written to as it is.
 * @throws EKIBEN_PATH_NOT_FOUND, EKIBEN_DISK_FULL
 */
export async function writeLocalFile(
  path: string,
  body: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): Promise<void> {
  try {
    if (await isSpecialFile(path)) return await fill(path, 'w', body, signal);
    // A link goes on to be one.
    const target = (await ifThere(realpath(path))) ?? path;
    const partial = join(dirname(target), `.${basename(target)}.${newOwnerName()}.partial`);
    try {
      await fill(partial, 'wx', body, signal);
      await rename(partial, target);
    } catch (error) {
      await rm(partial, { force: true });
      throw error;
    }
  } catch (error) {
    throw explain(error, path);
  }
}

async function fill(
  path: string,
  flags: 'w' | 'wx',
  body: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const file = await open(path, flags);
  try {
    for await (const chunk of stoppable(body, signal)) await writeFully(file, chunk);
    if (flags === 'wx') await file.sync();
  } finally {
    await file.close();
  }
}

/** Writes a directory beside `path` through `fill` and moves it there at the end. @throws EKIBEN_PATH_NOT_FOUND, EKIBEN_PATH_EXISTS */
export async function writeLocalFolder(path: string, fill: (dir: string) => Promise<void>): Promise<void> {
  const partial = join(dirname(path), `.${basename(path)}.${newOwnerName()}.partial`);
  try {
    await mkdir(partial);
    await fill(partial);
    // Onto an empty directory, too; onto anything else it fails.
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw explain(error, path);
  }
}

export function readStandardInput(): ByteSource {
  return { body: process.stdin };
}

export async function writeStandardOutput(
  body: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): Promise<void> {
  await pipeline(body, process.stdout, { end: false, ...abortable(signal) });
}

function abortable(signal: AbortSignal | undefined): { readonly signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}

function explain(error: unknown, path: string): unknown {
  if (hasCode(error, 'ENOENT'))
    return notFound(`there is no directory ${dirname(path)} to write ${basename(path)} into`);
  if (hasCode(error, 'ENOTEMPTY', 'EEXIST', 'ENOTDIR', 'EISDIR')) {
    return new EkibenError('EKIBEN_PATH_EXISTS', `${path} is there already; remove it, or choose another path`);
  }
  if (hasCode(error, 'ENOSPC', 'EDQUOT')) {
    return new EkibenError('EKIBEN_DISK_FULL', `no space is left to write ${path}; nothing was written`, {
      cause: error,
    });
  }
  return error;
}

function notFound(message: string): EkibenError {
  return new EkibenError('EKIBEN_PATH_NOT_FOUND', message);
}
