// A directory of the store while it is being written: it lies beside the store until it is complete, then moves in by one rename.
import { randomBytes } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Draft } from '@ekiben/spec';
import { EkibenError } from '@ekiben/spec';
import { writeNewFile, type FileDigest } from './files.ts';

/** A {@link Draft} that knows what was written through it. */
export interface StoreDraft extends Draft {
  /** The directory of this draft; `dir` is inside. */
  readonly root: string;
  readonly digests: Map<string, FileDigest>;
  add(
    path: string,
    body: AsyncIterable<Uint8Array>,
    options?: { readonly executable?: boolean | undefined; readonly grow?: ((bytes: number) => void) | undefined },
  ): Promise<void>;
}

export async function openDraft(drafts: string): Promise<StoreDraft> {
  const root = join(drafts, `${process.pid}-${randomBytes(6).toString('hex')}`);
  const dir = join(root, 'content');
  await mkdir(dir, { recursive: true });
  const digests = new Map<string, FileDigest>();
  const add: StoreDraft['add'] = async (path, body, options) => {
    const target = join(dir, path);
    await mkdir(dirname(target), { recursive: true });
    digests.set(path, await writeNewFile(target, body, options));
  };
  return { root, dir, digests, add, write: (name, bytes) => add(insideDraft(name), once(bytes)) };
}

export async function discardDraft(draft: StoreDraft): Promise<void> {
  await rm(draft.root, { recursive: true, force: true });
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/** @throws EKIBEN_MODEL_FILE_NAME_INVALID */
export function insideDraft(name: string): string {
  const segments = name.split('/');
  if (name.includes('\\') || segments.some((segment) => segment === '' || segment === '.' || segment === '..')) {
    throw new EkibenError(
      'EKIBEN_MODEL_FILE_NAME_INVALID',
      `${JSON.stringify(name)} is not a file name inside a model: write 'file' or 'directory/file'`,
    );
  }
  return name;
}
