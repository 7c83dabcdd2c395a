// The ground that both stores stand on: a kind of item in a layout of directories, and how one item is read.
import { stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { EkibenError } from '@ekiben/spec';
import { explainDiskError, hasCode, ifThere, readNames, readTextIfThere, replaceFile } from './files.ts';
import { newestFirst, type ItemFacts, type ItemInfo, type ItemKind, type Listed, type Stored } from './kind.ts';
import type { Layout } from './layout.ts';
import { MANIFEST_MAX_BYTES } from './limits.ts';
import { readThroughIndex } from './list-index.ts';
import { formatTag } from './tag.ts';
import { invalidManifest } from './yaml.ts';

export interface Ground<Info extends ItemInfo = ItemInfo, Facts extends ItemFacts = ItemFacts> {
  readonly kind: ItemKind<Info, Facts>;
  readonly layout: Layout;
}

/** What reading a manifest needs to know of a kind. */
export type ManifestKind<Info extends ItemInfo> = Pick<ItemKind<Info, ItemFacts>, 'manifest' | 'read'>;

/** @throws EKIBEN_MANIFEST_INVALID, also when the version is not there */
export async function readItem<Info extends ItemInfo>(
  { kind, layout }: Ground<Info>,
  name: string,
  version: string,
): Promise<Stored<Info>> {
  const path = layout.item(name, version);
  const where = join(path, kind.manifest);
  const info = await readManifestIn(kind, path, where);
  if (info.name !== name || info.version !== version) {
    throw invalidManifest(where, `it describes '${info.tag}', but lies where '${formatTag(name, version)}' belongs`);
  }
  return { ...info, path };
}

/**
 * @param where - names the manifest in errors
 * @throws EKIBEN_MANIFEST_INVALID
 */
export async function readManifestIn<Info extends ItemInfo>(
  kind: ManifestKind<Info>,
  dir: string,
  where: string,
): Promise<Info> {
  const path = join(dir, kind.manifest);
  const stats = await ifThere(stat(path));
  if (stats !== undefined && stats.size > MANIFEST_MAX_BYTES) {
    throw invalidManifest(where, `it is larger than ${MANIFEST_MAX_BYTES} bytes`);
  }
  const text = stats?.isFile() === true ? await readTextIfThere(path) : undefined;
  if (text !== undefined) return kind.read(text, where);
  const names = (await readNames(dir)).slice(0, 5);
  const instead = names.length === 0 ? 'there are no files at all' : `there is ${names.join(', ')}`;
  throw new EkibenError('EKIBEN_MANIFEST_INVALID', `${basename(where)} is missing; ${instead}`);
}

/** Every complete version of one name or of all, newest first. One that Python is still writing is not complete. */
export async function listItems<Info extends ItemInfo, Facts extends ItemFacts>(
  ground: Ground<Info, Facts>,
  name?: string,
): Promise<Listed<Facts>[]> {
  const { kind, layout } = ground;
  const { entries, text } = await readThroughIndex<Facts>(layout, name, async (each, version) => {
    try {
      return kind.facts(await readItem(ground, each, version));
    } catch (error) {
      if (EkibenError.is(error)) return undefined;
      throw error;
    }
  });
  if (text !== undefined) await ifDiskAllows(replaceFile(layout.index, text, layout.drafts, { durable: false }));
  return newestFirst(entries.map((entry) => kind.list(entry, entry.facts)));
}

/** A step that a reader may do without: its index or its tidying up. */
export async function ifDiskAllows<T>(step: Promise<T>): Promise<T | undefined> {
  try {
    return await step;
  } catch (error) {
    if (hasCode(error, 'EACCES', 'EPERM', 'EROFS', 'ENOSPC', 'EDQUOT', 'EXDEV')) return undefined;
    throw error;
  }
}

/** A step that changes the store; says so when the disk does not let it. */
export async function changing<T>(layout: Layout, step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    throw explainDiskError(error, layout.home);
  }
}
