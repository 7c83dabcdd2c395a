// What `list` shows of every version, kept in one file so that ten thousand manifests are not read again each time.
//
// A name's versions are trusted while the time of its directory is the one that was noted: whoever adds, removes or replaces a version
// changes it, Python as well, which does not know of the index. Otherwise each version is, whose directory still has its time.
import { readdirSync, statSync, type Stats } from 'node:fs';
import { sep } from 'node:path';
import { walk } from './archive/folder.ts';
import { isMissing, readTextIfThere } from './files.ts';
import type { ListedPlace } from './kind.ts';
import type { Layout } from './layout.ts';
import { formatTag, isTagPart } from './tag.ts';

export interface IndexEntry<Facts> extends ListedPlace {
  /** What the kind of item takes from the manifest. */
  readonly facts: Facts;
}

interface IndexFile<Facts> {
  readonly format: typeof FORMAT;
  readonly names: Readonly<Record<string, IndexedName<Facts>>>;
}

interface IndexedName<Facts> {
  /** Of the name's directory, in ms; -1 when its versions are to be looked for anew. */
  readonly time: number;
  readonly versions: readonly IndexedVersion<Facts>[];
}

type IndexedVersion<Facts> = readonly [version: string, time: number, size: number, facts: Facts];

/** To be raised when what is kept changes. */
const FORMAT = 1;

/** Python writes into the store's directory itself; what is that young may still grow without its name's time changing. */
const SETTLED_AFTER_MS = 10_000;

export interface IndexReading<Facts> {
  readonly entries: IndexEntry<Facts>[];
  /** The file's new text, when it is worth writing. */
  readonly text: string | undefined;
}

/** Reads a version's manifest; undefined when it is not complete or not readable. */
type ReadFacts<Facts> = (name: string, version: string) => Promise<Facts | undefined>;

/** Lists one name, or all. */
export async function readThroughIndex<Facts>(
  layout: Layout,
  only: string | undefined,
  readFacts: ReadFacts<Facts>,
): Promise<IndexReading<Facts>> {
  const known = parseIndex<Facts>(await readTextIfThere(layout.index));
  const names: Record<string, IndexedName<Facts>> = only === undefined ? {} : { ...known };
  const entries: IndexEntry<Facts>[] = [];
  let changed = false;
  for (const name of only === undefined ? directoryNames(layout.items) : [only]) {
    const before = known[name];
    const now = await readName(layout.name(name), name, before, readFacts, entries);
    if (now === undefined) delete names[name];
    else names[name] = now;
    changed ||= now !== before;
  }
  changed ||= Object.keys(names).length !== Object.keys(known).length;
  return { entries, text: changed ? JSON.stringify({ format: FORMAT, names } satisfies IndexFile<Facts>) : undefined };
}

/** Adds the versions of a name to `entries`. @returns `before` itself when nothing changed */
async function readName<Facts>(
  dir: string,
  name: string,
  before: IndexedName<Facts> | undefined,
  readFacts: ReadFacts<Facts>,
  entries: IndexEntry<Facts>[],
): Promise<IndexedName<Facts> | undefined> {
  const stats = statIfDirectory(dir);
  if (stats === undefined) return undefined;
  if (before?.time === stats.mtimeMs) {
    for (const indexed of before.versions) entries.push(entryOf(dir, name, indexed));
    return before;
  }
  const known = new Map(before?.versions.map((indexed) => [indexed[0], indexed]));
  const versions: IndexedVersion<Facts>[] = [];
  let settled = isSettled(stats);
  for (const version of directoryNames(dir)) {
    const path = `${dir}${sep}${version}`;
    const versionStats = statIfDirectory(path);
    if (versionStats === undefined) continue;
    let indexed = known.get(version);
    if (indexed?.[1] !== versionStats.mtimeMs) {
      const facts = await readFacts(name, version);
      const measured = facts === undefined ? undefined : await measure(path);
      const complete = facts !== undefined && measured !== undefined;
      const lasting = complete && measured.settled && isSettled(versionStats);
      settled &&= lasting;
      if (!complete) continue;
      // A time of -1 never fits: it is read again next time.
      indexed = [version, lasting ? versionStats.mtimeMs : -1, measured.size, facts];
    }
    versions.push(indexed);
    entries.push(entryOf(dir, name, indexed));
  }
  const time = settled ? stats.mtimeMs : -1;
  const same =
    before?.time === time &&
    before.versions.length === versions.length &&
    before.versions.every((indexed, index) => indexed === versions[index]);
  return same ? before : { time, versions };
}

function entryOf<Facts>(dir: string, name: string, [version, , size, facts]: IndexedVersion<Facts>): IndexEntry<Facts> {
  return { tag: formatTag(name, version), name, version, path: `${dir}${sep}${version}`, size, facts };
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

function isSettled(stats: Stats): boolean {
  return Date.now() - stats.mtimeMs > SETTLED_AFTER_MS;
}

/** Synchronous on purpose: ten thousand take 30 ms this way, and three times that through the thread pool. */
function statIfDirectory(path: string): Stats | undefined {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats?.isDirectory() === true ? stats : undefined;
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
    const { format, names } = JSON.parse(text) as IndexFile<Facts>;
    if (format === FORMAT && Object.values(names).every(({ versions }) => Array.isArray(versions))) return names;
  } catch {
    // Counts as empty.
  }
  return {};
}
