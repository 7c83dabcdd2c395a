// After a crash: undoes changes of the store that their process did not finish, finishes those that only lacked the tidying up.
import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { discardDraft, draftDigests, removedItem } from './draft.ts';
import { ifThere, isDirectory, moveIfThere, readNames } from './files.ts';
import type { Ground } from './ground.ts';
import { refreshLatest } from './latest.ts';
import { withLock } from './lock.ts';
import { ownerState } from './owner.ts';

/** Of drafts whose process cannot be asked because it runs on another machine: an import takes hours at most. */
const ABANDONED_AFTER_MS = 24 * 60 * 60 * 1000;

/** @returns how many drafts were cleaned up */
export async function recover(ground: Ground): Promise<number> {
  let recovered = 0;
  for (const owner of await readNames(ground.layout.drafts)) {
    const root = join(ground.layout.drafts, owner);
    if (!(await isAbandoned(owner, root))) continue;
    await recoverDraft(ground, root);
    recovered++;
  }
  return recovered;
}

async function isAbandoned(owner: string, root: string): Promise<boolean> {
  const state = ownerState(owner);
  if (state !== 'unknown') return state === 'dead';
  const stats = await ifThere(stat(root));
  return stats !== undefined && Date.now() - stats.mtimeMs > ABANDONED_AFTER_MS;
}

async function recoverDraft(ground: Ground, root: string): Promise<void> {
  const { layout } = ground;
  const undo = await isDirectory(join(root, 'content'));
  for await (const item of itemsIn(join(root, 'removed'))) {
    await withLock(layout.lock(item.name), layout.drafts, async () => {
      const target = layout.item(item.name, item.version);
      if (undo && !(await isDirectory(target))) await moveIfThere(removedItem(root, item), target);
      if (!(await isDirectory(target))) await rm(layout.digests(item.name, item.version), { force: true });
      await refreshLatest(ground, item.name);
    });
  }
  for await (const { name, version: file } of itemsIn(join(root, 'digests'))) {
    const item = { name, version: file.replace(/\.json$/, '') };
    await withLock(layout.lock(name), layout.drafts, async () => {
      const arrived = !undo && (await isDirectory(layout.item(name, item.version)));
      if (arrived) await moveIfThere(draftDigests(root, item), layout.digests(name, item.version));
      // It may name the version that did not come.
      await refreshLatest(ground, name);
    });
  }
  await discardDraft(root);
}

async function* itemsIn(dir: string): AsyncGenerator<{ readonly name: string; readonly version: string }> {
  for (const name of await readNames(dir)) {
    for (const version of await readNames(join(dir, name))) yield { name, version };
  }
}
