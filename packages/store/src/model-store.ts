// The model store: what `bentoml.models` does, and what BentoML's lacks.
import type { CustomObject, Framework, Signature, Signatures } from '@ekiben/spec';
import { DirectoryStore, type ItemKind } from './directory-store.ts';
import type { StoreDraft } from './draft.ts';
import { pinnedTags, storeHome } from './home.ts';
import type { ArchiveLimits } from './limits.ts';
import { MODEL_MANIFEST, readModelManifest, writeModelManifest, type ModelInfo } from './manifest.ts';
import { bindModel, CUSTOM_OBJECTS_JSON, requireSpecVersion, type Model, type StoredModel } from './model.ts';
import { formatTag, LATEST, parseTag, requireNewTag } from './tag.ts';
import { newVersion } from './version.ts';

const MODELS: ItemKind<ModelInfo> = {
  directory: 'models',
  noun: 'Model',
  manifest: MODEL_MANIFEST,
  notFound: 'EKIBEN_MODEL_NOT_FOUND',
  listCommand: 'ekiben models list',
  read: readModelManifest,
};

export interface SaveOptions<Methods extends object, Options extends object> {
  /** How calls of each method may meet. @default what the framework declares */
  readonly signatures?: Partial<Signatures<Methods>> | undefined;
  /** For finding models, such as `{ stage: 'dev' }`. */
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /** Anything JSON-like: data set, scores, parameters. */
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
  /** The framework's own. */
  readonly options?: Options | undefined;
  /** Values saved beside the model, by name; made with `customObject(value, codec)`. */
  readonly customObjects?: Readonly<Record<string, CustomObject>> | undefined;
}

export interface ListFilter {
  readonly name?: string | undefined;
  readonly module?: string | undefined;
  /** All of these must be there and equal. */
  readonly labels?: Readonly<Record<string, string>> | undefined;
}

export interface ImportOptions {
  readonly limits?: ArchiveLimits | undefined;
}

export class ModelStore {
  readonly #home: string | undefined;
  #directory: DirectoryStore<ModelInfo> | undefined;

  /** @param home - a store's home directory. @default `EKIBEN_HOME`, else `BENTOML_HOME`, else `~/bentoml` */
  constructor(home?: string) {
    this.#home = home;
  }

  // The environment is read at the first use, so that a program may set it after importing this module.
  get #items(): DirectoryStore<ModelInfo> {
    return (this.#directory ??= new DirectoryStore(storeHome(this.#home), MODELS));
  }

  /**
   * One model by `name`, `name:latest`, `name:version` or the unique beginning of a version. Reads `model.yaml` only.
   * With a framework, the model can be loaded; without, it is described.
   * @throws EKIBEN_MODEL_NOT_FOUND, EKIBEN_TAG_INVALID, EKIBEN_TAG_AMBIGUOUS, EKIBEN_MANIFEST_INVALID,
   *   EKIBEN_FRAMEWORK_MISMATCH, EKIBEN_FRAMEWORK_SPEC_VERSION
   */
  get<Native, Methods extends object>(
    tag: string,
    framework: Framework<Native, Methods>,
  ): Promise<Model<Native, Methods>>;
  get(tag: string): Promise<StoredModel>;
  async get(tag: string, framework?: Framework<unknown, object>): Promise<StoredModel | Model<unknown, object>> {
    const stored = await this.#items.get(pinned(tag));
    return framework === undefined ? stored : bindModel(stored, framework);
  }

  /** Models, newest first. */
  async list(filter: string | ListFilter = {}): Promise<StoredModel[]> {
    const { name, module, labels = {} } = typeof filter === 'string' ? { name: filter } : filter;
    const models = await this.#items.list(name === undefined ? undefined : parseTag(name).name);
    return models.filter(
      (model) =>
        (module === undefined || model.module === module) &&
        Object.entries(labels).every(([key, value]) => model.labels[key] === value),
    );
  }

  /**
   * Saves a model as a new version of `name`, or as `name:version`. It is there completely, or not at all.
   * @throws EKIBEN_TAG_INVALID, EKIBEN_ALREADY_EXISTS, EKIBEN_STORE_DISK_FULL, and what the framework throws
   */
  async save<Native, Methods extends object, Options extends object>(
    tag: string,
    model: Native,
    framework: Framework<Native, Methods, Options>,
    options: SaveOptions<NoInfer<Methods>, NoInfer<Options>> = {},
  ): Promise<Model<Native, Methods>> {
    requireSpecVersion(framework);
    const identity = newIdentity(tag);
    const stored = await this.#items.add(async (draft) => {
      const saved = await framework.save(model, draft, options.options ?? ({} as Options));
      await writeCustomObjects(draft, options.customObjects ?? {});
      const info: ModelInfo = {
        ...identity,
        module: framework.module,
        labels: options.labels ?? {},
        metadata: options.metadata ?? {},
        options: saved.options,
        context: { frameworkName: frameworkName(framework.module), frameworkVersions: saved.versions },
        signatures: wireSignatures({ ...framework.signatures, ...options.signatures }),
        apiVersion: 'v2',
      };
      await draft.write(MODEL_MANIFEST, Buffer.from(writeModelManifest(info)));
    });
    return bindModel(stored, framework);
  }

  /**
   * Brings an archive into the store.
   * @throws EKIBEN_ARCHIVE_CORRUPT, EKIBEN_ARCHIVE_FORMAT_UNKNOWN, EKIBEN_ARCHIVE_ENTRY_REFUSED, EKIBEN_ARCHIVE_TOO_LARGE,
   *   EKIBEN_MANIFEST_INVALID, EKIBEN_ALREADY_EXISTS, EKIBEN_STORE_DISK_FULL
   */
  async import(path: string, options: ImportOptions = {}): Promise<StoredModel> {
    return this.#items.import(path, options.limits);
  }
}

/** The default store. */
export const models: ModelStore = new ModelStore();

/** What a supervisor pinned for its children wins over `latest` and aliases. */
function pinned(tag: string): string {
  const { name, version } = parseTag(tag);
  return pinnedTags().get(formatTag(name, version ?? LATEST)) ?? tag;
}

function newIdentity(tag: string): Pick<ModelInfo, 'tag' | 'name' | 'version' | 'creationTime'> {
  const { name, version: chosen } = parseTag(tag);
  const { version, creationTime } = newVersion();
  const identity = { name, version: chosen ?? version, creationTime };
  requireNewTag(identity.name, identity.version);
  return { ...identity, tag: formatTag(identity.name, identity.version) };
}

/** `bentoml.xgboost` → `xgboost`, `@acme/ekiben-adapter` → itself. */
function frameworkName(module: string): string {
  return module.startsWith('bentoml.') ? module.slice('bentoml.'.length) : module;
}

/** From our method names to those in `model.yaml`. */
function wireSignatures(signatures: Readonly<Record<string, Signature | undefined>>): Record<string, Signature> {
  return Object.fromEntries(
    Object.entries(signatures).flatMap(([method, signature]) =>
      signature === undefined ? [] : [[signature.wireName ?? method, signature]],
    ),
  );
}

async function writeCustomObjects(draft: StoreDraft, objects: Readonly<Record<string, CustomObject>>): Promise<void> {
  const json = Object.fromEntries(Object.entries(objects).map(([name, object]) => [name, object.toJson()]));
  if (Object.keys(json).length > 0) await draft.write(CUSTOM_OBJECTS_JSON, Buffer.from(JSON.stringify(json)));
}
