// Equal files are stored once: each lies under its digest in `objects`, and the versions that have it are hard links to it.
//
// A version owns its links like any file; deleting one never touches another. An object that no version links to any more has one
// link left, its own, and is removed.
import { link, rename, stat, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { walk } from './archive/folder.ts';
import type { Digests } from './digests.ts';
import { hashFile, hasCode, ifThere, readNames, type FileDigest, makeDirectory } from './files.ts';

/** Smaller files fit into one block of most file systems: nothing to gain. */
const SHARED_FROM_BYTES = 4096;

/** Where hard links are not to be had, files are simply stored as often as they come. */
const NO_LINKS = ['EPERM', 'EACCES', 'EXDEV', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'];

/** Replaces files of a draft by links to equal files that are in the store. `scratch` is a path for a temporary link. */
export async function shareFiles(dir: string, digests: Digests, objects: string, scratch: string): Promise<void> {
  for await (const { path, source, executable, type } of walk(dir)) {
    const digest = digests.get(path);
    if (type !== 'file' || digest === undefined || digest.size < SHARED_FROM_BYTES) continue;
    try {
      await shareFile(source, objectPath(objects, digest, executable), digest, scratch);
    } catch (error) {
      if (hasCode(error, ...NO_LINKS)) return;
      throw error;
    }
  }
}

async function shareFile(file: string, object: string, digest: FileDigest, scratch: string): Promise<void> {
  await makeDirectory(dirname(object));
  try {
    return await link(file, object);
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error;
  }
  const found = await ifThere(hashFile(object));
  if (found?.sha256 === digest.sha256 && found.size === digest.size) {
    // Undefined when it has just been removed, with the last version that had it; then this file is stored on its own.
    if ((await ifThere(link(object, scratch).then(() => true))) === true) await rename(scratch, file);
    return;
  }
  // An object that was damaged on the disk must not spread.
  await ifThere(unlink(object));
  await link(file, object);
}

/** Removes the objects that nothing links to any more, of those that a deleted item had. */
export async function releaseObjects(objects: string, digests: Digests): Promise<void> {
  for (const digest of digests.values()) {
    for (const executable of [false, true]) await removeIfUnused(objectPath(objects, digest, executable));
  }
}

/** Removes all objects that nothing links to, and says how many bytes that freed. */
export async function pruneObjects(objects: string): Promise<number> {
  let freed = 0;
  for (const group of await readNames(objects)) {
    for (const name of await readNames(join(objects, group))) freed += await removeIfUnused(join(objects, group, name));
  }
  return freed;
}

async function removeIfUnused(object: string): Promise<number> {
  const stats = await ifThere(stat(object));
  if (stats === undefined || stats.nlink > 1) return 0;
  await ifThere(unlink(object));
  return stats.size;
}

/** The permission is the file's, not the link's, so executables are kept apart. */
function objectPath(objects: string, digest: FileDigest, executable: boolean): string {
  return join(objects, digest.sha256.slice(0, 2), executable ? `${digest.sha256}.x` : digest.sha256);
}
