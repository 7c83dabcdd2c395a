// A model in the store, tied to the framework that runs it. Weights load only on `load`.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  EkibenError,
  type CustomObjectCodec,
  type Framework,
  type MethodInfo,
  type MethodName,
  type ModelFiles,
  type ModelManifest,
  type PickleNode,
} from '@ekiben/spec';
import { servingAdvice } from './advice.ts';
import { requireInside } from './draft.ts';
import { ifThere, isMissing } from './files.ts';
import { toManifest, type ModelInfo } from './model-manifest.ts';
import { isMapping } from './yaml.ts';

export const CUSTOM_OBJECTS_JSON = 'custom_objects.json';
const CUSTOM_OBJECTS_PICKLE = 'custom_objects.pkl';

/** What the store knows of a model without a framework: all of `model.yaml`, and where it lies. */
export interface StoredModel extends ModelInfo {
  /** Absolute path of its directory. */
  readonly path: string;
}

/** A stored model and the framework that loads and runs it. Got by `models.get(tag, framework)`. */
export interface Model<Native, Methods extends object> {
  /** `name:version`, resolved: never an alias or `latest`. */
  readonly tag: string;
  readonly manifest: ModelManifest;
  readonly framework: Framework<Native, Methods>;
  readonly info: StoredModel;
  /** Loads the weights, anew at each call. */
  load(): Promise<Native>;
  /** What each method takes and gives; null where the framework cannot tell. */
  describe(): Promise<{ readonly [K in MethodName<Methods>]?: MethodInfo } | null>;
  /**
   * An object saved beside the model, such as its vectorizer. Only this one is decoded: others that cannot be read do no harm.
   * @throws EKIBEN_CUSTOM_OBJECT_NOT_FOUND, and what the codec throws for a class or field that it does not know
   */
  customObject<T>(name: string, codec: CustomObjectCodec<T>): Promise<T>;
}

/**
 * @throws EKIBEN_FRAMEWORK_SPEC_VERSION, EKIBEN_FRAMEWORK_MISMATCH
 */
export function bindModel<Native, Methods extends object>(
  info: StoredModel,
  framework: Framework<Native, Methods>,
): Model<Native, Methods> {
  requireSpecVersion(framework);
  if (info.module !== framework.module) {
    const advice = servingAdvice(info.module, info.tag);
    throw new EkibenError(
      'EKIBEN_FRAMEWORK_MISMATCH',
      `model '${info.tag}' was saved by '${info.module}' but is asked for with the framework '${framework.module}'${advice === undefined ? '' : `; ${advice}`}`,
      { details: { tag: info.tag, module: info.module, framework: framework.module } },
    );
  }
  const manifest = toManifest(info);
  let objects: Promise<CustomObjects> | undefined;
  return {
    tag: info.tag,
    manifest,
    framework,
    info,
    load: () => framework.load(modelFiles(info), manifest),
    describe: async () => (await framework.describe?.(modelFiles(info), manifest)) ?? null,
    async customObject(name, codec) {
      objects ??= readCustomObjects(info.path);
      const { json, pickle } = await objects;
      if (Object.hasOwn(json, name)) return codec.fromJson(json[name]);
      const node = pickle.get(name);
      if (node !== undefined) return codec.decode(node);
      const names = [...Object.keys(json), ...pickle.keys()];
      throw new EkibenError(
        'EKIBEN_CUSTOM_OBJECT_NOT_FOUND',
        `model '${info.tag}' has no custom object ${JSON.stringify(name)}; it has ${names.length === 0 ? 'none' : names.map((each) => JSON.stringify(each)).join(', ')}`,
        { details: { tag: info.tag, name, names } },
      );
    },
  };
}

/** Refuses a framework made for another version of the contract. */
export function requireSpecVersion(framework: { readonly specVersion: number; readonly module: string }): void {
  if (framework.specVersion === 1) return;
  throw new EkibenError(
    'EKIBEN_FRAMEWORK_SPEC_VERSION',
    `the framework '${framework.module}' implements version ${framework.specVersion} of the contract, but this @ekiben/store reads version 1; install versions of both that fit`,
  );
}

function modelFiles(info: StoredModel): ModelFiles {
  return {
    dir: info.path,
    async read(name) {
      try {
        return await readFile(join(info.path, requireInside(name)));
      } catch (cause) {
        if (!isMissing(cause)) throw cause;
        throw new EkibenError('EKIBEN_MODEL_FILE_NOT_FOUND', `model '${info.tag}' has no file '${name}'`, { cause });
      }
    },
  };
}

interface CustomObjects {
  readonly json: Readonly<Record<string, unknown>>;
  readonly pickle: ReadonlyMap<string, PickleNode>;
}

/** What Ekiben saved lies in `custom_objects.json`, what Python saved in `custom_objects.pkl`. */
async function readCustomObjects(dir: string): Promise<CustomObjects> {
  const [json, pickle] = await Promise.all([
    ifThere(readFile(join(dir, CUSTOM_OBJECTS_JSON), 'utf8')),
    ifThere(readFile(join(dir, CUSTOM_OBJECTS_PICKLE))),
  ]);
  return {
    json: json === undefined ? {} : parseJsonObjects(json),
    pickle: pickle === undefined ? new Map() : await readNamedNodes(pickle),
  };
}

function parseJsonObjects(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (isMapping(value)) return value;
  } catch {
    // Falls through to the one error.
  }
  throw new EkibenError('EKIBEN_CUSTOM_OBJECTS_INVALID', `${CUSTOM_OBJECTS_JSON} does not hold an object of names`);
}

/** BentoML pickles one dict, from names to objects. */
async function readNamedNodes(pickle: Uint8Array): Promise<ReadonlyMap<string, PickleNode>> {
  const { readPickle } = await import('@ekiben/pickle');
  const node = readPickle(pickle);
  if (node instanceof Map) {
    return new Map([...node].filter((pair): pair is [string, PickleNode] => typeof pair[0] === 'string'));
  }
  throw new EkibenError('EKIBEN_CUSTOM_OBJECTS_INVALID', `${CUSTOM_OBJECTS_PICKLE} does not hold a dict of names`);
}
