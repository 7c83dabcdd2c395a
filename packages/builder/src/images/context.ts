// The directories that Docker and its like build from, where the bento's own is not enough.
import { chmod, copyFile, cp, lstat, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { StoredBento } from '@ekiben/store';
import { dockerPlatform, formatPlatform, type Platform } from '../native.ts';
import { checkMachines } from './machine.ts';
import { packagesFor, packagesPlatform, type PackagesOptions } from './packages.ts';

export interface BuildContext {
  /** The bento, every file of which anybody may read: the user of an image is made up by who runs it. */
  readonly bento: string;
  /** With `linux/arm64/node_modules` and so on; undefined where the packages in the bento do. */
  readonly packages: string | undefined;
  remove(): Promise<void>;
}

/** @throws EKIBEN_PLATFORM_MISSING, EKIBEN_PACKAGES_NOT_INSTALLED */
export async function buildContext(
  bento: StoredBento,
  platforms: readonly Platform[],
  options: PackagesOptions,
): Promise<BuildContext> {
  const work = await mkdtemp(join(tmpdir(), 'ekiben-image-'));
  const remove = (): Promise<void> => rm(work, { recursive: true, force: true });
  try {
    const built = await packagesPlatform(bento);
    const isForeign = (platform: Platform) => built !== undefined && formatPlatform(platform) !== formatPlatform(built);
    const packages = platforms.some(isForeign) ? join(work, 'packages') : undefined;
    if (packages !== undefined) {
      for (const platform of platforms) await copyPackages(bento, platform, packages, options);
    }
    return { bento: await readable(bento.path, join(work, 'bento')), packages, remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

async function copyPackages(
  bento: StoredBento,
  platform: Platform,
  folder: string,
  options: PackagesOptions,
): Promise<void> {
  const { files, remove } = await packagesFor(bento, platform, options);
  try {
    await checkMachines(files, platform);
    for (const { path, source } of files) {
      const target = join(folder, dockerPlatform(platform), path);
      await mkdir(dirname(target), { recursive: true });
      await copyFile(source, target);
    }
  } finally {
    await remove();
  }
  await allow(folder);
}

/** A strict umask, when the bento was imported, keeps others from reading it: then a copy of it is used. */
async function readable(directory: string, copy: string): Promise<string> {
  const modes = await Promise.all((await below(directory)).map(async (path) => (await lstat(path)).mode));
  if (modes.every((mode) => (mode & wanted(mode)) === wanted(mode))) return directory;
  await cp(directory, copy, { recursive: true });
  await allow(copy);
  return copy;
}

async function allow(directory: string): Promise<void> {
  for (const path of await below(directory)) {
    const { mode } = await lstat(path);
    await chmod(path, mode | wanted(mode));
  }
}

/** Read for everybody, and what its owner runs or enters for everybody, too. */
function wanted(mode: number): number {
  return (mode & 0o100) === 0 ? 0o444 : 0o555;
}

async function below(directory: string): Promise<readonly string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return [directory, ...entries.map(({ parentPath, name }) => join(parentPath, name))];
}
