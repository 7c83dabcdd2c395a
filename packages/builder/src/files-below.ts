// Every file of a directory, in a fixed order.
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { PackageFile } from './outside.ts';

export async function filesBelow(directory: string, folder = ''): Promise<readonly PackageFile[]> {
  const files: PackageFile[] = [];
  const names = await readdir(join(directory, folder));
  for (const name of names.toSorted()) {
    const path = `${folder}${name}`;
    const source = join(directory, path);
    const stats = await lstat(source);
    if (stats.isDirectory()) files.push(...(await filesBelow(directory, `${path}/`)));
    else if (stats.isFile()) files.push({ path, source, executable: (stats.mode & 0o100) !== 0 });
  }
  return files;
}
