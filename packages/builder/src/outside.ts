// The packages that stay outside the bundle, with all that they need: where each lies in `node_modules`, and which of its files.
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { EkibenError } from '@ekiben/spec';
import createIgnore from 'ignore';
import type { Lockfile } from './lockfile.ts';
import { fitsPlatform, formatPlatform, isForeignBinary, platformOf, type Platform } from './native.ts';
import { isForDevelopment, isInstalled, type Package, type PackageFinder } from './package-root.ts';

/** A package in its place: `node_modules/a` or, where two versions are needed, `node_modules/b/node_modules/a`. */
export interface PlacedPackage extends Package {
  readonly path: string;
  readonly optional: boolean;
}

export interface PackageFile {
  /** In the package, with `/`. */
  readonly path: string;
  readonly source: string;
  readonly executable: boolean;
}

export interface PlacementOptions {
  /** Absolute path. */
  readonly project: string;
  readonly finder: PackageFinder;
  readonly platform: Platform;
  readonly lockfile: Lockfile;
  /** Names of packages that serving never loads. */
  readonly omit: ReadonlySet<string>;
}

/**
 * Every package as high as it can lie, as npm does it.
 * @throws EKIBEN_DEPENDENCY_MISSING, EKIBEN_PLATFORM_MISSING
 */
export function placePackages(roots: readonly Package[], options: PlacementOptions): readonly PlacedPackage[] {
  const placed = new Map<string, PlacedPackage>();
  const queue: PlacedPackage[] = [];
  const place = (pkg: Package, path: string, optional: boolean): void => {
    const entry = { ...pkg, path, optional };
    placed.set(path, entry);
    queue.push(entry);
  };
  for (const root of roots) place(root, `node_modules/${root.manifest.name}`, false);
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    for (const { name, pkg, optional } of needs(next, options)) {
      const seen = visibleFrom(next.path, name).map((path) => placed.get(path));
      const nearest = seen.find((each) => each !== undefined);
      if (nearest?.dir === pkg.dir) continue;
      place(
        pkg,
        nearest === undefined ? `node_modules/${name}` : `${next.path}/node_modules/${name}`,
        optional || next.optional,
      );
    }
  }
  return [...placed.values()].toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

/** Where Node looks for `name`, from the nearest place on. */
function visibleFrom(path: string, name: string): readonly string[] {
  const places: string[] = [];
  for (let rest = path; rest !== ''; rest = rest.slice(0, Math.max(rest.lastIndexOf('/node_modules/'), 0))) {
    places.push(`${rest}/node_modules/${name}`);
  }
  return [...places, `node_modules/${name}`];
}

interface Need {
  readonly name: string;
  readonly pkg: Package;
  readonly optional: boolean;
}

function needs(owner: Package, { project, finder, platform, lockfile, omit }: PlacementOptions): readonly Need[] {
  const { dir, manifest } = owner;
  const { dependencies = {}, optionalDependencies = {}, peerDependencies = {} } = manifest;
  const names = new Set([
    ...Object.keys(dependencies),
    ...Object.keys(optionalDependencies),
    ...Object.keys(peerDependencies),
  ]);
  return [...names].toSorted().flatMap((name): readonly Need[] => {
    if (omit.has(name) || isForDevelopment(owner, name, project, finder)) return [];
    const optional = optionalDependencies[name] !== undefined;
    const pkg = finder.find(name, dir);
    if (pkg !== undefined && fitsPlatform(pkg.manifest, platform)) return [{ name, pkg, optional }];
    if (pkg === undefined && optional && isFor(name, optionalDependencies[name] ?? '', platform, lockfile)) {
      throw new EkibenError(
        'EKIBEN_PLATFORM_MISSING',
        `${manifest.name} needs ${name} on ${formatPlatform(platform)}, which is not installed here: install the packages of that platform, too (pnpm and yarn: supportedArchitectures; npm: \`npm i --no-save --force ${name}@${optionalDependencies[name]}\`).`,
      );
    }
    if (optional || dependencies[name] === undefined) return [];
    if (pkg !== undefined) throw noBuild(pkg, platform, [...(pkg.manifest.os ?? []), ...(pkg.manifest.cpu ?? [])]);
    throw new EkibenError(
      'EKIBEN_DEPENDENCY_MISSING',
      `${manifest.name} needs ${name}, which is not installed: install the project's packages.`,
    );
  });
}

/** Whether an optional package that is not installed is the one for the platform, as the lock file knows it. */
function isFor(name: string, version: string, platform: Platform, { packages }: Lockfile): boolean {
  const locked = packages.get(`${name}@${version}`);
  return locked?.os !== undefined && fitsPlatform({ os: locked.os, cpu: locked.cpu, libc: locked.libc }, platform);
}

/** Nothing loads these at run time. */
const NOT_NEEDED = /\.(?:map|d\.[cm]?ts|tsbuildinfo|md|markdown|flow)$/i;
const LICENCE = /^(?:licen[cs]e|notice|copying)/i;

/**
 * The files of a package that serving needs, on one platform.
 * @param only - the files that its user knows to be enough
 * @throws EKIBEN_PLATFORM_MISSING when it has binaries, but none for the platform
 */
export async function packageFiles(
  pkg: Package,
  platform: Platform,
  only: readonly string[] | undefined,
): Promise<readonly PackageFile[]> {
  const { dir, manifest } = pkg;
  const isPublished = isInstalled(pkg) ? () => true : publishedBy(manifest.files);
  const files: PackageFile[] = [];
  const foreign: string[] = [];
  let binaries = 0;
  const visit = async (folder: string): Promise<void> => {
    for (const entry of (await readdir(join(dir, folder), { withFileTypes: true })).toSorted((a, b) =>
      a.name < b.name ? -1 : 1,
    )) {
      const path = `${folder}${entry.name}`;
      if (entry.isDirectory()) {
        if (entry.name !== 'node_modules' && entry.name !== '.git') await visit(`${path}/`);
        continue;
      }
      const always = path === 'package.json' || LICENCE.test(path);
      if (!always && (NOT_NEEDED.test(path) || only?.includes(path) === false || !isPublished(path))) continue;
      if (!entry.isFile()) continue;
      if (isForeignBinary(path, platform)) {
        foreign.push(path);
        continue;
      }
      if (platformOf(path) !== undefined && path.endsWith('.node')) binaries++;
      const source = join(dir, path);
      files.push({ path, source, executable: ((await lstat(source)).mode & 0o100) !== 0 });
    }
  };
  await visit('');
  const addons = foreign.filter((path) => path.endsWith('.node'));
  if (addons.length > 0 && binaries === 0) throw noBuild(pkg, platform, addons);
  return files;
}

/** `files` of a package.json: patterns, and with `!` what they take too much. */
function publishedBy(patterns: readonly string[] | undefined): (path: string) => boolean {
  if (patterns === undefined) return () => true;
  const taken = createIgnore().add(patterns.filter((pattern) => !pattern.startsWith('!')));
  const left = createIgnore().add(patterns.flatMap((pattern) => (pattern.startsWith('!') ? [pattern.slice(1)] : [])));
  return (path) => taken.ignores(path) && !left.ignores(path);
}

export function noBuild({ manifest }: Package, platform: Platform, instead: readonly string[]): EkibenError {
  return new EkibenError(
    'EKIBEN_PLATFORM_MISSING',
    `${manifest.name} ${manifest.version} has no build for ${formatPlatform(platform)}; it has ${instead.join(', ')}.`,
  );
}
