// The model store: what `bentoml.models` does, and what BentoML's lacks.
import { channel } from 'node:diagnostics_channel';
import type { CustomObject, Draft, Framework, Signature, Signatures } from '@ekiben/spec';
import type { Aliases } from './aliases.ts';
import type { Outcome } from './commit.ts';
import { DirectoryStore } from './directory-store.ts';
import type { StoreDraft } from './draft.ts';
import type { Exported, ExportOptions } from './export.ts';
import { pinnedTags, storeHome } from './home.ts';
import type { ImportOptions, ImportSource } from './import.ts';
import type { ItemFacts, ItemKind, Listed, Stored } from './kind.ts';
import { requireMetadata } from './metadata.ts';
import { bindModel, CUSTOM_OBJECTS_JSON, requireSpecVersion, type Model, type StoredModel } from './model.ts';
import {
  MODEL_MANIFEST,
  readModelManifest,
  writeModelManifest,
  type ModelContext,
  type ModelInfo,
} from './model-manifest.ts';
import type { Pruned } from './prune.ts';
import { formatTag, LATEST, parseTag, requireNewTag } from './tag.ts';
import type { Verification } from './verify.ts';
import { newVersion } from './version.ts';

interface ModelFacts extends ItemFacts {
  readonly module: string;
}

/** On the diagnostics channel `ekiben:store:resolved`: a model was asked for. */
export interface TagResolved {
  readonly home: string;
  /** With `latest` where no version was asked for: what a process that starts others pins for them. */
  readonly tag: string;
  readonly resolved: string;
}

const tagResolved = channel('ekiben:store:resolved');

/** A model as `list` shows it, without its manifest having been read anew. */
export type ListedModel = Listed<ModelFacts>;

export const MODELS: ItemKind<ModelInfo, ModelFacts> = {
  directory: 'models',
  noun: 'Model',
  manifest: MODEL_MANIFEST,
  extension: 'bentomodel',
  notFound: 'EKIBEN_MODEL_NOT_FOUND',
  listCommand: 'ekiben models list',
  read: readModelManifest,
  facts: ({ module, labels, creationTime }) => ({ module, labels, creationTime }),
  // Written out: over ten thousand models, spreading one object into another takes a tenth of a second.
  list: ({ tag, name, version, path, size }, { module, labels, creationTime }) => ({
    tag,
    name,
    version,
    module,
    labels,
    creationTime,
    size,
    path,
  }),
};

export interface SaveOptions<Methods extends object, Options extends object> {
  /** How calls of each method may meet; also adds methods that the framework does not list by itself. @default what the framework says */
  readonly signatures?: Partial<Signatures<Methods>> | undefined;
  /** For finding models, such as `{ stage: 'dev' }`. */
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /** Data set, scores, parameters: strings, numbers, booleans, lists and mappings. */
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
  /** The framework's own. */
  readonly options?: Options | undefined;
  /** Values saved beside the model, by name; made with `customObject(value, codec)`. */
  readonly customObjects?: Readonly<Record<string, CustomObject>> | undefined;
}

export interface CreateOptions {
  /** What loads the model, such as `bentoml.xgboost` or the npm name of an adapter. @default `''`: plain files */
  readonly module?: string | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
  readonly options?: Readonly<Record<string, unknown>> | undefined;
  /** By their names in `model.yaml`. */
  readonly signatures?: Readonly<Record<string, Signature>> | undefined;
  readonly context?: Partial<ModelContext> | undefined;
}

export interface ListFilter {
  readonly name?: string | undefined;
  readonly module?: string | undefined;
  /** All of these must be there and equal. */
  readonly labels?: Readonly<Record<string, string>> | undefined;
}

/** A model that an archive brought. */
export interface ImportedModel extends StoredModel {
  /** `unchanged`: it was there already, with equal content. */
  readonly outcome: Outcome;
}

export class ModelStore {
  readonly #home: string | undefined;
  #opened: DirectoryStore<ModelInfo, ModelFacts> | undefined;

  /** @param home - the home of the stores. @default `EKIBEN_HOME`, else `BENTOML_HOME`, else `~/bentoml` */
  constructor(home?: string) {
    this.#home = home;
  }

  // The environment is read at the first use, so that a program may set it after importing this module.
  get #models(): DirectoryStore<ModelInfo, ModelFacts> {
    return (this.#opened ??= new DirectoryStore(storeHome(this.#home), MODELS));
  }

  /** The directory of the models, `<home>/models`. */
  get path(): string {
    return this.#models.ground.layout.items;
  }

  /**
   * One model by `name`, `name:latest`, `name:version`, `name:alias` or the unique beginning of a version. Reads `model.yaml` only.
   * With a framework, the model can be loaded; without, it is described.
   * @throws EKIBEN_MODEL_NOT_FOUND, EKIBEN_TAG_INVALID, EKIBEN_TAG_AMBIGUOUS, EKIBEN_ALIAS_DANGLING, EKIBEN_MANIFEST_INVALID,
   *   EKIBEN_FRAMEWORK_MISMATCH, EKIBEN_FRAMEWORK_SPEC_VERSION
   */
  get<Native extends Source, Methods extends object, Options extends object, Source>(
    tag: string,
    framework: Framework<Native, Methods, Options, Source>,
  ): Promise<Model<Native, Methods>>;
  get(tag: string): Promise<StoredModel>;
  async get(tag: string, framework?: Framework<unknown, object>): Promise<StoredModel | Model<unknown, object>> {
    const stored = await this.#models.get(pinned(tag));
    this.#publish(tag, stored.tag);
    return framework === undefined ? stored : bindModel(stored, framework);
  }

  /** The tag that `tag` means now: `name:version`, never an alias or `latest`. Throws as `get` does. */
  async resolve(tag: string): Promise<string> {
    const { name, version } = await this.#models.resolve(pinned(tag));
    const resolved = formatTag(name, version);
    this.#publish(tag, resolved);
    return resolved;
  }

  /** Models, newest first. */
  async list(filter: string | ListFilter = {}): Promise<ListedModel[]> {
    const { name, module, labels = {} } = typeof filter === 'string' ? { name: filter } : filter;
    const found = await this.#models.list(name === undefined ? undefined : parseTag(name).name);
    return found.filter(
      (model) =>
        (module === undefined || model.module === module) &&
        Object.entries(labels).every(([key, value]) => model.labels[key] === value),
    );
  }

  /**
   * Saves a model as a new version of `name`, or as `name:version`. It is there completely, or not at all.
   * @throws EKIBEN_TAG_INVALID, EKIBEN_METADATA_INVALID, EKIBEN_ALREADY_EXISTS, EKIBEN_STORE_DISK_FULL, EKIBEN_STORE_NOT_WRITABLE,
   *   EKIBEN_FRAMEWORK_SPEC_VERSION, and what the framework throws
   */
  async save<Native extends Source, Methods extends object, Options extends object, Source>(
    tag: string,
    model: NoInfer<Source>,
    framework: Framework<Native, Methods, Options, Source>,
    options: SaveOptions<NoInfer<Methods>, NoInfer<Options>> = {},
  ): Promise<Model<Native, Methods>> {
    requireSpecVersion(framework);
    const { labels, metadata } = options;
    const stored = await this.#add(tag, async (draft) => {
      const saved = await framework.save(model, draft, options.options ?? ({} as Options));
      await writeCustomObjects(draft, options.customObjects ?? {});
      const signatures = wireSignatures(
        framework.signatures,
        saved.signatures ?? framework.signatures,
        options.signatures,
      );
      const context = { frameworkName: frameworkName(framework.module), frameworkVersions: saved.versions };
      return {
        module: framework.module,
        labels,
        metadata,
        options: saved.options,
        signatures,
        context,
        apiVersion: saved.apiVersion ?? 'v2',
      };
    });
    return bindModel<Native, Methods>(stored, framework);
  }

  /**
   * Stores any files as a new version of `name`, or as `name:version`, as `bentoml.models.create` does.
   * @param write - writes them into the draft
   * @throws as `save` does
   */
  async create(tag: string, write: (draft: Draft) => Promise<void>, options: CreateOptions = {}): Promise<StoredModel> {
    return this.#add(tag, async (draft) => {
      await write(draft);
      return { ...options, apiVersion: 'v1' };
    });
  }

  /**
   * Removes one version, and returns its tag. Aliases that point at it stay, and say so when they are asked for.
   * @throws EKIBEN_MODEL_NOT_FOUND, EKIBEN_STORE_NOT_WRITABLE
   */
  async delete(tag: string): Promise<string> {
    return this.#models.remove(pinned(tag));
  }

  /**
   * Writes a model as an archive: `.bentomodel` or tar.xz, tar, tar.gz, tar.bz2, zip, or a folder.
   * @param to - a path, a directory, `-` or `s3://bucket/key`. @default `name-version.bentomodel` in the working directory
   * @throws EKIBEN_MODEL_NOT_FOUND, EKIBEN_ARCHIVE_FORMAT_UNKNOWN, EKIBEN_LEVEL_INVALID, EKIBEN_LOCATION_INVALID,
   *   EKIBEN_PATH_NOT_FOUND, EKIBEN_PATH_EXISTS, EKIBEN_DISK_FULL, EKIBEN_XZ_UNAVAILABLE, EKIBEN_S3_FAILED
   */
  async export(tag: string, to = '', options: ExportOptions = {}): Promise<Exported> {
    const model = await this.#models.get(pinned(tag));
    const { exportItem, packItems } = await import('./export.ts');
    const items = await packItems(model.path, MODEL_MANIFEST);
    return exportItem({ ...model, items, extension: MODELS.extension }, to, options);
  }

  /**
   * Brings an archive, or a folder, into the store. What is there already with equal content is left as it is.
   * @throws EKIBEN_ARCHIVE_CORRUPT, EKIBEN_ARCHIVE_FORMAT_UNKNOWN, EKIBEN_ARCHIVE_ENTRY_REFUSED, EKIBEN_ARCHIVE_TOO_LARGE,
   *   EKIBEN_MANIFEST_INVALID, EKIBEN_ALREADY_EXISTS, EKIBEN_PATH_NOT_FOUND, EKIBEN_STORE_DISK_FULL, EKIBEN_DOWNLOAD_REFUSED,
   *   EKIBEN_DOWNLOAD_FAILED, EKIBEN_S3_NOT_FOUND, EKIBEN_S3_FAILED
   */
  async import(source: ImportSource, options: ImportOptions = {}): Promise<ImportedModel> {
    const { item, outcome } = await this.#models.import(source, options);
    return { ...item, outcome };
  }

  /**
   * Tags that begin with `prefix`: names, and after a colon `latest`, aliases and versions. Reads directory names only, for completion.
   */
  async suggest(prefix: string): Promise<string[]> {
    return this.#models.suggest(prefix);
  }

  /** The aliases of a name, each with its moves, oldest first. */
  async aliases(name: string): Promise<Aliases> {
    return this.#models.aliases(name);
  }

  /**
   * Points an alias such as `production` at a version, at once for all readers, and returns the version's tag.
   * @throws EKIBEN_ALIAS_INVALID, EKIBEN_MODEL_NOT_FOUND
   */
  async alias(tag: string, alias: string): Promise<string> {
    return this.#models.alias(pinned(tag), alias);
  }

  /** @throws EKIBEN_ALIAS_NOT_FOUND */
  async removeAlias(name: string, alias: string): Promise<void> {
    return this.#models.removeAlias(name, alias);
  }

  /**
   * Points an alias at the version before, and returns that version's tag.
   * @throws EKIBEN_ALIAS_NOT_FOUND, EKIBEN_ALIAS_NO_HISTORY
   */
  async rollback(name: string, alias: string): Promise<string> {
    return this.#models.rollback(name, alias);
  }

  /**
   * Compares files with the digests that were recorded when they came: of one version, of a name's versions, or of all.
   * @param options - `record`: records digests of what has none, such as what Python saved
   */
  async verify(tag?: string, options: { readonly record?: boolean | undefined } = {}): Promise<Verification[]> {
    return this.#models.verify(tag, options.record ?? false);
  }

  /** Frees what no version needs any more: leftovers of crashes and of deletions by Python. */
  async prune(): Promise<Pruned> {
    return this.#models.prune();
  }

  #publish(tag: string, resolved: string): void {
    if (!tagResolved.hasSubscribers) return;
    const message: TagResolved = { home: storeHome(this.#home), tag: withVersion(tag), resolved };
    tagResolved.publish(message);
  }

  async #add(tag: string, write: (draft: StoreDraft) => Promise<NewModel>): Promise<Stored<ModelInfo>> {
    const identity = newIdentity(tag);
    const { item } = await this.#models.add(async (draft) => {
      const {
        module = '',
        labels = {},
        metadata = {},
        options = {},
        signatures = {},
        context,
        apiVersion,
      } = await write(draft);
      requireMetadata(metadata);
      const manifest = await writeModelManifest({
        ...identity,
        module,
        labels,
        metadata,
        options,
        signatures,
        context: { frameworkName: '', frameworkVersions: {}, nodeVersion: process.versions.node, ...context },
        apiVersion,
      });
      // What could not be read again is refused now.
      await readModelManifest(manifest, 'the manifest to be saved');
      await draft.write(MODEL_MANIFEST, Buffer.from(manifest));
    });
    return item;
  }
}

/** The default store. */
export const models: ModelStore = new ModelStore();

interface NewModel extends CreateOptions {
  readonly apiVersion: string;
}

/** What a supervisor pinned for its children wins over `latest` and aliases. */
function pinned(tag: string): string {
  return pinnedTags().get(withVersion(tag)) ?? tag;
}

function withVersion(tag: string): string {
  const { name, version } = parseTag(tag);
  return formatTag(name, version ?? LATEST);
}

function newIdentity(tag: string): Pick<ModelInfo, 'name' | 'version' | 'creationTime'> {
  const { name, version: chosen } = parseTag(tag);
  const { version, creationTime } = newVersion();
  const identity = { name, version: chosen ?? version, creationTime };
  requireNewTag(identity.name, identity.version);
  return identity;
}

/** `bentoml.xgboost` → `xgboost`, `@acme/ekiben-adapter` → itself. */
function frameworkName(module: string): string {
  return module.startsWith('bentoml.') ? module.slice('bentoml.'.length) : module;
}

/** From our method names to those in `model.yaml`; what was `asked` counts. */
function wireSignatures(
  declared: Readonly<Record<string, Signature>>,
  found: Readonly<Record<string, Signature>>,
  asked: Readonly<Record<string, Signature | undefined>> = {},
): Record<string, Signature> {
  const signatures = Object.entries<Signature | undefined>({ ...found, ...asked });
  return Object.fromEntries(
    signatures.flatMap(([method, signature]) =>
      signature === undefined ? [] : [[signature.wireName ?? declared[method]?.wireName ?? method, signature]],
    ),
  );
}

async function writeCustomObjects(draft: StoreDraft, objects: Readonly<Record<string, CustomObject>>): Promise<void> {
  const json = Object.fromEntries(Object.entries(objects).map(([name, object]) => [name, object.toJson()]));
  if (Object.keys(json).length > 0) await draft.write(CUSTOM_OBJECTS_JSON, Buffer.from(JSON.stringify(json)));
}
