// Where everything lies. Only `items` is shared with BentoML; the rest is under `<home>/ekiben`, which Python never reads.
import { join } from 'node:path';
import { LATEST } from './tag.ts';

export interface Layout {
  readonly home: string;
  /** `<home>/models` or `<home>/bentos`. */
  readonly items: string;
  /** What is being changed, a directory per change, see draft.ts. On the same file system as `items`. */
  readonly drafts: string;
  /** Files by content, hard-linked into the versions that have them. */
  readonly objects: string;
  /** What `list` shows, as of the directory times noted in it. */
  readonly index: string;
  name(name: string): string;
  item(name: string, version: string): string;
  /** The file that names the newest version, as BentoML writes it. */
  latest(name: string): string;
  lock(name: string): string;
  /** Aliases of a name and their history. */
  aliases(name: string): string;
  /** SHA-256 of every file of a version. */
  digests(name: string, version: string): string;
}

export function layout(home: string, kind: 'models' | 'bentos'): Layout {
  const items = join(home, kind);
  const ours = join(home, 'ekiben', kind);
  return {
    home,
    items,
    drafts: join(ours, 'drafts'),
    objects: join(home, 'ekiben', 'objects'),
    index: join(ours, 'index.json'),
    name: (name) => join(items, name),
    item: (name, version) => join(items, name, version),
    latest: (name) => join(items, name, LATEST),
    lock: (name) => join(ours, 'locks', name),
    aliases: (name) => join(ours, 'aliases', `${name}.json`),
    digests: (name, version) => join(ours, 'digests', name, `${version}.json`),
  };
}
