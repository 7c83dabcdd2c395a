// Takes a version out of the store: one rename, then the tidying up.
import { rm, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { readDigestsLeniently } from './digests.ts';
import { discardDraft, removedItem } from './draft.ts';
import { ifThere, makeDirectory } from './files.ts';
import { ifDiskAllows, type Ground } from './ground.ts';
import { refreshLatest } from './latest.ts';
import { withLock } from './lock.ts';
import { releaseObjects } from './objects.ts';
import { newOwnerName } from './owner.ts';
import type { ResolvedTag } from './resolve.ts';

/** Whether it was still there: another process may have been faster. */
export async function removeItem(ground: Ground, item: ResolvedTag): Promise<boolean> {
  const { layout } = ground;
  const root = join(layout.drafts, newOwnerName());
  const removed = removedItem(root, item);
  const digestFile = layout.digests(item.name, item.version);
  try {
    await makeDirectory(dirname(removed));
    const digests = await readDigestsLeniently(digestFile);
    const done = await withLock(layout.lock(item.name), layout.drafts, async () => {
      const moved = await ifThere(rename(layout.item(item.name, item.version), removed).then(() => true));
      if (moved !== true) return false;
      await rm(digestFile, { force: true });
      // A full disk must not keep anybody from deleting: without the file, readers look for the newest themselves.
      const refreshed = await ifDiskAllows(refreshLatest(ground, item.name).then(() => true));
      if (refreshed === undefined) await rm(layout.latest(item.name), { force: true });
      return true;
    });
    await discardDraft(root);
    if (digests !== undefined) await releaseObjects(layout.objects, digests);
    return done;
  } catch (error) {
    await discardDraft(root);
    throw error;
  }
}
