// The file `latest` of a name, which BentoML reads and writes too. Newest is always by creation time.
import { rm, rmdir } from 'node:fs/promises';
import { hasCode, ifThere, isDirectory, readTextIfThere, replaceFile } from './files.ts';
import { listItems, type Ground } from './ground.ts';
import { isTagPart } from './tag.ts';

/** The newest version: what the file says while that is there, else by looking at all. */
export async function newestVersion(ground: Ground, name: string): Promise<string | undefined> {
  return (await readLatest(ground, name)) ?? (await listItems(ground, name))[0]?.version;
}

/** Undefined when the file is missing or names what is not there, as for a moment before a version moves in. */
export async function readLatest({ layout }: Ground, name: string): Promise<string | undefined> {
  const version = (await readTextIfThere(layout.latest(name)))?.trim();
  if (version === undefined || !isTagPart(version)) return undefined;
  return (await isDirectory(layout.item(name, version))) ? version : undefined;
}

export async function writeLatest({ layout }: Ground, name: string, version: string): Promise<void> {
  await replaceFile(layout.latest(name), version, layout.drafts);
}

/** Makes the file say what is true, under the name's lock; removes a name's directory with its last version. */
export async function refreshLatest(ground: Ground, name: string): Promise<void> {
  const { layout } = ground;
  const [newest] = await listItems(ground, name);
  if (newest !== undefined) {
    if ((await readLatest(ground, name)) !== newest.version) await writeLatest(ground, name, newest.version);
    return;
  }
  await rm(layout.latest(name), { force: true });
  try {
    await ifThere(rmdir(layout.name(name)));
  } catch (error) {
    // Python is writing a version, or left something that is not one.
    if (!hasCode(error, 'ENOTEMPTY', 'EEXIST')) throw error;
  }
}
