// `model.yaml`, BentoML's description of a stored model, to and from a typed value.
import type { ModelManifest, Signature } from '@ekiben/spec';
import type { ItemInfo } from './kind.ts';
import { optionalMapping, optionalString, readIdentity, stringMapping } from './manifest-fields.ts';
import { formatTag } from './tag.ts';
import { invalidManifest, readYamlMapping, writeYaml } from './yaml.ts';

export const MODEL_MANIFEST = 'model.yaml';

/** Which libraries saved a model. */
export interface ModelContext {
  /** Such as `xgboost`; empty for plain files. */
  readonly frameworkName: string;
  /** Such as `{ xgboost: '1.6.2' }`. */
  readonly frameworkVersions: Readonly<Record<string, string>>;
  /** Of the BentoML that saved it; absent when Ekiben did. */
  readonly bentomlVersion?: string | undefined;
  readonly pythonVersion?: string | undefined;
  /** Of the Node.js in which Ekiben saved it; BentoML ignores the field. */
  readonly nodeVersion?: string | undefined;
}

/** What `model.yaml` says. */
export interface ModelInfo extends ItemInfo {
  /** `bentoml.xgboost`, the npm name of an adapter, or `''` for plain files. */
  readonly module: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly options: Readonly<Record<string, unknown>>;
  readonly context: ModelContext;
  /** By their names in the file, such as `predict_proba`. */
  readonly signatures: Readonly<Record<string, Signature>>;
  readonly apiVersion: string;
}

/**
 * @param where - names the file in errors
 * @throws EKIBEN_MANIFEST_INVALID
 */
export async function readModelManifest(text: string, where: string): Promise<ModelInfo> {
  const yaml = await readYamlMapping(text, where);
  const { name, version, creationTime } = readIdentity(yaml, where);
  const context = optionalMapping(yaml, 'context', where);
  return {
    tag: formatTag(name, version),
    name,
    version,
    module: optionalString(yaml, 'module', where) ?? '',
    labels: stringMapping(yaml, 'labels', where),
    metadata: optionalMapping(yaml, 'metadata', where),
    options: optionalMapping(yaml, 'options', where),
    context: {
      frameworkName: optionalString(context, 'framework_name', where) ?? '',
      frameworkVersions: stringMapping(context, 'framework_versions', where),
      bentomlVersion: optionalString(context, 'bentoml_version', where),
      pythonVersion: optionalString(context, 'python_version', where),
      nodeVersion: optionalString(context, 'node_version', where),
    },
    signatures: readSignatures(optionalMapping(yaml, 'signatures', where), where),
    apiVersion: optionalString(yaml, 'api_version', where) ?? 'v1',
    creationTime,
    document: yaml,
  };
}

/** What frameworks and runners need of it. */
export function toManifest(info: ModelInfo): ModelManifest {
  const { module, signatures, options, context } = info;
  return { module, signatures, options, frameworkVersions: context.frameworkVersions };
}

/** In BentoML's order of fields. */
export async function writeModelManifest(info: Omit<ModelInfo, 'tag' | 'document'>): Promise<string> {
  const { context } = info;
  return writeYaml({
    name: info.name,
    version: info.version,
    module: info.module,
    labels: info.labels,
    options: info.options,
    metadata: info.metadata,
    context: withoutUndefined({
      framework_name: context.frameworkName,
      framework_versions: context.frameworkVersions,
      bentoml_version: context.bentomlVersion,
      python_version: context.pythonVersion,
      node_version: context.nodeVersion,
    }),
    signatures: Object.fromEntries(
      Object.entries(info.signatures).map(([name, { batchable, batchDim }]) => [
        name,
        batchable ? { batchable, batch_dim: batchDim ?? [0, 0] } : { batchable },
      ]),
    ),
    api_version: info.apiVersion,
    creation_time: info.creationTime,
  });
}

function withoutUndefined(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

function readSignatures(yaml: Record<string, unknown>, where: string): Record<string, Signature> {
  return Object.fromEntries(
    Object.keys(yaml).map((name) => {
      const signature = optionalMapping(yaml, name, where);
      const batchable = signature['batchable'] ?? false;
      if (typeof batchable !== 'boolean') {
        throw invalidManifest(where, `signatures.${name}.batchable must be true or false`);
      }
      return [name, { batchable, batchDim: readBatchDim(signature['batch_dim'], name, where) }];
    }),
  );
}

/** BentoML writes a pair, and reads one number as both. */
function readBatchDim(value: unknown, method: string, where: string): readonly [number, number] | undefined {
  if (value === undefined || value === null) return undefined;
  const [input, output, ...rest]: unknown[] = Array.isArray(value) ? value : [value, value];
  if (isAxis(input) && isAxis(output) && rest.length === 0) return [input, output];
  throw invalidManifest(where, `signatures.${method}.batch_dim must be an axis, or a pair of axes`);
}

function isAxis(value: unknown): value is number {
  return Number.isInteger(value);
}
