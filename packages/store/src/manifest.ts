// `model.yaml`, BentoML's description of a stored model, to and from a typed value.
import type { ModelManifest, Signature } from '@ekiben/spec';
import { formatTag, isTagPart, LATEST } from './tag.ts';
import { invalidManifest, isMapping, readYamlMapping, writeYaml } from './yaml.ts';

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
  /** Of the Ekiben that saved it; BentoML ignores the field. */
  readonly ekibenVersion?: string | undefined;
}

/** All that `model.yaml` says. */
export interface ModelInfo {
  /** `name:version` */
  readonly tag: string;
  readonly name: string;
  readonly version: string;
  /** `bentoml.xgboost`, the npm name of an adapter, or `''` for plain files. */
  readonly module: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly options: Readonly<Record<string, unknown>>;
  readonly context: ModelContext;
  /** By their names in the file, such as `predict_proba`. */
  readonly signatures: Readonly<Record<string, Signature>>;
  readonly apiVersion: string;
  /** ISO 8601 with offset, to the microsecond, as BentoML writes it. */
  readonly creationTime: string;
}

/**
 * @param where - names the file in errors
 * @throws EKIBEN_MANIFEST_INVALID
 */
export function readModelManifest(text: string, where: string): ModelInfo {
  const yaml = readYamlMapping(text, where);
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
      ekibenVersion: optionalString(context, 'ekiben_version', where),
    },
    signatures: readSignatures(optionalMapping(yaml, 'signatures', where), where),
    apiVersion: optionalString(yaml, 'api_version', where) ?? 'v1',
    creationTime,
  };
}

/** The three fields that every manifest must have, in `model.yaml` and `bento.yaml` alike. */
export function readIdentity(
  yaml: Record<string, unknown>,
  where: string,
): { name: string; version: string; creationTime: string } {
  const name = requiredString(yaml, 'name', where);
  const version = requiredString(yaml, 'version', where);
  for (const [field, value] of Object.entries({ name, version })) {
    if (!isTagPart(value)) throw invalidManifest(where, `${field} ${shown(value)} is not a valid part of a tag`);
  }
  if (version === LATEST) throw invalidManifest(where, `version '${LATEST}' is reserved: it means the newest`);
  const creationTime = requiredString(yaml, 'creation_time', where);
  if (Number.isNaN(Date.parse(creationTime))) {
    throw invalidManifest(where, `creation_time ${shown(creationTime)} is not a date and time`);
  }
  return { name, version, creationTime };
}

/** What frameworks and runners need of it. */
export function toManifest(info: ModelInfo): ModelManifest {
  const { module, signatures, options, context } = info;
  return { module, signatures, options, frameworkVersions: context.frameworkVersions };
}

/** In BentoML's order of fields. */
export function writeModelManifest(info: ModelInfo): string {
  const { context } = info;
  return writeYaml({
    name: info.name,
    version: info.version,
    module: info.module,
    labels: info.labels,
    options: info.options,
    metadata: info.metadata,
    context: {
      framework_name: context.frameworkName,
      framework_versions: context.frameworkVersions,
      // BentoML requires both fields to be strings.
      bentoml_version: context.bentomlVersion ?? '',
      python_version: context.pythonVersion ?? '',
      ...(context.ekibenVersion === undefined ? {} : { ekiben_version: context.ekibenVersion }),
    },
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

function requiredString(yaml: Record<string, unknown>, key: string, where: string): string {
  const value = optionalString(yaml, key, where);
  if (value === undefined) throw invalidManifest(where, `${key} is missing`);
  return value;
}

export function optionalString(yaml: Record<string, unknown>, key: string, where: string): string | undefined {
  const value = yaml[key];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string') throw invalidManifest(where, `${key} must be a string, not ${shown(value)}`);
  return value;
}

export function optionalMapping(yaml: Record<string, unknown>, key: string, where: string): Record<string, unknown> {
  const value = yaml[key] ?? {};
  if (!isMapping(value)) throw invalidManifest(where, `${key} must be a mapping, not ${shown(value)}`);
  return value;
}

/** Labels and versions: a number that someone wrote without quotes is read as its text. */
export function stringMapping(yaml: Record<string, unknown>, key: string, where: string): Record<string, string> {
  return Object.fromEntries(
    Object.entries(optionalMapping(yaml, key, where)).map(([name, value]) => {
      if (typeof value === 'object' && value !== null) throw invalidManifest(where, `${key}.${name} must be a string`);
      return [name, value === null ? '' : String(value)];
    }),
  );
}

/** A value in an error message, cut short. */
function shown(value: unknown): string {
  const json = JSON.stringify(value) ?? String(value);
  return json.length > 100 ? `${json.slice(0, 100)}…` : json;
}
