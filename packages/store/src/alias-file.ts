// The file that keeps the aliases of one name.
import { readAliases, type Aliases } from './aliases.ts';
import { readTextIfThere, replaceFile } from './files.ts';
import type { Ground } from './ground.ts';

/** @throws EKIBEN_ALIASES_INVALID */
export async function readAliasFile({ layout }: Ground, name: string): Promise<Aliases> {
  const path = layout.aliases(name);
  return readAliases(await readTextIfThere(path), path);
}

/** Under the name's lock. */
export async function writeAliasFile({ layout }: Ground, name: string, aliases: Aliases): Promise<void> {
  await replaceFile(layout.aliases(name), `${JSON.stringify(aliases, null, 2)}\n`, layout.drafts);
}
