import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll } from '@jest/globals';

const made: string[] = [];
afterAll(async () => {
  for (const directory of made) await rm(directory, { recursive: true, force: true });
});

export async function temporary(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'ekiben-builder-'));
  made.push(directory);
  return directory;
}

/** A folder with these files. */
export async function project(files: Readonly<Record<string, string>>): Promise<string> {
  const directory = await temporary();
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await writeFile(join(directory, path), text);
  }
  return directory;
}
