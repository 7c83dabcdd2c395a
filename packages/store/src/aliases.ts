// Names such as `production` for one version of a name, and where they pointed before.
import { EkibenError } from '@ekiben/spec';
import { isMapping } from './yaml.ts';

/** One move of an alias. */
export interface AliasMove {
  readonly version: string;
  /** ISO 8601. */
  readonly time: string;
  /** A rollback goes back to the version before the one it left. */
  readonly by: 'alias' | 'rollback';
}

/** Every alias of one name, with its moves, oldest first. */
export type Aliases = Readonly<Record<string, readonly AliasMove[]>>;

/** Beyond that the oldest moves are forgotten: a move every hour for a month. */
const HISTORY_MAX = 720;

export function currentVersion(aliases: Aliases, alias: string): string | undefined {
  return moves(aliases, alias).at(-1)?.version;
}

export function pointAlias(aliases: Aliases, alias: string, version: string, time: string): Aliases {
  if (currentVersion(aliases, alias) === version) return aliases;
  return { ...aliases, [alias]: append(moves(aliases, alias), { version, time, by: 'alias' }) };
}

export function withoutAlias(aliases: Aliases, alias: string): Aliases {
  return Object.fromEntries(Object.entries(aliases).filter(([name]) => name !== alias));
}

/** Back to the version before that `exists`; undefined when there is none. */
export function rollBackAlias(
  aliases: Aliases,
  alias: string,
  time: string,
  exists: (version: string) => boolean,
): Aliases | undefined {
  const history = moves(aliases, alias);
  const target = path(history)
    .slice(0, -1)
    .findLast((version) => exists(version));
  if (target === undefined) return undefined;
  return { ...aliases, [alias]: append(history, { version: target, time, by: 'rollback' }) };
}

/** The versions by which the alias came to where it is: a rollback returns on the path, so that two in a row go back two steps. */
function path(history: readonly AliasMove[]): string[] {
  let versions: string[] = [];
  for (const { version, by } of history) {
    const back = by === 'rollback' ? versions.lastIndexOf(version, -2) : -1;
    versions = back === -1 ? [...versions, version] : versions.slice(0, back + 1);
  }
  return versions;
}

export function readAliases(text: string | undefined, where: string): Aliases {
  if (text === undefined) return {};
  try {
    const value: unknown = JSON.parse(text);
    if (isMapping(value) && Object.values(value).every(isHistory)) return value as Aliases;
  } catch {
    // Falls through to the one error.
  }
  throw new EkibenError(
    'EKIBEN_ALIASES_INVALID',
    `${where} is damaged: it does not hold aliases; delete it to start anew`,
  );
}

function isHistory(value: unknown): boolean {
  return Array.isArray(value) && value.every((move) => isMapping(move) && typeof move['version'] === 'string');
}

function moves(aliases: Aliases, alias: string): readonly AliasMove[] {
  return Object.hasOwn(aliases, alias) ? (aliases[alias] ?? []) : [];
}

function append(history: readonly AliasMove[], move: AliasMove): readonly AliasMove[] {
  return [...history, move].slice(-HISTORY_MAX);
}
