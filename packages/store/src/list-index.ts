// What `list` shows of every version, kept in one file so that ten thousand manifests are not read again each time.
//
// An entry is trusted only while the times of its directories are those that were noted. Python does not know of the index: what it
// adds or removes changes a directory's time, and only that is read anew.
import { readdirSync, statSync, type BigIntStats } from 'node:fs';
import { walk } from './archive/folder.ts';
import { isMissing, readTextIfThere } from './files.ts';
import type { Layout } from './layout.ts';
import { isTagPart } from './tag.ts';

/** What the index keeps of a version. `facts` come from the manifest, by the kind of item. */
export interface IndexedVersion<Facts> {
  /** Bytes of all its files. */
  readonly size: number;
  readonly facts: Facts;
}

export interface IndexEntry<Facts> extends IndexedVersion<Facts> {
  readonly name: string;
  readonly version: string;
}

/** The file: by name, the directory's time (`''` when not to be trusted) and its versions with theirs. */
interface IndexFile<Facts> {
  readonly format: typeof FORMAT;
  readonly names: Readonly<Record<string, IndexedName<Facts>>>;
}

interface IndexedName<Facts> {
  readonly time: string;
  readonly versions: Readonly<Record<string, readonly [time: string, version: IndexedVersion<Facts>]>>;
}

/** To be raised when what is kept changes. */
const FORMAT = 1;

/** Python writes into the store's directory itself; what is that young may still grow without its directory's time changing. */
const SETTLED_AFTER_MS = 2000;

export interface IndexReading<Facts> {
  readonly entries: IndexEntry<Facts>[];
  /** The file's new text, when it is worth writing. */
  readonly text: string | undefined;
}

/**
 * Lists one name, or all.
 * @param readFacts - reads a version's manifest; undefined when it is not complete or not readable
 */
export async function readThroughIndex<Facts>(
  layout: Layout,
  only: string | undefined,
  readFacts: (name: string, version: string) => Promise<Facts | undefined>,
): Promise<IndexReading<Facts>> {
  const known = parseIndex<Facts>(await readTextIfThere(layout.index));
  const names: Record<string, IndexedName<Facts>> = only === undefined ? {} : { ...known };
  const entries: IndexEntry<Facts>[] = [];
  let changed = false;
  // Synchronous on purpose: ten thousand `stat` take 40 ms this way and three times that through the thread pool.
  for (const name of only === undefined ? directoryNames(layout.items) : [only]) {
    const before = known[name];
    const reading = await readName(layout, name, before, readFacts);
    for (const [version, indexed] of reading.found) entries.push({ name, version, ...indexed });
    if (reading.indexed === undefined) delete names[name];
    else names[name] = reading.indexed;
    changed ||= reading.indexed !== before;
  }
  changed ||= Object.keys(names).length !== Object.keys(known).length;
  return { entries, text: changed ? JSON.stringify({ format: FORMAT, names } satisfies IndexFile<Facts>) : undefined };
}

interface NameReading<Facts> {
  readonly found: readonly (readonly [version: string, IndexedVersion<Facts>])[];
  /** The same object as before when nothing changed. */
  readonly indexed: IndexedName<Facts> | undefined;
}

async function readName<Facts>(
  layout: Layout,
  name: string,
  before: IndexedName<Facts> | undefined,
  readFacts: (name: string, version: string) => Promise<Facts | undefined>,
): Promise<NameReading<Facts>> {
  const stats = statIfThere(layout.name(name));
  if (stats === undefined || !stats.isDirectory()) return { found: [], indexed: undefined };
  const time = String(stats.mtimeNs);
  const versionNames = before?.time === time ? Object.keys(before.versions) : directoryNames(layout.name(name));
  const found: [string, IndexedVersion<Facts>][] = [];
  const versions: Record<string, readonly [string, IndexedVersion<Facts>]> = {};
  let settled = isSettled(stats);
  for (const version of versionNames) {
    const dir = layout.item(name, version);
    const versionStats = statIfThere(dir);
    if (versionStats === undefined || !versionStats.isDirectory()) continue;
    const versionTime = String(versionStats.mtimeNs);
    const known = before?.versions[version];
    if (known?.[0] === versionTime) {
      versions[version] = known;
      found.push([version, known[1]]);
      continue;
    }
    const facts = await readFacts(name, version);
    const measured = facts === undefined ? undefined : await measure(dir);
    if (facts === undefined || measured === undefined) {
      settled = false;
      continue;
    }
    const indexed = { size: measured.size, facts };
    found.push([version, indexed]);
    if (isSettled(versionStats) && measured.settled) versions[version] = [versionTime, indexed];
    else settled = false;
  }
  const indexed = { time: settled ? time : '', versions };
  return { found, indexed: before !== undefined && isSame(before, indexed) ? before : indexed };
}

function isSame<Facts>(before: IndexedName<Facts>, now: IndexedName<Facts>): boolean {
  const versions = Object.keys(now.versions);
  return (
    before.time === now.time &&
    versions.length === Object.keys(before.versions).length &&
    versions.every((version) => before.versions[version] === now.versions[version])
  );
}

/** Undefined when the version vanishes meanwhile. */
async function measure(dir: string): Promise<{ size: number; settled: boolean } | undefined> {
  let size = 0;
  let newest = 0;
  try {
    for await (const { size: bytes, mtimeMs } of walk(dir)) {
      size += bytes;
      newest = Math.max(newest, mtimeMs);
    }
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
  return { size, settled: Date.now() - newest > SETTLED_AFTER_MS };
}

function isSettled(stats: BigIntStats): boolean {
  return Date.now() - Number(stats.mtimeMs) > SETTLED_AFTER_MS;
}

function statIfThere(path: string): BigIntStats | undefined {
  return statSync(path, { bigint: true, throwIfNoEntry: false });
}

/** What may be names or versions; links count, since people move large models to other disks. */
export function directoryNames(path: string): string[] {
  try {
    const entries = readdirSync(path, { withFileTypes: true });
    const possible = entries.filter((entry) => entry.isDirectory() || entry.isSymbolicLink());
    return possible.map((entry) => entry.name).filter(isTagPart);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

/** An index that is missing, damaged, or of another format counts as empty. */
function parseIndex<Facts>(text: string | undefined): Readonly<Record<string, IndexedName<Facts>>> {
  if (text === undefined) return {};
  try {
    const index = JSON.parse(text) as Partial<IndexFile<Facts>>;
    return index.format === FORMAT && index.names !== undefined ? index.names : {};
  } catch {
    return {};
  }
}
