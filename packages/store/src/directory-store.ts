// Versioned directories on disk with a manifest each, in BentoML's layout: what the model store and the bento store share.
import { EkibenError } from '@ekiben/spec';
import { readAliasFile, writeAliasFile } from './alias-file.ts';
import { currentVersion, pointAlias, rollBackAlias, withoutAlias, type Aliases } from './aliases.ts';
import type { Committed } from './commit.ts';
import type { StoreDraft } from './draft.ts';
import { ifThere, isDirectory, readNames } from './files.ts';
import { changing, listItems, readItem, ifDiskAllows, type Ground } from './ground.ts';
import type { ImportOptions, ImportSource } from './import.ts';
import type { ItemFacts, ItemInfo, ItemKind, Listed, Stored } from './kind.ts';
import { layout } from './layout.ts';
import { directoryNames } from './list-index.ts';
import type { Pruned } from './prune.ts';
import { nameNotFound, resolveTag, type ResolvedTag } from './resolve.ts';
import { formatTag, isTagPart, LATEST, parseTag } from './tag.ts';
import type { Verification } from './verify.ts';

// What changes a store, and the codecs, are loaded when they are needed: most commands only look.
export class DirectoryStore<Info extends ItemInfo, Facts extends ItemFacts> {
  readonly ground: Ground<Info, Facts>;

  constructor(home: string, kind: ItemKind<Info, Facts>) {
    this.ground = { kind, layout: layout(home, kind.directory) };
  }

  async resolve(tag: string): Promise<ResolvedTag> {
    try {
      return await resolveTag(this.ground, tag);
    } catch (error) {
      // A crash in the middle of a replacement leaves the item taken out; it is put back, and looked for again.
      if (!EkibenError.is(error) || error.code !== this.ground.kind.notFound) throw error;
      if (!(await ifDiskAllows(this.#recover()))) throw error;
      return resolveTag(this.ground, tag);
    }
  }

  async get(tag: string): Promise<Stored<Info>> {
    for (;;) {
      const { name, version } = await this.resolve(tag);
      try {
        return await readItem(this.ground, name, version);
      } catch (error) {
        // Deleted between the look and the reading: `latest` may be another by now, and a version is no longer found.
        if (await isDirectory(this.ground.layout.item(name, version))) throw error;
      }
    }
  }

  async list(name?: string): Promise<Listed<Facts>[]> {
    await ifDiskAllows(this.#recover());
    return listItems(this.ground, name);
  }

  /** Looks at directory names only: completion has to be quick. */
  async suggest(prefix: string): Promise<string[]> {
    const { layout: paths } = this.ground;
    const [name = '', version] = prefix.split(':');
    if (version === undefined) return directoryNames(paths.items).filter((each) => each.startsWith(name));
    if (!isTagPart(name)) return [];
    const versions = directoryNames(paths.name(name));
    if (versions.length === 0) return [];
    const words = [LATEST, ...Object.keys(await readAliasFile(this.ground, name)), ...versions];
    return words.filter((each) => each.startsWith(version)).map((each) => formatTag(name, each));
  }

  /** Writes an item through `fill` and moves it into the store: all of it, or nothing. */
  async add(fill: (draft: StoreDraft) => Promise<void>, force = false): Promise<Committed<Info>> {
    const { openDraft, discardDraft } = await import('./draft.ts');
    const { commitDraft } = await import('./commit.ts');
    return this.#changing(async () => {
      const draft = await openDraft(this.ground.layout.drafts);
      try {
        await fill(draft);
        return await commitDraft(this.ground, draft, force);
      } finally {
        await discardDraft(draft.root);
      }
    });
  }

  /** @param adjust - looks at what was unpacked before it moves in */
  async import(
    source: ImportSource,
    options: ImportOptions,
    adjust: (draft: StoreDraft) => Promise<void> = async () => {},
  ): Promise<Committed<Info>> {
    const { namingSource, unpackInto } = await import('./import.ts');
    try {
      return await this.add(async (draft) => {
        await unpackInto(draft, source, this.ground.kind, options);
        await adjust(draft);
      }, options.force);
    } catch (error) {
      options.signal?.throwIfAborted();
      throw namingSource(error, source);
    }
  }

  async remove(tag: string): Promise<string> {
    const { removeItem } = await import('./remove.ts');
    const item = await this.resolve(tag);
    await this.#changing(() => removeItem(this.ground, item));
    return formatTag(item.name, item.version);
  }

  async aliases(name: string): Promise<Aliases> {
    return readAliasFile(this.ground, parseTag(name).name);
  }

  async alias(tag: string, alias: string): Promise<string> {
    requireAliasName(alias);
    const { name, version } = await this.resolve(tag);
    if (directoryNames(this.ground.layout.name(name)).includes(alias)) {
      throw invalidAlias(alias, `'${formatTag(name, alias)}' is a version`);
    }
    await this.#changeAliases(name, (aliases) => pointAlias(aliases, alias, version, new Date().toISOString()));
    return formatTag(name, version);
  }

  async removeAlias(name: string, alias: string): Promise<void> {
    await this.#changeAliases(parseTag(name).name, (aliases) => {
      requireAlias(aliases, name, alias);
      return withoutAlias(aliases, alias);
    });
  }

  async rollback(name: string, alias: string): Promise<string> {
    const { name: only } = parseTag(name);
    const versions = new Set(directoryNames(this.ground.layout.name(only)));
    const aliases = await this.#changeAliases(only, (before) => {
      requireAlias(before, only, alias);
      const after = rollBackAlias(before, alias, new Date().toISOString(), (version) => versions.has(version));
      if (after !== undefined) return after;
      throw new EkibenError(
        'EKIBEN_ALIAS_NO_HISTORY',
        `the alias '${formatTag(only, alias)}' pointed at no other version before that is still in the store`,
      );
    });
    return formatTag(only, currentVersion(aliases, alias) ?? '');
  }

  async verify(tag: string | undefined, record: boolean): Promise<Verification[]> {
    const { verifyItem } = await import('./verify.ts');
    await ifDiskAllows(this.#recover());
    const results: Verification[] = [];
    for (const item of await this.#versions(tag)) {
      // One that is deleted meanwhile is neither intact nor damaged.
      const result = await ifThere(verifyItem(this.ground, item, record));
      if (result !== undefined) results.push(result);
    }
    return results;
  }

  async prune(): Promise<Pruned> {
    const { prune } = await import('./prune.ts');
    return changing(this.ground.layout, () => prune(this.ground));
  }

  /** All, all of a name, or one. */
  async #versions(tag: string | undefined): Promise<ResolvedTag[]> {
    const { allVersions } = await import('./verify.ts');
    if (tag === undefined) return allVersions(this.ground);
    const { name, version } = parseTag(tag);
    if (version !== undefined) return [await this.resolve(tag)];
    const versions = allVersions(this.ground, name);
    if (versions.length === 0) throw nameNotFound(this.ground, name);
    return versions;
  }

  async #changeAliases(name: string, change: (aliases: Aliases) => Aliases): Promise<Aliases> {
    const { withLock } = await import('./lock.ts');
    const { layout: paths } = this.ground;
    return this.#changing(() =>
      withLock(paths.lock(name), paths.drafts, async () => {
        const before = await readAliasFile(this.ground, name);
        const after = change(before);
        if (after !== before) await writeAliasFile(this.ground, name, after);
        return after;
      }),
    );
  }

  async #changing<T>(step: () => Promise<T>): Promise<T> {
    return changing(this.ground.layout, async () => {
      await this.#recover();
      return step();
    });
  }

  /** @returns how many changes of processes that died were undone or finished */
  async #recover(): Promise<number> {
    if ((await readNames(this.ground.layout.drafts)).length === 0) return 0;
    const { recover } = await import('./recover.ts');
    return recover(this.ground);
  }
}

function requireAliasName(alias: string): void {
  if (!isTagPart(alias)) throw invalidAlias(alias, 'it has to be written like a version, in lower case');
  if (alias === LATEST) throw invalidAlias(alias, `'${LATEST}' always means the newest version`);
}

function requireAlias(aliases: Aliases, name: string, alias: string): void {
  if (currentVersion(aliases, alias) !== undefined) return;
  const names = Object.keys(aliases);
  const known = names.length === 0 ? 'it has none' : `it has ${names.join(', ')}`;
  throw new EkibenError('EKIBEN_ALIAS_NOT_FOUND', `'${name}' has no alias ${JSON.stringify(alias)}; ${known}`);
}

function invalidAlias(alias: string, why: string): EkibenError {
  return new EkibenError('EKIBEN_ALIAS_INVALID', `${JSON.stringify(alias)} cannot be an alias: ${why}`);
}
