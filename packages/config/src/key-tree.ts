/** The tables as one tree, in which a path finds its key. */
import { distance } from 'fastest-levenshtein';
import { meaninglessKeys, renamedKeys } from './foreign-keys.ts';
import { runnerKeys, serverKeys, tracingKeys } from './keys.ts';
import type { Key } from './keys.ts';
import { integer } from './value-types.ts';
import { parsePath, pathText } from './paths.ts';
import type { Path } from './paths.ts';

export interface KeyNode {
  readonly children: Map<string, KeyNode>;
  /** Of a leaf. */
  readonly key?: Key;
  /** Its present name, if it has another, from the root. */
  readonly standsFor?: Path;
  /** Why nothing below has a meaning. */
  readonly meaningless?: string;
}

type Leaf = Omit<KeyNode, 'children'>;

/** `*` among the children: a name that the user chose. */
export const ANY = '*';

const version: Key = {
  type: integer(1, 2),
  meaning: "of BentoML's configuration; both are read, whatever it says",
  since: '1.0.11',
  option: '',
  default: null,
};

const ONE_SERVER = 'one server is configured at a time; say it of all services';

export const keyTree: KeyNode = plant();

function plant(): KeyNode {
  const root: KeyNode = { children: new Map() };
  const add = (path: Path, leaf: Leaf) => insert(root, path, { children: new Map(), ...leaf });
  add(['version'], { key: version });
  const keys = [...presentKeys()];
  for (const [path, key] of keys) add(path, { key });
  for (const [name, meaningless] of Object.entries(meaninglessKeys)) add(parsePath(name), { meaningless });
  for (const [from, to] of Object.entries(renamedKeys)) {
    const present = parsePath(to);
    for (const [path, key] of keys.filter(([each]) => startsWith(each, present))) {
      add([...parsePath(from), ...path.slice(present.length)], { key, standsFor: path });
    }
  }
  for (const [path, leaf] of servicesKeys()) add(['services', ...path], leaf);
  return root;
}

function* presentKeys(): Generator<[Path, Key]> {
  for (const [name, key] of entries(serverKeys)) yield [['api_server', ...parsePath(name)], key];
  for (const [name, key] of entries(runnerKeys)) {
    yield [['runners', ...parsePath(name)], key];
    yield [['runners', ANY, ...parsePath(name)], key];
  }
  for (const [name, key] of entries(tracingKeys)) yield [['tracing', ...parsePath(name)], key];
}

/** BentoML 1.2 has one section, `services`, for what a server and what a runner is told: of all services, and of one. */
function* servicesKeys(): Generator<[Path, Leaf]> {
  for (const [name, key] of entries(serverKeys)) {
    if (key.since === null) continue;
    const path = parsePath(name);
    yield [path, { key, standsFor: ['api_server', ...path] }];
    yield [[ANY, ...path], { meaningless: ONE_SERVER }];
  }
  for (const [name, key] of entries(runnerKeys)) {
    if (key.since === null || !/^(batching|resources)\b/.test(name)) continue;
    const path = parsePath(name);
    yield [path, { key, standsFor: ['runners', ...path] }];
    yield [[ANY, ...path], { key, standsFor: ['runners', ANY, ...path] }];
  }
  for (const [name, key] of entries(tracingKeys)) {
    const path = ['tracing', ...parsePath(name)];
    yield [path, { key, standsFor: path }];
    yield [[ANY, ...path], { meaningless: ONE_SERVER }];
  }
  for (const [name, meaningless] of Object.entries(meaninglessKeys)) {
    const [section = '', ...rest] = parsePath(name);
    const path = section === 'tracing' ? [section, ...rest] : rest;
    if (!['services', 'api_server', 'tracing'].includes(section)) continue;
    yield [path, { meaningless }];
    yield [[ANY, ...path], { meaningless }];
  }
}

function startsWith(path: Path, prefix: Path): boolean {
  return prefix.every((segment, at) => path[at] === segment);
}

function insert(node: KeyNode, [segment, ...rest]: Path, leaf: KeyNode): void {
  if (segment === undefined) return;
  const child = node.children.get(segment) ?? { children: new Map() };
  node.children.set(segment, rest.length === 0 ? leaf : child);
  if (rest.length > 0) insert(child, rest, leaf);
}

function entries<K extends string>(keys: Readonly<Record<K, Key>>): [K, Key][] {
  return Object.entries(keys) as [K, Key][];
}

/** Every key, from the root, with `*` for a name. */
function* keyPaths(node: KeyNode, path: Path = []): Generator<[Path, KeyNode]> {
  if (node.key !== undefined) yield [path, node];
  for (const [segment, child] of node.children) yield* keyPaths(child, [...path, segment]);
}

/** The key that was probably meant: one that is spelled alike, or the same word in another place. */
export function nearestKey(path: Path): string | undefined {
  const typed = pathText(path);
  const last = path.at(-1) ?? '';
  let best: string | undefined;
  let least = Math.max(2, Math.floor(last.length / 3)) + 1;
  for (const [candidate, { standsFor = candidate }] of keyPaths(keyTree)) {
    const isElsewhere = candidate.at(-1) === last && last.length >= 4;
    const apart = Math.min(distance(typed, pathText(named(candidate, path))), isElsewhere ? 2.5 : Infinity);
    if (apart < least) [best, least] = [pathText(named(standsFor, path)), apart];
  }
  return best;
}

/** With the name that was typed, where the pattern has any. */
export function named(pattern: Path, typed: Path): Path {
  return pattern.map((segment, at) => (segment === ANY ? (typed[at] ?? 'NAME') : segment));
}
