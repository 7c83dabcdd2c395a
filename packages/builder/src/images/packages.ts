// The packages outside the bundle, for the platform of an image: those in the bento, or, for another platform than the bento's, the
// same ones installed anew from its lock file. Whatever builds the image, a missing native build is found out here.
import { existsSync } from 'node:fs';
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EkibenError } from '@ekiben/spec';
import type { StoredBento } from '@ekiben/store';
import { filesBelow } from '../files-below.ts';
import {
  fitsPlatform,
  formatPlatform,
  isBinary,
  isOfOnePlatform,
  parsePlatform,
  platformOf,
  type Platform,
} from '../native.ts';
import { noBuild, packageFiles, type PackageFile } from '../outside.ts';
import type { Package, PackageManifest } from '../package-root.ts';
import { runProgram } from './program.ts';

export interface PlatformPackages {
  /** By their path in the bento, `node_modules/…`; where they lie is only promised until `remove`. */
  readonly files: readonly PackageFile[];
  remove(): Promise<void>;
}

export interface PackagesOptions {
  readonly signal?: AbortSignal | undefined;
  /** What npm says. */
  readonly onLog?: ((line: string) => void) | undefined;
}

/** Of which platform the packages in a bento are; undefined when they run anywhere. */
export async function packagesPlatform({ document, path }: StoredBento): Promise<Platform | undefined> {
  const { platform } = (document['node'] ?? {}) as { readonly platform?: string };
  const folder = join(path, 'node_modules');
  if (platform === undefined || !existsSync(folder)) return undefined;
  for (const file of await filesBelow(folder)) {
    const isManifest = file.path.endsWith('/package.json');
    if (isBinary(file.path) || (isManifest && isOfOnePlatform(await readManifest(file.source), []))) {
      return parsePlatform(platform);
    }
  }
  return undefined;
}

/**
 * @throws EKIBEN_PLATFORM_MISSING when a package has no build for the platform, EKIBEN_PACKAGES_NOT_INSTALLED with what npm says
 */
export async function packagesFor(
  bento: StoredBento,
  platform: Platform,
  options: PackagesOptions = {},
): Promise<PlatformPackages> {
  const built = await packagesPlatform(bento);
  if (built === undefined || formatPlatform(built) === formatPlatform(platform)) {
    const folder = join(bento.path, 'node_modules');
    const files = existsSync(folder) ? below('node_modules', await filesBelow(folder)) : [];
    return { files, remove: async () => {} };
  }
  const work = await mkdtemp(join(tmpdir(), 'ekiben-packages-'));
  const remove = (): Promise<void> => rm(work, { recursive: true, force: true });
  try {
    await install(bento, work, platform, options);
    return { files: await filesFor(bento, work, platform), remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** By the user's own npm, with its registry and its passwords: none of these comes near the image. No package's scripts run. */
async function install(bento: StoredBento, work: string, platform: Platform, options: PackagesOptions): Promise<void> {
  for (const part of ['package.json', 'package-lock.json', 'packages']) {
    const source = join(bento.path, 'env/node', part);
    if (existsSync(source)) await cp(source, join(work, part), { recursive: true });
  }
  const { os, cpu, libc } = platform;
  const target = [`--os=${os}`, `--cpu=${cpu}`, ...(libc === undefined ? [] : [`--libc=${libc}`])];
  const flags = ['--omit=dev', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', ...target];
  // Windows starts npm through a shell only.
  const shell = process.platform === 'win32';
  const { code, lines } = await runProgram('npm', ['ci', ...flags], { ...options, cwd: work, shell });
  if (code === 0) return;
  throw new EkibenError(
    'EKIBEN_PACKAGES_NOT_INSTALLED',
    `The packages of ${bento.tag} could not be installed for ${formatPlatform(platform)}; npm says:\n${lines.join('\n')}`,
  );
}

/** What the bento left out, being never loaded, stays out; what only the other platform needs comes in. */
async function filesFor(bento: StoredBento, work: string, platform: Platform): Promise<readonly PackageFile[]> {
  const files: PackageFile[] = [];
  for (const path of await installedPaths(work)) {
    const pkg = { dir: join(work, path), manifest: await readManifest(join(work, path, 'package.json')) };
    const inBento = join(bento.path, path);
    if (existsSync(join(inBento, 'package.json'))) {
      checkPlatformPackages(pkg, bento, work, platform);
      const before = (await ownFiles(inBento)).map((file) => file.path);
      const found = await packageFiles(pkg, platform, undefined);
      const kept = found.filter((file) => before.includes(file.path) || isBinary(file.path));
      const compiled = before.filter(
        (file) => isBinary(file) && platformOf(file) === undefined && platformOf(path) === undefined,
      );
      if (compiled.some((file) => !found.some((each) => each.path === file))) throw noBuild(pkg, platform, compiled);
      files.push(...below(path, kept));
    } else if (isOfOnePlatform(pkg.manifest, []) && fitsPlatform(pkg.manifest, platform)) {
      files.push(...below(path, await packageFiles(pkg, platform, undefined)));
    }
  }
  return files.toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

/** Where the bento has optional packages of its platform, another platform must have some as well. */
function checkPlatformPackages(pkg: Package, bento: StoredBento, work: string, platform: Platform): void {
  const optional = Object.keys(pkg.manifest.optionalDependencies ?? {}).filter(
    (name) => platformOf(name) !== undefined,
  );
  const isIn = (root: string) => optional.some((name) => existsSync(join(root, 'node_modules', name, 'package.json')));
  if (isIn(bento.path) && !isIn(work)) throw noBuild(pkg, platform, optional);
}

/** Every package that npm installed, as npm itself notes it. */
async function installedPaths(work: string): Promise<readonly string[]> {
  const text = await readFile(join(work, 'node_modules/.package-lock.json'), 'utf8');
  const { packages } = JSON.parse(text) as { readonly packages: Readonly<Record<string, unknown>> };
  return Object.keys(packages).filter((path) => existsSync(join(work, path, 'package.json')));
}

async function readManifest(file: string): Promise<PackageManifest> {
  return JSON.parse(await readFile(file, 'utf8')) as PackageManifest;
}

/** Without the packages inside of it. */
async function ownFiles(dir: string): Promise<readonly PackageFile[]> {
  return (await filesBelow(dir)).filter(({ path }) => !path.startsWith('node_modules/'));
}

function below(folder: string, files: readonly PackageFile[]): readonly PackageFile[] {
  return files.map((file) => ({ ...file, path: `${folder}/${file.path}` }));
}
