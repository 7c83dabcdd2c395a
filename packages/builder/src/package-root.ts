// Which package a file belongs to, and where a package finds another.
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { EkibenError } from '@ekiben/spec';

/** The part of a package.json that a build reads. */
export interface PackageManifest {
  readonly name: string;
  readonly version: string;
  readonly type?: string | undefined;
  readonly license?: unknown;
  readonly dependencies?: Readonly<Record<string, string>> | undefined;
  readonly devDependencies?: Readonly<Record<string, string>> | undefined;
  readonly optionalDependencies?: Readonly<Record<string, string>> | undefined;
  readonly peerDependencies?: Readonly<Record<string, string>> | undefined;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>> | undefined;
  readonly os?: readonly string[] | undefined;
  readonly cpu?: readonly string[] | undefined;
  readonly libc?: readonly string[] | undefined;
  readonly gypfile?: boolean | undefined;
  readonly binary?: unknown;
  readonly files?: readonly string[] | undefined;
  readonly engines?: Readonly<Record<string, string>> | undefined;
  /** For us. */
  readonly ekiben?:
    { readonly bento?: BentoNeeds | undefined; readonly reads?: TestedVersions | undefined } | undefined;
}

/** What a package says of itself under `ekiben.bento` in its package.json, so that a bento has no more of it than it serves with. */
export interface BentoNeeds {
  /** Dependencies, and programs of its own (`./dist/x.js`), that serving a bento never loads. */
  readonly omit?: readonly string[] | undefined;
  /** Of a dependency that is copied: the only files needed at run time. */
  readonly files?: Readonly<Record<string, readonly string[]>> | undefined;
}

/**
 * What an adapter says under `ekiben.reads`: by the Python library that saves models, the newest version whose models it was tested
 * with, or the name of the npm package that has the same version numbers.
 */
export type TestedVersions = Readonly<Record<string, string>>;

/** An installed package. */
export interface Package {
  /** Its real directory. */
  readonly dir: string;
  readonly manifest: PackageManifest;
}

/** Looks packages up, each directory once. */
export class PackageFinder {
  readonly #roots = new Map<string, Package | undefined>();

  /** The package that a file or directory belongs to: the nearest package.json with a name and a version. */
  of(path: string): Package | undefined {
    const known = this.#roots.get(path);
    if (known !== undefined || this.#roots.has(path)) return known;
    const found = readPackage(path) ?? (dirname(path) === path ? undefined : this.of(dirname(path)));
    this.#roots.set(path, found);
    return found;
  }

  /** The package `name` as Node finds it from a directory. */
  find(name: string, from: string): Package | undefined {
    for (let dir = from; ; dir = dirname(dir)) {
      const place = join(dir, 'node_modules', name);
      if (existsSync(join(place, 'package.json'))) return this.of(realpathSync(place));
      if (dirname(dir) === dir) return undefined;
    }
  }
}

/** Whether a package was installed, rather than being a part of the user's own repository. */
export function isInstalled({ dir }: Package): boolean {
  return dir.split(sep).includes('node_modules');
}

/**
 * An optional peer that a package of the user's repository has installed to develop itself, and the project has not: published, the
 * package would not find it.
 */
export function isForDevelopment(
  owner: Package | undefined,
  name: string,
  project: string,
  finder: PackageFinder,
): boolean {
  if (owner === undefined || isInstalled(owner)) return false;
  const { devDependencies, peerDependenciesMeta } = owner.manifest;
  const optional = devDependencies?.[name] !== undefined && peerDependenciesMeta?.[name]?.optional === true;
  return optional && finder.find(name, project) === undefined;
}

/** `@scope/name/sub/path` → `@scope/name`. */
export function packageName(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

/** @throws EKIBEN_PACKAGE_JSON_INVALID */
function parseManifest(text: string, file: string): Partial<PackageManifest> {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, '')) as Partial<PackageManifest>;
  } catch (cause) {
    const { message } = cause as SyntaxError;
    throw new EkibenError('EKIBEN_PACKAGE_JSON_INVALID', `${file} is no JSON: ${message}`, { cause });
  }
}

function readPackage(dir: string): Package | undefined {
  const file = join(dir, 'package.json');
  if (!existsSync(file)) return undefined;
  const manifest = parseManifest(readFileSync(file, 'utf8'), file);
  // Some packages have more of these files inside, which only say `"type": "module"`. A private project may have no version.
  if (manifest.name === undefined) return undefined;
  return { dir, manifest: { version: '0.0.0', ...manifest, name: manifest.name } };
}
