// The bento store: packaged services, in BentoML's layout.
import { join, resolve } from 'node:path';
import type { Draft } from '@ekiben/spec';
import type { Aliases } from './aliases.ts';
import { BENTO_MANIFEST, readBentoManifest, type BentoInfo } from './bento-manifest.ts';
import type { Outcome } from './commit.ts';
import { DirectoryStore } from './directory-store.ts';
import type { Exported, ExportOptions } from './export.ts';
import { readManifestIn } from './ground.ts';
import { storeHome } from './home.ts';
import type { ImportOptions, ImportSource } from './import.ts';
import type { ItemFacts, ItemKind, Listed, Stored } from './kind.ts';
import { MODELS } from './model-store.ts';
import type { Pruned } from './prune.ts';
import { formatTag, parseTag } from './tag.ts';
import type { Verification } from './verify.ts';

/** What the store knows of a bento. */
export type StoredBento = Stored<BentoInfo>;

/** A bento as `list` shows it, without its manifest having been read anew. */
export type ListedBento = Listed<ItemFacts>;

/** A bento that an archive brought. */
export interface ImportedBento extends StoredBento {
  /** `unchanged`: it was there already, with equal content. */
  readonly outcome: Outcome;
  /** Models that came in the archive and went to the model store. */
  readonly importedModels: readonly { readonly tag: string; readonly outcome: Outcome }[];
}

const BENTOS: ItemKind<BentoInfo, ItemFacts> = {
  directory: 'bentos',
  noun: 'Bento',
  manifest: BENTO_MANIFEST,
  extension: 'bento',
  notFound: 'EKIBEN_BENTO_NOT_FOUND',
  listCommand: 'ekiben list',
  read: readBentoManifest,
  facts: ({ labels, creationTime }) => ({ labels, creationTime }),
  list: ({ tag, name, version, path, size }, { labels, creationTime }) => ({
    tag,
    name,
    version,
    labels,
    creationTime,
    size,
    path,
  }),
};

interface Stores {
  readonly bentos: DirectoryStore<BentoInfo, ItemFacts>;
  /** Where models that travel with bentos come from and go to. */
  readonly models: ReturnType<typeof openModels>;
}

/** Bentos by `name`, `name:latest`, `name:version`, `name:alias` or the unique beginning of a version, as in the model store. */
export class BentoStore {
  readonly #home: string | undefined;
  #opened: Stores | undefined;

  /** @param home - the home of the stores. @default `EKIBEN_HOME`, else `BENTOML_HOME`, else `~/bentoml` */
  constructor(home?: string) {
    this.#home = home;
  }

  // The environment is read at the first use, so that a program may set it after importing this module.
  get #stores(): Stores {
    const home = storeHome(this.#home);
    return (this.#opened ??= { bentos: new DirectoryStore(home, BENTOS), models: openModels(home) });
  }

  /** The directory of the bentos, `<home>/bentos`. */
  get path(): string {
    return this.#stores.bentos.ground.layout.items;
  }

  /**
   * One bento; reads `bento.yaml` only.
   * @throws EKIBEN_BENTO_NOT_FOUND, EKIBEN_TAG_INVALID, EKIBEN_TAG_AMBIGUOUS, EKIBEN_ALIAS_DANGLING, EKIBEN_MANIFEST_INVALID
   */
  async get(tag: string): Promise<StoredBento> {
    return this.#stores.bentos.get(tag);
  }

  /**
   * A bento directory outside the store, such as an unpacked archive.
   * @throws EKIBEN_MANIFEST_INVALID, also when it has no `bento.yaml`
   */
  async open(path: string): Promise<StoredBento> {
    const absolute = resolve(path);
    return { ...(await readManifestIn(BENTOS, absolute, join(absolute, BENTO_MANIFEST))), path: absolute };
  }

  /** The tag that `tag` means now: `name:version`, never an alias or `latest`. Throws as `get` does. */
  async resolve(tag: string): Promise<string> {
    const { name, version } = await this.#stores.bentos.resolve(tag);
    return formatTag(name, version);
  }

  /** Bentos, newest first. */
  async list(
    filter:
      | string
      | { readonly name?: string | undefined; readonly labels?: Readonly<Record<string, string>> | undefined } = {},
  ): Promise<ListedBento[]> {
    const { name, labels = {} } = typeof filter === 'string' ? { name: filter } : filter;
    const found = await this.#stores.bentos.list(name === undefined ? undefined : parseTag(name).name);
    return found.filter((bento) => Object.entries(labels).every(([key, value]) => bento.labels[key] === value));
  }

  /**
   * Stores a bento that `write` puts into the draft, `bento.yaml` with its name and version included. It is there completely, or
   * not at all.
   * @throws EKIBEN_MANIFEST_INVALID, EKIBEN_TAG_INVALID, EKIBEN_ALREADY_EXISTS, EKIBEN_STORE_DISK_FULL, EKIBEN_STORE_NOT_WRITABLE
   */
  async create(write: (draft: Draft) => Promise<void>): Promise<StoredBento> {
    const { item } = await this.#stores.bentos.add(write);
    return item;
  }

  /** Removes one version, and returns its tag. Its models stay. @throws EKIBEN_BENTO_NOT_FOUND, EKIBEN_STORE_NOT_WRITABLE */
  async delete(tag: string): Promise<string> {
    return this.#stores.bentos.remove(tag);
  }

  /**
   * Writes a bento with its models as an archive, in the formats of {@link ModelStore.export}.
   * @param to - a path, a directory, `-` or `s3://bucket/key`. @default `name-version.bento` in the working directory
   * @throws as {@link ModelStore.export}; EKIBEN_MODEL_NOT_FOUND when a model of the bento is missing
   */
  async export(tag: string, to = '', options: ExportOptions = {}): Promise<Exported> {
    const { bentos, models } = this.#stores;
    const { exportItem, packItems } = await import('./export.ts');
    const { packModels } = await import('./bento-models.ts');
    const bento = await bentos.get(tag);
    const items = [...(await packItems(bento.path, BENTO_MANIFEST)), ...(await packModels(bento, models))];
    return exportItem({ ...bento, items, extension: BENTOS.extension }, to, options);
  }

  /**
   * Brings an archive, or a folder, into the store; the models beside a bento of BentoML 1.1 or newer go to the model store.
   * @throws as {@link ModelStore.import}
   */
  async import(source: ImportSource, options: ImportOptions = {}): Promise<ImportedBento> {
    const { bentos, models } = this.#stores;
    const { keepsModels, moveModelsOut } = await import('./bento-models.ts');
    let importedModels: ImportedBento['importedModels'] = [];
    const { item, outcome } = await bentos.import(source, options, async (draft) => {
      const info = await readManifestIn(BENTOS, draft.dir, BENTO_MANIFEST);
      if (!keepsModels(info)) importedModels = await moveModelsOut(draft, models, options.force ?? false);
    });
    return { ...item, outcome, importedModels };
  }

  /**
   * Tags that begin with `prefix`: names, and after a colon `latest`, aliases and versions. Reads directory names only, for completion.
   */
  async suggest(prefix: string): Promise<string[]> {
    return this.#stores.bentos.suggest(prefix);
  }

  /** The aliases of a name, each with its moves, oldest first. */
  async aliases(name: string): Promise<Aliases> {
    return this.#stores.bentos.aliases(name);
  }

  /** Points an alias at a version, and returns the version's tag. @throws EKIBEN_ALIAS_INVALID, EKIBEN_BENTO_NOT_FOUND */
  async alias(tag: string, alias: string): Promise<string> {
    return this.#stores.bentos.alias(tag, alias);
  }

  /** @throws EKIBEN_ALIAS_NOT_FOUND */
  async removeAlias(name: string, alias: string): Promise<void> {
    return this.#stores.bentos.removeAlias(name, alias);
  }

  /** Points an alias at the version before, and returns its tag. @throws EKIBEN_ALIAS_NOT_FOUND, EKIBEN_ALIAS_NO_HISTORY */
  async rollback(name: string, alias: string): Promise<string> {
    return this.#stores.bentos.rollback(name, alias);
  }

  /** Compares files with the digests that were recorded when they came, as {@link ModelStore.verify} does. */
  async verify(tag?: string, options: { readonly record?: boolean | undefined } = {}): Promise<Verification[]> {
    return this.#stores.bentos.verify(tag, options.record ?? false);
  }

  /** Frees what no version needs any more. */
  async prune(): Promise<Pruned> {
    return this.#stores.bentos.prune();
  }
}

/** The default store. */
export const bentos: BentoStore = new BentoStore();

function openModels(home: string) {
  return new DirectoryStore(home, MODELS);
}
