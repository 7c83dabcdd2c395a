// The digests that a bento carries in itself, and whether they still fit: they travel with it, whoever unpacks it.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { FileFault, StoredBento } from '@ekiben/store';

/** As `sha256sum` writes and checks it, from the bento's own directory. */
export const DIGESTS_FILE = 'env/files.sha256';
const MANIFEST = 'bento.yaml';

export function digestsText(digests: ReadonlyMap<string, string>): string {
  const lines = [...digests].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([path, sha256]) => `${sha256}  ${path}\n`);
  return lines.join('');
}

/** Of all that is in the bento, but for what differs from build to build. */
export function digestOfBento(digestList: string, manifest: Readonly<Record<string, unknown>>): string {
  const { version: _version, creation_time: _time, digest: _digest, ...rest } = manifest;
  const hash = createHash('sha256')
    .update(digestList)
    .update(JSON.stringify(canonical(rest)));
  return `sha256:${hash.digest('hex')}`;
}

/** Keys in one order, and nothing that YAML does not keep. */
function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, each]) => each !== undefined);
  return Object.fromEntries(
    entries.toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([key, each]) => [key, canonical(each)]),
  );
}

/** What has changed in a bento since it was built; undefined for one that carries no digests, such as one of Python's. */
export async function verifyBento({ path, document }: StoredBento): Promise<readonly FileFault[] | undefined> {
  const list = await readFile(join(path, DIGESTS_FILE), 'utf8').catch(() => undefined);
  if (list === undefined) return undefined;
  const recorded = new Map(
    list.split('\n').flatMap((line) => (line === '' ? [] : [[line.slice(66), line.slice(0, 64)]])),
  );
  const found = new Set<string>();
  const faults: FileFault[] = [];
  for (const file of await filesIn(path)) {
    if (file === MANIFEST || file === DIGESTS_FILE) continue;
    found.add(file);
    const digest = recorded.get(file);
    if (digest === undefined) faults.push({ path: file, problem: 'added' });
    else if ((await sha256({ source: join(path, file) })) !== digest) faults.push({ path: file, problem: 'changed' });
  }
  for (const file of recorded.keys()) if (!found.has(file)) faults.push({ path: file, problem: 'missing' });
  // The list itself is part of the digest, as is bento.yaml.
  if (digestOfBento(list, document) !== document['digest']) faults.push({ path: MANIFEST, problem: 'changed' });
  return faults.toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

async function filesIn(dir: string): Promise<readonly string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(dir.length + 1)
        .replaceAll('\\', '/'),
    )
    .toSorted();
}

/** Of bytes, or of a file of any size. */
export async function sha256(content: Uint8Array | { readonly source: string }): Promise<string> {
  const hash = createHash('sha256');
  if (content instanceof Uint8Array) hash.update(content);
  else for await (const chunk of createReadStream(content.source)) hash.update(chunk as Uint8Array);
  return hash.digest('hex');
}
