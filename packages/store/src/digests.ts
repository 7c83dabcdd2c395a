// SHA-256 of every file of an item, recorded when it comes into the store, so that damage can be found later.
import { EkibenError } from '@ekiben/spec';
import { walk } from './archive/folder.ts';
import { hashFile, readTextIfThere, type FileDigest } from './files.ts';

/** By the path inside the item, with `/`. */
export type Digests = ReadonlyMap<string, FileDigest>;

export interface FileFault {
  readonly path: string;
  readonly problem: 'changed' | 'missing' | 'added';
}

export async function digestTree(dir: string): Promise<Digests> {
  const digests = new Map<string, FileDigest>();
  for await (const { path, type, source } of walk(dir)) {
    if (type === 'file') digests.set(path, await hashFile(source));
    else if (type !== 'directory') digests.set(path, { sha256: type, size: 0 });
  }
  return digests;
}

/** Sorted by path. */
export function compareDigests(recorded: Digests, found: Digests): FileFault[] {
  const paths = [...new Set([...recorded.keys(), ...found.keys()])].toSorted();
  return paths.flatMap((path): FileFault[] => {
    const before = recorded.get(path);
    const now = found.get(path);
    if (before === undefined) return [{ path, problem: 'added' }];
    if (now === undefined) return [{ path, problem: 'missing' }];
    return before.sha256 === now.sha256 && before.size === now.size ? [] : [{ path, problem: 'changed' }];
  });
}

/**
 * Undefined when none were recorded, as for what Python saved.
 * @throws EKIBEN_DIGESTS_INVALID
 */
export async function readDigests(file: string): Promise<Digests | undefined> {
  const text = await readTextIfThere(file);
  if (text === undefined) return undefined;
  try {
    const { files } = JSON.parse(text) as { files: Record<string, FileDigest> };
    return new Map(Object.entries(files));
  } catch (cause) {
    throw new EkibenError('EKIBEN_DIGESTS_INVALID', `the digests in ${file} are damaged`, { cause });
  }
}

/** For what goes on without them. */
export async function readDigestsLeniently(file: string): Promise<Digests | undefined> {
  try {
    return await readDigests(file);
  } catch (error) {
    if (EkibenError.is(error)) return undefined;
    throw error;
  }
}

export function digestsText(digests: Digests): string {
  return `${JSON.stringify({ files: Object.fromEntries(digests) }, null, 1)}\n`;
}
