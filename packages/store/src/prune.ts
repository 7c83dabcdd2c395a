// Frees what no version needs any more: crashes and Python's own deletions leave it behind.
import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isDirectory, readNames } from './files.ts';
import type { Ground } from './ground.ts';
import { withLock } from './lock.ts';
import { pruneObjects } from './objects.ts';
import { recover } from './recover.ts';

export interface Pruned {
  /** Unfinished changes of processes that died. */
  readonly drafts: number;
  /** Digests of versions that are gone. */
  readonly digests: number;
  /** Bytes of files that no version has. */
  readonly bytes: number;
}

export async function prune(ground: Ground): Promise<Pruned> {
  const { layout } = ground;
  const drafts = await recover(ground);
  let digests = 0;
  const root = dirname(dirname(layout.digests('name', 'version')));
  for (const name of await readNames(root)) {
    for (const file of await readNames(join(root, name))) {
      const version = file.replace(/\.json$/, '');
      if (await isDirectory(layout.item(name, version))) continue;
      await withLock(layout.lock(name), layout.drafts, async () => {
        if (await isDirectory(layout.item(name, version))) return;
        await rm(join(root, name, file), { force: true });
        digests++;
      });
    }
  }
  return { drafts, digests, bytes: await pruneObjects(layout.objects) };
}
