// Bundles that were made before, kept in the home: making one takes most of the time of a build.
import { createHash, randomUUID } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { mkdir, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { deserialize, serialize } from 'node:v8';
import { bundle, type Bundle, type BundleInput } from './bundle.ts';
import { MAX_KEPT_BUNDLES } from './limits.ts';
import { digestOfOrigin, lastChange } from './origin.ts';
import type { Package, PackageFinder } from './package-root.ts';

/** A bundle without what can be looked up. */
interface Kept extends Omit<Bundle, 'inside' | 'outside'> {
  /** Directories of packages. */
  readonly inside: readonly string[];
  readonly originDigest: string;
}

/**
 * As {@link bundle}, or what it gave before if nothing of what that was made of has changed.
 * @param folder - where bundles are kept; without being able to read or write there, each is made anew
 */
export async function cachedBundle(input: BundleInput, folder: string): Promise<Bundle> {
  const { project, finder } = input;
  const file = join(folder, keyOf(input));
  const kept = await readKept(file);
  if (kept !== undefined && digestOfOrigin(kept.origin, project, finder) === kept.originDigest) {
    const { inside, originDigest: _, ...rest } = kept;
    return { ...rest, inside: packagesIn(inside, finder), outside: packagesIn(kept.origin.outside, finder) };
  }
  const begun = Date.now();
  const made = await bundle(input);
  const { inside, outside: _, ...rest } = made;
  const originDigest = digestOfOrigin(made.origin, project, finder);
  // What changed meanwhile may not be what was bundled.
  if (originDigest !== undefined && lastChange(made.origin) < begun) {
    await keep(folder, file, { ...rest, inside: inside.map(({ dir }) => dir), originDigest });
  }
  return made;
}

/** By all that decides, but for the files themselves. */
function keyOf({ project, service, exportName, outside, packages, node }: BundleInput): string {
  const hash = createHash('sha256');
  hash.update(JSON.stringify([project, service, exportName, outside, packages, node, process.env['NODE_PATH']]));
  const { version } = createRequire(import.meta.url)('esbuild/package.json') as { readonly version: string };
  hash.update(`${version}\n${process.versions.v8}\n`);
  // This package itself, which changes without a new version while it is worked on.
  for (const name of readdirSync(import.meta.dirname).toSorted()) {
    if (/\.[jt]s$/.test(name)) hash.update(readFileSync(join(import.meta.dirname, name)));
  }
  return hash.digest('hex').slice(0, 32);
}

const DIGEST_BYTES = 32;

/** What is not as it was written is not there. */
async function readKept(file: string): Promise<Kept | undefined> {
  const bytes = await readFile(file).catch(() => undefined);
  if (bytes === undefined || !sha256(bytes.subarray(DIGEST_BYTES)).equals(bytes.subarray(0, DIGEST_BYTES))) {
    return undefined;
  }
  return deserialize(bytes.subarray(DIGEST_BYTES)) as Kept;
}

async function keep(folder: string, file: string, kept: Kept): Promise<void> {
  const bytes = serialize(kept);
  const fresh = `${file}.${randomUUID()}`;
  try {
    await mkdir(folder, { recursive: true });
    await writeFile(fresh, Buffer.concat([sha256(bytes), bytes]));
    await rename(fresh, file);
    await removeOldest(folder);
  } catch {
    // The next build takes as long as this one.
    await rm(fresh, { force: true }).catch(() => {});
  }
}

async function removeOldest(folder: string): Promise<void> {
  const names = await readdir(folder);
  if (names.length <= MAX_KEPT_BUNDLES) return;
  const files = await Promise.all(
    names.map(async (name) => ({ name, written: (await stat(join(folder, name))).mtimeMs })),
  );
  const oldest = files.toSorted((a, b) => a.written - b.written).slice(0, -MAX_KEPT_BUNDLES);
  for (const { name } of oldest) await rm(join(folder, name), { force: true });
}

function sha256(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}

function packagesIn(directories: readonly string[], finder: PackageFinder): readonly Package[] {
  return directories.flatMap((directory) => finder.of(directory) ?? []);
}
