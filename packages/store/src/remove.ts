// Takes a version out of the store: one rename, then the tidying up.
import { mkdir, rm, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { readDigestsLeniently } from './digests.ts';
import { discardDraft, removedItem } from './draft.ts';
import { ifThere } from './files.ts';
import type { Ground } from './ground.ts';
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
    await mkdir(dirname(removed), { recursive: true });
    const digests = await readDigestsLeniently(digestFile);
    const done = await withLock(layout.lock(item.name), layout.drafts, async () => {
      const moved = await ifThere(rename(layout.item(item.name, item.version), removed).then(() => true));
      if (moved !== true) return false;
      await rm(digestFile, { force: true });
      await refreshLatest(ground, item.name);
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
