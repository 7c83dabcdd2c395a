// What a bundle was made of, as one digest: while that is the same, making it anew would make the same.
//
// It is of every module and file inside, and of what decided which these are: package.json and tsconfig.json above them, where the
// `node_modules` above them lead, and the names of modules in packages of the user's own, where a new one may come before another.
import { createHash, type Hash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, readlinkSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve, sep } from 'node:path';
import { MAX_LISTED_NAMES } from './limits.ts';
import { NATIVE_PLACES } from './native.ts';
import { isInstalled, type PackageFinder } from './package-root.ts';

export interface Origin {
  /** Absolute paths of all modules and files inside. */
  readonly files: readonly string[];
  /** Directories of packages that stayed outside. */
  readonly outside: readonly string[];
}

/**
 * @returns undefined when it cannot be told, as with more modules in the project than are worth looking at
 */
export function digestOfOrigin({ files, outside }: Origin, project: string, finder: PackageFinder): string | undefined {
  const hash = createHash('sha256');
  for (const file of files) addFile(hash, file);
  const places = placesAbove([...files.map((file) => dirname(file)), ...outside, project]);
  const own = new Set([project]);
  for (const place of places) {
    addFile(hash, join(place, 'package.json'));
    addModules(hash, join(place, 'node_modules'));
    if (place.split(sep).includes('node_modules')) continue;
    for (const name of ['tsconfig.json', 'jsconfig.json']) addConfiguration(hash, join(place, name), new Set());
  }
  for (const directory of new Set([...files.map((file) => dirname(file)), ...outside])) {
    const owner = finder.of(directory);
    if (owner === undefined) continue;
    for (const place of NATIVE_PLACES) hash.update(String(existsSync(join(owner.dir, place))));
    if (!isInstalled(owner)) own.add(owner.dir);
  }
  const left = { names: MAX_LISTED_NAMES };
  for (const directory of [...own].toSorted()) addNames(hash, directory, left);
  return left.names < 0 ? undefined : hash.digest('hex');
}

/** When the newest of the files changed, in milliseconds since 1970. */
export function lastChange({ files }: Origin): number {
  return Math.max(...files.map((file) => statSync(file).ctimeMs));
}

function placesAbove(directories: readonly string[]): readonly string[] {
  const places = new Set<string>();
  for (const directory of directories)
    for (let place = directory; !places.has(place); place = dirname(place)) places.add(place);
  return [...places].toSorted();
}

function addFile(hash: Hash, path: string): void {
  const content = readIfThere(path);
  hash.update(`${path}\n${content?.length ?? 'none'}\n`);
  if (content !== undefined) hash.update(content);
}

/** Package managers change links rather than what they lead to. */
function addModules(hash: Hash, directory: string): void {
  for (const entry of entriesOf(directory)) {
    const path = join(directory, entry.name);
    hash.update(entry.isSymbolicLink() ? `${path} -> ${readlinkSync(path)}\n` : `${path}\n`);
    if (entry.name.startsWith('@')) addModules(hash, path);
  }
}

/** With what it extends. */
function addConfiguration(hash: Hash, path: string, seen: Set<string>): void {
  const content = seen.has(path) ? undefined : readIfThere(path)?.toString('utf8');
  if (content === undefined) return;
  seen.add(path);
  hash.update(`${path}\n${content}\n`);
  const [, bases = ''] = /"extends"\s*:\s*("[^"]*"|\[[^\]]*\])/.exec(content) ?? [];
  for (const [, base = ''] of bases.matchAll(/"([^"]*)"/g)) {
    for (const name of [base, `${base}.json`, `${base}/tsconfig.json`]) {
      addConfiguration(hash, /^[./]/.test(base) ? resolve(dirname(path), name) : installed(name, path), seen);
    }
  }
}

function installed(name: string, from: string): string {
  try {
    return createRequire(from).resolve(name);
  } catch {
    return name;
  }
}

const MODULE = /\.(?:[cm]?[jt]sx?|json)$/;

function addNames(hash: Hash, directory: string, left: { names: number }): void {
  for (const entry of entriesOf(directory)) {
    if (left.names < 0 || entry.name === 'node_modules' || entry.name.startsWith('.')) continue;
    const path = join(directory, entry.name);
    if (!entry.isDirectory() && !MODULE.test(entry.name)) continue;
    left.names--;
    hash.update(`${path}\n`);
    if (entry.isDirectory()) addNames(hash, path, left);
  }
}

function entriesOf(directory: string) {
  try {
    return readdirSync(directory, { withFileTypes: true }).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  } catch {
    return [];
  }
}

function readIfThere(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}
