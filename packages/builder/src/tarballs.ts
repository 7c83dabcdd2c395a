// Packages of the user's own repository as npm packs them: nobody could install them from a registry.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { writeArchive, type PackItem } from '@ekiben/store/archive';
import type { Tarball } from './facts.ts';
import { withoutWorkspaces } from './npm-lock.ts';
import type { PackageFile, PlacedPackage } from './outside.ts';

/** npm's own time of every file in a package. */
const PACKED_AT = new Date('1985-10-26T08:15:00.000Z');

/** @param versionOf - of another package of the repository */
export async function packTarball(
  { manifest }: PlacedPackage,
  files: readonly PackageFile[],
  versionOf: (name: string) => string | undefined,
): Promise<Tarball> {
  const { name, version } = manifest;
  const items = await Promise.all(files.map((file) => item(file, publishedManifest(manifest, versionOf))));
  const chunks: Uint8Array[] = [];
  for await (const chunk of writeArchive(items, { format: 'gz', level: 6, mtime: PACKED_AT, oneByOne: false }))
    chunks.push(chunk);
  const content = Buffer.concat(chunks);
  const integrity = `sha512-${createHash('sha512').update(content).digest('base64')}`;
  return {
    name,
    version,
    path: `packages/${name.replace('@', '').replace('/', '-')}-${version}.tgz`,
    content,
    integrity,
  };
}

async function item({ path, source, executable }: PackageFile, manifest: string): Promise<PackItem> {
  const isManifest = path === 'package.json';
  return {
    path: `package/${path}`,
    type: 'file',
    size: isManifest ? Buffer.byteLength(manifest) : (await stat(source)).size,
    executable,
    body: () => (isManifest ? once(Buffer.from(manifest)) : createReadStream(source)),
  };
}

function publishedManifest(
  manifest: PlacedPackage['manifest'],
  versionOf: (name: string) => string | undefined,
): string {
  const { dependencies, optionalDependencies, peerDependencies } = manifest;
  const ranges = Object.entries({ dependencies, optionalDependencies, peerDependencies }).flatMap(([key, each]) =>
    each === undefined ? [] : [[key, withoutWorkspaces(each, versionOf)]],
  );
  const { devDependencies: _, ...rest } = manifest;
  return `${JSON.stringify({ ...rest, ...Object.fromEntries(ranges) }, null, 2)}\n`;
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
