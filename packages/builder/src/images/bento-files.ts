// The files of a bento as an image for one platform has them. For another platform than the bento's own they are those of the bento that
// a build for that platform makes: its packages, and what speaks of them.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { StoredBento } from '@ekiben/store';
import { filesBelow } from '../files-below.ts';
import { formatPlatform, type Platform } from '../native.ts';
import type { PackageManifest } from '../package-root.ts';
import { library, replaced, type Bill } from '../sbom.ts';
import { DIGESTS_FILE, digestOfBento, digestsText, sha256 } from '../verify.ts';
import { yaml } from '../yaml.ts';
import { checkMachines } from './machine.ts';
import { packagesFor, packagesPlatform, type PackagesOptions } from './packages.ts';
import type { BentoFile } from './parts.ts';

const MANIFEST = 'bento.yaml';
const SBOM = 'env/sbom.cdx.json';
const LOCKFILE = 'env/node/package-lock.json';

export interface BentoFiles {
  readonly files: readonly BentoFile[];
  /** Where the files lie is only promised until then. */
  remove(): Promise<void>;
}

/** @throws EKIBEN_PLATFORM_MISSING, EKIBEN_PACKAGES_NOT_INSTALLED */
export async function bentoFiles(
  bento: StoredBento,
  platform: Platform,
  options: PackagesOptions = {},
): Promise<BentoFiles> {
  const own = (await filesBelow(bento.path)).map(({ path, source, executable }) => ({
    path,
    executable,
    content: { source },
  }));
  const built = await packagesPlatform(bento);
  if (built === undefined) return { files: own, remove: async () => {} };
  const { files: packages, remove } = await packagesFor(bento, platform, options);
  try {
    await checkMachines(packages, platform);
    if (formatPlatform(built) === formatPlatform(platform)) return { files: own, remove };
    const others = own.filter(({ path }) => !path.startsWith('node_modules/'));
    const placed = packages.map(({ path, source, executable }) => ({ path, executable, content: { source } }));
    return { files: await retold(bento, platform, own, [...others, ...placed]), remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** What the bento says of itself, for other packages: its bill of materials, its digests, its manifest. */
async function retold(
  bento: StoredBento,
  platform: Platform,
  before: readonly BentoFile[],
  after: readonly BentoFile[],
): Promise<readonly BentoFile[]> {
  const files = new Map(after.map((file) => [file.path, file]));
  const put = (path: string, content: string): void =>
    void files.set(path, { path, executable: false, content: Buffer.from(content) });
  if (files.has(SBOM)) put(SBOM, await billOf(bento, await manifestsOf(before), await manifestsOf(after)));
  const digests = new Map<string, string>();
  for (const file of files.values()) {
    if (file.path !== MANIFEST && file.path !== DIGESTS_FILE) digests.set(file.path, await sha256(file.content));
  }
  const list = digestsText(digests);
  put(DIGESTS_FILE, list);
  const node = { ...(bento.document['node'] as object), platform: formatPlatform(platform) };
  const document: Readonly<Record<string, unknown>> = { ...bento.document, node };
  const manifest = { ...document, digest: digestOfBento(list, document) };
  put(MANIFEST, yaml(manifest));
  return [...files.values()];
}

type Manifests = ReadonlyMap<string, PackageManifest>;

/** Of the packages beside the bundle, by name and version. */
async function manifestsOf(files: readonly BentoFile[]): Promise<Manifests> {
  const manifests = new Map<string, PackageManifest>();
  for (const { path, content } of files) {
    if (!/(?:^|\/)node_modules\/(?:@[^/]+\/)?[^/]+\/package\.json$/.test(path) || content instanceof Uint8Array)
      continue;
    const manifest = JSON.parse(await readFile(content.source, 'utf8')) as PackageManifest;
    manifests.set(`${manifest.name}@${manifest.version}`, manifest);
  }
  return manifests;
}

async function billOf(bento: StoredBento, before: Manifests, after: Manifests): Promise<string> {
  const bill = JSON.parse(await readFile(join(bento.path, SBOM), 'utf8')) as Bill;
  const lock = JSON.parse(await readFile(join(bento.path, LOCKFILE), 'utf8')) as {
    readonly packages: Readonly<Record<string, { readonly integrity?: string }>>;
  };
  const component = (id: string, manifest: PackageManifest) =>
    library(id, manifest, lock.packages[`node_modules/${manifest.name}`]?.integrity);
  const gone = [...before].flatMap(([id, manifest]) => (after.has(id) ? [] : [component(id, manifest)]));
  const come = [...after].flatMap(([id, manifest]) => (before.has(id) ? [] : [component(id, manifest)]));
  return `${JSON.stringify(replaced(bill, gone, come), null, 2)}\n`;
}
