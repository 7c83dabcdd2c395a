// Versioned directories on disk with a manifest each: what the model store and the bento store have in common.
import { mkdir, readFile, rename, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { EkibenError, type ErrorCode } from '@ekiben/spec';
import { createEntryGuard } from './archive/entry.ts';
import { readArchive, readFileChunks } from './archive/read.ts';
import { discardDraft, openDraft, type StoreDraft } from './draft.ts';
import { errorCode, explainDiskError, isMissing, readDirectory, replaceFile, syncDirectory } from './files.ts';
import { layout, type Layout } from './layout.ts';
import type { ArchiveLimits } from './limits.ts';
import { MANIFEST_MAX_BYTES } from './limits.ts';
import { nearest } from './nearest.ts';
import { isDirectory, nameDirectories, readLatest, versionDirectories } from './resolve.ts';
import { formatTag, LATEST, parseTag, requireNewTag } from './tag.ts';
import { invalidManifest } from './yaml.ts';

/** What a manifest says of every kind of item. */
export interface ItemInfo {
  readonly tag: string;
  readonly name: string;
  readonly version: string;
  readonly creationTime: string;
}

/** What tells the two stores apart. */
export interface ItemKind<Info extends ItemInfo> {
  /** The directory in the home. */
  readonly directory: 'models' | 'bentos';
  /** As BentoML's messages call it. */
  readonly noun: 'Model' | 'Bento';
  readonly manifest: string;
  readonly notFound: ErrorCode;
  /** What shows the user what there is. */
  readonly listCommand: string;
  read(text: string, where: string): Info;
}

export type Stored<Info> = Info & { readonly path: string };

export class DirectoryStore<Info extends ItemInfo> {
  readonly kind: ItemKind<Info>;
  readonly layout: Layout;

  constructor(home: string, kind: ItemKind<Info>) {
    this.kind = kind;
    this.layout = layout(home, kind.directory);
  }

  /** @throws EKIBEN_TAG_INVALID, EKIBEN_TAG_AMBIGUOUS, the kind's `notFound`, EKIBEN_MANIFEST_INVALID */
  async get(text: string): Promise<Stored<Info>> {
    const { name, version } = parseTag(text);
    const found =
      version === undefined || version === LATEST ? await this.#newest(name) : await this.#version(name, version);
    return this.#read(name, found);
  }

  /** Every complete version, newest first; of one name if given. */
  async list(name?: string): Promise<Stored<Info>[]> {
    const names = name === undefined ? await nameDirectories(this.layout) : [name];
    const items: Stored<Info>[] = [];
    for (const each of names) items.push(...(await this.#readAll(each)));
    return items.toSorted(newestFirst);
  }

  /** Writes a draft through `fill` and moves it into the store: all of it, or nothing. */
  async add(fill: (draft: StoreDraft) => Promise<void>): Promise<Stored<Info>> {
    const draft = await openDraft(this.layout.drafts);
    try {
      await fill(draft);
      return await this.#commit(draft);
    } catch (error) {
      throw explainDiskError(error, this.layout.home);
    } finally {
      await discardDraft(draft);
    }
  }

  /** Reads an archive into the store. */
  async import(path: string, limits?: ArchiveLimits): Promise<Stored<Info>> {
    return this.add(async (draft) => {
      let packed = 0;
      const guard = createEntryGuard(limits, () => packed);
      const counted = (async function* () {
        for await (const chunk of readFileChunks(path)) {
          packed += chunk.length;
          yield chunk;
        }
      })();
      for await (const entry of readArchive(counted)) {
        const inside = guard.admit(entry);
        if (entry.type === 'directory') await mkdir(join(draft.dir, inside), { recursive: true });
        else await draft.add(inside, entry.body, { executable: entry.executable, grow: (bytes) => guard.grow(bytes) });
      }
    });
  }

  async #commit(draft: StoreDraft): Promise<Stored<Info>> {
    const info = await this.#readManifest(draft.dir, this.kind.manifest);
    requireNewTag(info.name, info.version);
    const { name, version } = info;
    const target = this.layout.item(name, version);
    await syncDirectory(draft.dir);
    await mkdir(this.layout.name(name), { recursive: true });
    const newest = await this.#newestInfo(name);
    // `latest` first: until the rename, it names nothing, and readers look for the newest themselves.
    if (newest === undefined || newestFirst(info, newest) <= 0) {
      await replaceFile(this.layout.latest(name), version, this.layout.drafts);
    }
    try {
      await rename(draft.dir, target);
    } catch (error) {
      if (errorCode(error) !== 'ENOTEMPTY' && errorCode(error) !== 'EEXIST') throw error;
      throw new EkibenError('EKIBEN_ALREADY_EXISTS', `${this.kind.noun} '${info.tag}' is in the store already`);
    }
    await syncDirectory(this.layout.name(name));
    return { ...info, path: target };
  }

  async #newest(name: string): Promise<string> {
    const latest = (await readLatest(this.layout, name)) ?? (await this.#newestInfo(name))?.version;
    if (latest !== undefined) return latest;
    const near = nearest(name, await nameDirectories(this.layout));
    throw this.#notFound(
      `no ${this.kind.noun}s with name '${name}' exist in the store at ${this.layout.items}`,
      near === undefined ? undefined : `did you mean '${near}'?`,
    );
  }

  async #version(name: string, wanted: string): Promise<string> {
    if (await isDirectory(this.layout.item(name, wanted))) return wanted;
    const versions = await versionDirectories(this.layout, name);
    const matches = versions.filter((version) => version.startsWith(wanted));
    const [match, second] = matches;
    if (match !== undefined && second === undefined) return match;
    if (match !== undefined) {
      throw new EkibenError(
        'EKIBEN_TAG_AMBIGUOUS',
        `'${formatTag(name, wanted)}' is the beginning of several versions: ${matches.slice(0, 10).join(', ')}`,
      );
    }
    const near = nearest(wanted, versions);
    throw this.#notFound(
      `${this.kind.noun} '${formatTag(name, wanted)}' is not found in the store at ${this.layout.items}`,
      near === undefined ? undefined : `did you mean '${formatTag(name, near)}'?`,
    );
  }

  #notFound(what: string, hint: string | undefined): EkibenError {
    const todo = `\`${this.kind.listCommand}\` shows what there is`;
    return new EkibenError(this.kind.notFound, `${what}; ${hint === undefined ? todo : `${hint} ${todo}`}`);
  }

  async #newestInfo(name: string): Promise<Stored<Info> | undefined> {
    return (await this.#readAll(name)).toSorted(newestFirst)[0];
  }

  /** Complete versions only: one that Python is still writing has no manifest yet, or half of one. */
  async #readAll(name: string): Promise<Stored<Info>[]> {
    const items: Stored<Info>[] = [];
    for (const version of await versionDirectories(this.layout, name)) {
      try {
        items.push(await this.#read(name, version));
      } catch (error) {
        if (!isMissing(error) && !EkibenError.is(error)) throw error;
      }
    }
    return items;
  }

  async #read(name: string, version: string): Promise<Stored<Info>> {
    const path = this.layout.item(name, version);
    const where = join(path, this.kind.manifest);
    const info = await this.#readManifest(path, where);
    if (info.name !== name || info.version !== version) {
      throw invalidManifest(
        where,
        `it describes '${info.tag}', but lies in the directory of '${formatTag(name, version)}'`,
      );
    }
    return { ...info, path };
  }

  async #readManifest(dir: string, where: string): Promise<Info> {
    const path = join(dir, this.kind.manifest);
    let size: number;
    try {
      size = (await stat(path)).size;
    } catch (cause) {
      if (!isMissing(cause)) throw cause;
      const others = (await readDirectory(dir)).slice(0, 5).map((entry) => entry.name);
      const holds = others.length === 0 ? 'there are no files' : `there is ${others.join(', ')}`;
      throw new EkibenError('EKIBEN_MANIFEST_INVALID', `${basename(where)} is missing: ${holds}`, { cause });
    }
    if (size > MANIFEST_MAX_BYTES) throw invalidManifest(where, `it is larger than ${MANIFEST_MAX_BYTES} bytes`);
    return this.kind.read(await readFile(path, 'utf8'), where);
  }
}

/** Versions do not sort by themselves (BentoML's have their lowest time bits first), so it is always the time. */
export function newestFirst(a: ItemInfo, b: ItemInfo): number {
  return (
    Date.parse(b.creationTime) - Date.parse(a.creationTime) ||
    compare(b.creationTime, a.creationTime) ||
    compare(a.tag, b.tag)
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
