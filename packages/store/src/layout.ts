// Where everything lies. Only `items` is shared with BentoML; the rest is under `<home>/ekiben`, which Python never reads.
import { join } from 'node:path';
import { LATEST } from './tag.ts';

export interface Layout {
  readonly home: string;
  /** `<home>/models` or `<home>/bentos`. */
  readonly items: string;
  /** What is being written, one directory each, on the same file system as `items`. */
  readonly drafts: string;
  /** What was taken out of `items` and is being removed. */
  readonly trash: string;
  /** One lock per name. */
  readonly locks: string;
  /** Aliases and their history, one file per name. */
  readonly aliases: string;
  /** SHA-256 of every file, one file per version. */
  readonly digests: string;
  /** Files by content, hard-linked into the versions that have them. */
  readonly objects: string;
  /** What `list` needs, as of the directory times noted in it. */
  readonly index: string;
  name(name: string): string;
  item(name: string, version: string): string;
  latest(name: string): string;
}

export function layout(home: string, kind: 'models' | 'bentos'): Layout {
  const items = join(home, kind);
  const ours = join(home, 'ekiben');
  return {
    home,
    items,
    drafts: join(ours, kind, 'drafts'),
    trash: join(ours, kind, 'trash'),
    locks: join(ours, kind, 'locks'),
    aliases: join(ours, kind, 'aliases'),
    digests: join(ours, kind, 'digests'),
    objects: join(ours, 'objects'),
    index: join(ours, kind, 'index.json'),
    name: (name) => join(items, name),
    item: (name, version) => join(items, name, version),
    latest: (name) => join(items, name, LATEST),
  };
}
