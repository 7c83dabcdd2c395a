// From what a user writes to one version of one name.
import { EkibenError } from '@ekiben/spec';
import { currentVersion, type Aliases } from './aliases.ts';
import { readAliasFile } from './alias-file.ts';
import { isDirectory } from './files.ts';
import type { Ground } from './ground.ts';
import { newestVersion } from './latest.ts';
import { directoryNames } from './list-index.ts';
import { nearest } from './nearest.ts';
import { formatTag, LATEST, parseTag } from './tag.ts';

export interface ResolvedTag {
  readonly name: string;
  readonly version: string;
}

/**
 * `name`, `name:latest`, `name:version`, `name:alias`, or the unique beginning of a version.
 * @throws EKIBEN_TAG_INVALID, EKIBEN_TAG_AMBIGUOUS, EKIBEN_ALIAS_DANGLING, the kind's `notFound`
 */
export async function resolveTag(ground: Ground, tag: string): Promise<ResolvedTag> {
  const { name, version } = parseTag(tag);
  if (version === undefined || version === LATEST) {
    const newest = await newestVersion(ground, name);
    if (newest === undefined) throw nameNotFound(ground, name);
    return { name, version: newest };
  }
  // An exact version comes first: the same tag must mean the same to Python, which knows no aliases.
  if (await isDirectory(ground.layout.item(name, version))) return { name, version };
  const aliases = await readAliasFile(ground, name);
  const aliased = currentVersion(aliases, version);
  if (aliased === undefined) return { name, version: uniqueVersion(ground, name, version, aliases) };
  if (await isDirectory(ground.layout.item(name, aliased))) return { name, version: aliased };
  throw new EkibenError(
    'EKIBEN_ALIAS_DANGLING',
    `the alias '${formatTag(name, version)}' points at '${formatTag(name, aliased)}', which is not in the store any more; point it at another version, or roll it back`,
  );
}

export function nameNotFound({ kind, layout }: Ground, name: string): EkibenError {
  return notFound(
    { kind, layout },
    `no ${kind.noun}s with name '${name}' exist in the store at ${layout.items}`,
    nearest(name, directoryNames(layout.items)),
  );
}

function uniqueVersion(ground: Ground, name: string, wanted: string, aliases: Aliases): string {
  const { kind, layout } = ground;
  const versions = directoryNames(layout.name(name));
  const matches = versions.filter((version) => version.startsWith(wanted));
  const [match, second] = matches;
  if (match !== undefined && second === undefined) return match;
  if (match !== undefined) {
    throw new EkibenError(
      'EKIBEN_TAG_AMBIGUOUS',
      `'${formatTag(name, wanted)}' is the beginning of ${matches.length} versions: ${matches.slice(0, 10).join(', ')}`,
    );
  }
  if (versions.length === 0) throw nameNotFound(ground, name);
  const near = nearest(wanted, [...Object.keys(aliases), ...versions, LATEST]);
  throw notFound(
    ground,
    `${kind.noun} '${formatTag(name, wanted)}' is not found in the store at ${layout.items}`,
    near === undefined ? undefined : formatTag(name, near),
  );
}

function notFound({ kind }: Ground, what: string, near: string | undefined): EkibenError {
  const hint = near === undefined ? '' : `did you mean '${near}'? `;
  return new EkibenError(kind.notFound, `${what}; ${hint}\`${kind.listCommand}\` shows what there is`);
}
