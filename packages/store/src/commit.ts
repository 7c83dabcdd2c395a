// Moves a finished draft into the store.
import { rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { EkibenError } from '@ekiben/spec';
import { compareDigests, digestsText, digestTree, readDigestsLeniently, type Digests } from './digests.ts';
import { draftDigests, removedItem, sealDraft, writeDraftDigests, type StoreDraft } from './draft.ts';
import { hasCode, ifThere, isDirectory, replaceFile, syncDirectory, makeDirectory } from './files.ts';
import { readItem, readManifestIn, ifDiskAllows, type Ground } from './ground.ts';
import { isNewest, type ItemInfo, type Stored } from './kind.ts';
import { readLatest, refreshLatest, writeLatest } from './latest.ts';
import { withLock } from './lock.ts';
import { releaseObjects } from './objects.ts';
import { requireNewTag } from './tag.ts';

const MOVE_ATTEMPTS = 3;

/** `unchanged`: an item of the same tag and content was there already. */
export type Outcome = 'added' | 'unchanged' | 'replaced';

export interface Committed<Info> {
  readonly item: Stored<Info>;
  readonly outcome: Outcome;
}

/**
 * @param force - replaces an item of the same tag and other content
 * @throws EKIBEN_ALREADY_EXISTS, EKIBEN_TAG_INVALID, EKIBEN_MANIFEST_INVALID, EKIBEN_ARCHIVE_ENTRY_REFUSED
 */
export async function commitDraft<Info extends ItemInfo>(
  ground: Ground<Info>,
  draft: StoreDraft,
  force: boolean,
): Promise<Committed<Info>> {
  const { kind, layout } = ground;
  const info = await readManifestIn(kind, draft.dir, kind.manifest);
  requireNewTag(info.name, info.version);
  const digests = await sealDraft(draft, layout.objects);
  const target = layout.item(info.name, info.version);
  for (;;) {
    const taken = await isDirectory(target);
    if (taken) {
      if (await hasContent(ground, info, digests)) return { item: { ...info, path: target }, outcome: 'unchanged' };
      if (!force) {
        throw new EkibenError(
          'EKIBEN_ALREADY_EXISTS',
          `${kind.noun} '${info.tag}' is already in the store at ${layout.items}, with other content`,
          { details: { tag: info.tag } },
        );
      }
    }
    await writeDraftDigests(draft, info, digests);
    const moved = await withLock(layout.lock(info.name), layout.drafts, async () => moveIn(ground, draft, info, taken));
    if (moved) return { item: { ...info, path: target }, outcome: taken ? 'replaced' : 'added' };
    // Somebody added or removed the same version between the look and the lock.
  }
}

/**
 * Under the name's lock. The rename of `content` is the change: what comes before it has no effect on what readers find, and what
 * comes after it is done by the next command if this process dies. What fails is undone.
 * @returns false when the target is not as it was
 */
async function moveIn(ground: Ground, draft: StoreDraft, info: ItemInfo, replacing: boolean): Promise<boolean> {
  const { layout } = ground;
  const { name, version } = info;
  const target = layout.item(name, version);
  const removed = removedItem(draft.root, info);
  if ((await isDirectory(target)) !== replacing) return false;
  const oldDigests = replacing ? await readDigestsLeniently(layout.digests(name, version)) : undefined;
  const before = await settledLatest(ground, name);
  const newest = !replacing && (await isNewerThan(ground, info, before));
  const undo: (() => Promise<unknown>)[] = [];
  try {
    if (replacing) {
      await moveInto(target, removed);
      undo.push(() => rename(removed, target));
    } else if (newest) {
      // Until the rename the file names nothing, so that readers look for the newest themselves and find the old one.
      await writeLatest(ground, name, version);
    }
    await moveInto(draft.dir, target);
    undo.push(() => rename(target, draft.dir));
    await syncDirectory(layout.name(name));
    // Python may have found the file naming nothing, and have put the old version back.
    const latest = await readLatest(ground, name);
    if (replacing || latest !== (newest ? version : before)) await refreshLatest(ground, name);
    await moveInto(draftDigests(draft.root, info), layout.digests(name, version));
  } catch (error) {
    for (const step of undo.toReversed()) await step();
    await ifDiskAllows(refreshLatest(ground, name));
    // Python, which knows no locks, has just written the same version.
    if (hasCode(error, 'ENOTEMPTY', 'EEXIST')) return false;
    throw error;
  }
  if (oldDigests !== undefined) await releaseObjects(layout.objects, oldDigests);
  return true;
}

/** Python removes a name's directory together with its last version, perhaps just now. */
async function moveInto(from: string, to: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    await makeDirectory(dirname(to));
    try {
      return await rename(from, to);
    } catch (error) {
      if (attempt === MOVE_ATTEMPTS || !hasCode(error, 'ENOENT')) throw error;
    }
  }
}

/** The newest version, with the file made to say so. */
async function settledLatest(ground: Ground, name: string): Promise<string | undefined> {
  const latest = await readLatest(ground, name);
  if (latest !== undefined) return latest;
  await refreshLatest(ground, name);
  return readLatest(ground, name);
}

async function isNewerThan(ground: Ground, info: ItemInfo, latest: string | undefined): Promise<boolean> {
  if (latest === undefined) return true;
  try {
    return isNewest(info, await readItem(ground, info.name, latest));
  } catch (error) {
    // A damaged manifest of another version must not keep this one out.
    if (EkibenError.is(error)) return true;
    throw error;
  }
}

/** Also records digests of what Python wrote, once it is known to be equal. */
async function hasContent({ layout }: Ground, { name, version }: ItemInfo, digests: Digests): Promise<boolean> {
  const found = await ifThere(digestTree(layout.item(name, version)));
  if (found === undefined || compareDigests(digests, found).length > 0) return false;
  const recorded = await readDigestsLeniently(layout.digests(name, version));
  if (recorded === undefined || compareDigests(recorded, digests).length > 0) {
    await replaceFile(layout.digests(name, version), digestsText(digests), layout.drafts);
  }
  return true;
}
