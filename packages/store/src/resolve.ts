// From what a user writes to one version of one name.
import { readFile, stat } from 'node:fs/promises';
import { isMissing, readDirectory } from './files.ts';
import type { Layout } from './layout.ts';
import { isTagPart } from './tag.ts';

/** The version that the `latest` file names, if it is there. */
export async function readLatest(layout: Layout, name: string): Promise<string | undefined> {
  try {
    const version = (await readFile(layout.latest(name), 'utf8')).trim();
    return isTagPart(version) && (await isDirectory(layout.item(name, version))) ? version : undefined;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** Directories of a name; some may be half-written by Python. */
export async function versionDirectories(layout: Layout, name: string): Promise<string[]> {
  const entries = await readDirectory(layout.name(name));
  return entries.filter((entry) => entry.isDirectory() && isTagPart(entry.name)).map((entry) => entry.name);
}

export async function nameDirectories(layout: Layout): Promise<string[]> {
  const entries = await readDirectory(layout.items);
  return entries.filter((entry) => entry.isDirectory() && isTagPart(entry.name)).map((entry) => entry.name);
}

export async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}
