// Compares what lies in the store with the digests that were recorded when it came.
import { EkibenError } from '@ekiben/spec';
import { compareDigests, digestsText, digestTree, readDigests, type FileFault } from './digests.ts';
import { replaceFile } from './files.ts';
import { readItem, type Ground } from './ground.ts';
import { directoryNames } from './list-index.ts';
import { formatTag } from './tag.ts';
import type { ResolvedTag } from './resolve.ts';

export interface Verification {
  /** `name:version` */
  readonly tag: string;
  /** `unrecorded`: Python saved it, so there is nothing to compare with. */
  readonly state: 'intact' | 'damaged' | 'unrecorded';
  /** What is wrong, by file; empty unless damaged. */
  readonly faults: readonly FileFault[];
  /** What is wrong with the manifest or with the record itself. */
  readonly problem?: string | undefined;
}

/** @param record - records the digests of what has none yet, as it is now */
export async function verifyItem(
  ground: Ground,
  { name, version }: ResolvedTag,
  record: boolean,
): Promise<Verification> {
  const { layout } = ground;
  const tag = formatTag(name, version);
  try {
    await readItem(ground, name, version);
    const recorded = await readDigests(layout.digests(name, version));
    const found = await digestTree(layout.item(name, version));
    if (recorded !== undefined) {
      const faults = compareDigests(recorded, found);
      return { tag, state: faults.length === 0 ? 'intact' : 'damaged', faults };
    }
    if (record) await replaceFile(layout.digests(name, version), digestsText(found), layout.drafts);
    return { tag, state: 'unrecorded', faults: [] };
  } catch (error) {
    if (!EkibenError.is(error)) throw error;
    const recorded = await readDigests(layout.digests(name, version)).catch(() => undefined);
    const found = await digestTree(layout.item(name, version));
    const faults = recorded === undefined ? [] : compareDigests(recorded, found);
    return { tag, state: 'damaged', faults, problem: error.message };
  }
}

/** Every version directory, readable or not. */
export function allVersions({ layout }: Ground, name?: string): ResolvedTag[] {
  const names = name === undefined ? directoryNames(layout.items).toSorted() : [name];
  return names.flatMap((each) =>
    directoryNames(layout.name(each))
      .toSorted()
      .map((version) => ({ name: each, version })),
  );
}
