// Models of a bento: BentoML 1.0 keeps copies inside the bento; since 1.1 they lie in the model store and travel with the archive.
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { PackItem } from './archive/pack-item.ts';
import type { BentoInfo } from './bento-manifest.ts';
import type { Outcome } from './commit.ts';
import type { DirectoryStore } from './directory-store.ts';
import type { StoreDraft } from './draft.ts';
import { packItems } from './export.ts';
import { isDirectory, readNames, makeDirectory } from './files.ts';
import type { ItemFacts, Stored } from './kind.ts';
import { directoryNames } from './list-index.ts';
import type { ModelInfo } from './model-manifest.ts';
import { LATEST, parseTag } from './tag.ts';

/** Inside a bento and its archive, laid out like the model store. */
const MODELS_DIR = 'models';

type Models = DirectoryStore<ModelInfo, ItemFacts & { readonly module: string }>;

/** Whether the bento itself holds its models: ours and those of BentoML 1.0 do, and are served from there. */
export function keepsModels({ node, bentomlVersion }: BentoInfo): boolean {
  return node !== undefined || /^[01]\.0\b/.test(bentomlVersion);
}

/** Moves the models that came with a bento from its draft into the model store. */
export async function moveModelsOut(
  draft: StoreDraft,
  models: Models,
  force: boolean,
): Promise<{ readonly tag: string; readonly outcome: Outcome }[]> {
  const root = join(draft.dir, MODELS_DIR);
  const moved: { readonly tag: string; readonly outcome: Outcome }[] = [];
  for (const name of directoryNames(root)) {
    for (const version of directoryNames(join(root, name))) {
      const { item, outcome } = await models.add((target) => moveFiles(join(root, name, version), target.dir), force);
      moved.push({ tag: item.tag, outcome });
    }
  }
  await rm(root, { recursive: true, force: true });
  return moved;
}

/** What an archive of the bento needs of the model store. */
export async function packModels(bento: Stored<BentoInfo>, models: Models): Promise<PackItem[]> {
  const items: PackItem[] = [];
  for (const tag of bento.models) {
    const { name, version = LATEST } = parseTag(tag);
    const inside = `${MODELS_DIR}/${name}/${version}`;
    if (await isDirectory(join(bento.path, inside))) continue;
    const model = await models.get(tag);
    items.push(directory(inside), ...(await packItems(model.path, models.ground.kind.manifest, `${inside}/`)));
  }
  return items.length === 0 ? [] : [directory(MODELS_DIR), ...items];
}

function directory(path: string): PackItem {
  return {
    path,
    type: 'directory',
    size: 0,
    executable: false,
    body: () => {
      throw new TypeError(`${path} is a directory`);
    },
  };
}

async function moveFiles(from: string, to: string): Promise<void> {
  await makeDirectory(to);
  for (const name of await readNames(from)) await rename(join(from, name), join(to, name));
}
