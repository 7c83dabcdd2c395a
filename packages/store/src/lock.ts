// A lock between processes that survives the death of its holder.
//
// The lock is a directory with one file in it, named after its holder. Taking it is one rename: a prepared directory moves onto
// `path`, which fails while a directory with something in it is there. Breaking a dead holder's lock is one unlink of its file,
// whose name no later holder shares; so two processes can break the same lock without breaking a third one's.
import { mkdir, readdir, rename, rm, rmdir, stat, unlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { EkibenError } from '@ekiben/spec';
import { hasCode, ifThere, isMissing, makeDirectory } from './files.ts';
import { newOwnerName, ownerState } from './owner.ts';

/** A lock is held for a few renames; even on a slow network disk that is far less. Applies to holders on other machines only. */
const ABANDONED_AFTER_MS = 30_000;

/** Longer than it takes for another machine's lock to count as abandoned. */
const GIVE_UP_AFTER_MS = 60_000;

const RETRY_MS = 4;

/**
 * Runs `work` while nobody else holds the lock at `path`.
 * @param scratch - a directory on the same file system, where names of owners are cleaned up after a crash
 * @throws EKIBEN_STORE_LOCKED after a minute
 */
export async function withLock<T>(path: string, scratch: string, work: () => Promise<T>): Promise<T> {
  const owner = newOwnerName();
  const prepared = join(scratch, owner);
  await makeDirectory(dirname(path));
  await makeDirectory(scratch);
  await mkdir(prepared);
  try {
    await writeFile(join(prepared, owner), '');
    await acquire(path, prepared);
  } catch (error) {
    await rm(prepared, { recursive: true, force: true });
    throw error;
  }
  try {
    return await work();
  } finally {
    await ignoringRaces(unlink(join(path, owner)));
    await ignoringRaces(rmdir(path));
  }
}

async function acquire(path: string, prepared: string): Promise<void> {
  const giveUp = Date.now() + GIVE_UP_AFTER_MS;
  for (;;) {
    try {
      return await rename(prepared, path);
    } catch (error) {
      if (!isTaken(error)) throw error;
    }
    const holder = await currentHolder(path);
    if (holder !== undefined && (await isAbandoned(path, holder))) {
      await ignoringRaces(unlink(join(path, holder)));
      await ignoringRaces(rmdir(path));
      continue;
    }
    if (Date.now() > giveUp) {
      throw new EkibenError(
        'EKIBEN_STORE_LOCKED',
        `the store is locked by another process (${holder ?? 'unknown'}) at ${path}; if no such process runs, remove that directory`,
      );
    }
    await sleep(RETRY_MS * (1 + Math.random()));
  }
}

async function currentHolder(path: string): Promise<string | undefined> {
  return (await ifThere(readdir(path)))?.[0];
}

async function isAbandoned(path: string, holder: string): Promise<boolean> {
  const state = ownerState(holder);
  if (state !== 'unknown') return state === 'dead';
  const stats = await ifThere(stat(join(path, holder)));
  return stats !== undefined && Date.now() - stats.mtimeMs > ABANDONED_AFTER_MS;
}

/** Windows says EPERM or EACCES where others say that the directory is not empty. */
function isTaken(error: unknown): boolean {
  return hasCode(error, 'ENOTEMPTY', 'EEXIST') || (process.platform === 'win32' && hasCode(error, 'EPERM', 'EACCES'));
}

/** Somebody else was faster, or took the lock in between: both are fine. */
async function ignoringRaces(step: Promise<void>): Promise<void> {
  try {
    await step;
  } catch (error) {
    if (!isMissing(error) && !isTaken(error)) throw error;
  }
}
