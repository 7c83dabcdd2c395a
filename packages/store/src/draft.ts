// One directory per change of the store, beside it on the same file system, so that the change itself is a single rename.
//
//   <drafts>/<owner>/content/                       what is to come into the store
//   <drafts>/<owner>/removed/<name>/<version>/      what was taken out of it
//   <drafts>/<owner>/digests/<name>/<version>.json  of `content`
//
// The change is done when `content` has moved into the store; without `content`, when `removed` is there. After a crash the
// directory tells how far its owner came, see recover.ts.
import { rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { EkibenError, type Draft } from '@ekiben/spec';
import { createArchiveGuard } from './archive/entry.ts';
import { walk } from './archive/folder.ts';
import { once } from './archive/through.ts';
import { digestsText, type Digests } from './digests.ts';
import { hashFile, syncDirectory, syncFile, writeNewFile, type FileDigest, makeDirectory } from './files.ts';
import { shareFiles } from './objects.ts';
import { newOwnerName } from './owner.ts';

/** A {@link Draft} that also takes streams. `dir` is its `content`. */
export interface StoreDraft extends Draft {
  readonly root: string;
  add(path: string, body: AsyncIterable<Uint8Array>, executable?: boolean): Promise<void>;
  /** Digests of what came through `write` and `add`, with the file's time then: libraries may write into `dir` by themselves. */
  readonly written: Map<string, FileDigest & { readonly mtimeMs: number }>;
}

export async function openDraft(drafts: string): Promise<StoreDraft> {
  const root = join(drafts, newOwnerName());
  const dir = join(root, 'content');
  await makeDirectory(dir);
  const written: StoreDraft['written'] = new Map();
  const add: StoreDraft['add'] = async (path, body, executable) => {
    const target = join(dir, path);
    await makeDirectory(dirname(target));
    const digest = await writeNewFile(target, body, executable);
    written.set(path, { ...digest, mtimeMs: (await stat(target)).mtimeMs });
  };
  return { root, dir, add, written, write: (name, bytes) => add(requireInside(name), once(bytes)) };
}

/**
 * Makes a draft ready to move in: everything is on the disk, hashed, and shared with equal files of the store.
 * @throws EKIBEN_ARCHIVE_ENTRY_REFUSED for what could not be exported again, such as symbolic links
 */
export async function sealDraft(draft: StoreDraft, objects: string): Promise<Digests> {
  const guard = createArchiveGuard({ maxEntries: Infinity });
  const digests = new Map<string, FileDigest>();
  const directories = [draft.dir];
  for await (const { path, type, source, size, mtimeMs } of walk(draft.dir)) {
    guard.admit({ path, type });
    if (type === 'directory') {
      directories.push(source);
      continue;
    }
    const known = draft.written.get(path);
    if (known?.size === size && known.mtimeMs === mtimeMs) {
      digests.set(path, { sha256: known.sha256, size });
    } else {
      await syncFile(source);
      digests.set(path, await hashFile(source));
    }
  }
  await shareFiles(draft.dir, digests, objects, join(draft.root, 'link'));
  for (const directory of directories) await syncDirectory(directory);
  return digests;
}

export async function writeDraftDigests(
  draft: StoreDraft,
  item: { readonly name: string; readonly version: string },
  digests: Digests,
): Promise<void> {
  const file = draftDigests(draft.root, item);
  await makeDirectory(dirname(file));
  await writeFile(file, digestsText(digests), { flush: true });
}

export function draftDigests(
  root: string,
  { name, version }: { readonly name: string; readonly version: string },
): string {
  return join(root, 'digests', name, `${version}.json`);
}

export function removedItem(
  root: string,
  { name, version }: { readonly name: string; readonly version: string },
): string {
  return join(root, 'removed', name, version);
}

export async function discardDraft(root: string): Promise<void> {
  await rm(root, { recursive: true, force: true });
}

/** @throws EKIBEN_MODEL_FILE_NAME_INVALID */
export function requireInside(name: string): string {
  const segments = name.split('/');
  if (name.includes('\\') || segments.some((segment) => segment === '' || segment === '.' || segment === '..')) {
    throw new EkibenError(
      'EKIBEN_MODEL_FILE_NAME_INVALID',
      `${JSON.stringify(name)} is not a file name inside a model: write 'file' or 'directory/file'`,
    );
  }
  return name;
}
