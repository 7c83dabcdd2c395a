// `bento.yaml`, BentoML's description of a packaged service, as far as the store needs it.
import type { ItemInfo } from './kind.ts';
import { optionalMapping, optionalString, readIdentity, stringMapping } from './manifest-fields.ts';
import { formatTag, parseTag } from './tag.ts';
import { invalidManifest, isMapping, readYamlMapping } from './yaml.ts';

export const BENTO_MANIFEST = 'bento.yaml';

export interface BentoInfo extends ItemInfo {
  /** What is served, such as `service:svc`. */
  readonly service: string;
  /** Of the BentoML that built it; empty when Ekiben did. */
  readonly bentomlVersion: string;
  /** Tags of the models that it needs. */
  readonly models: readonly string[];
  /** Environment variables of its service; one without a value is to be set where it is served. */
  readonly envs: readonly BentoEnv[];
  /** How it is served by Node; undefined for what Python built. */
  readonly node: BentoNode | undefined;
}

export interface BentoEnv {
  readonly name: string;
  readonly value: string | undefined;
}

/** The section `node` of a bento that Ekiben built. */
export interface BentoNode {
  /** Inside the bento: the module that exports the service, and the one that serves it. */
  readonly module: string;
  readonly exportName: string;
  readonly server: string;
  /** What the service calls its models → `name:version`. */
  readonly pinnedTags: Readonly<Record<string, string>>;
  /** Where each runner computes, as the build found out. */
  readonly placements: Readonly<Record<string, string>>;
}

/**
 * @param where - names the file in errors
 * @throws EKIBEN_MANIFEST_INVALID
 */
export async function readBentoManifest(text: string, where: string): Promise<BentoInfo> {
  const yaml = await readYamlMapping(text, where);
  const { name, version, creationTime } = readIdentity(yaml, where);
  return {
    tag: formatTag(name, version),
    name,
    version,
    creationTime,
    labels: stringMapping(yaml, 'labels', where),
    service: optionalString(yaml, 'service', where) ?? '',
    bentomlVersion: optionalString(yaml, 'bentoml_version', where) ?? '',
    models: readModels(yaml['models'] ?? [], where),
    envs: readEnvs(yaml['envs'] ?? [], where),
    node: yaml['node'] === undefined ? undefined : readNode(optionalMapping(yaml, 'node', where), where),
    document: yaml,
  };
}

function readNode(node: Record<string, unknown>, where: string): BentoNode {
  const path = (key: string): string => {
    const value = optionalString(node, key, where) ?? '';
    if (/^[\w.-]+(\/[\w.-]+)*$/.test(value) && !value.split('/').includes('..')) return value;
    throw invalidManifest(where, `node.${key} must be the path of a file inside the bento`);
  };
  return {
    module: path('module'),
    exportName: optionalString(node, 'export_name', where) ?? 'svc',
    server: path('server'),
    pinnedTags: stringMapping(node, 'pinned_tags', where),
    placements: stringMapping(node, 'placements', where),
  };
}

function readEnvs(value: unknown, where: string): BentoEnv[] {
  if (!Array.isArray(value)) throw invalidManifest(where, 'envs must be a list');
  return value.map((env: unknown) => {
    const { name, value: text } = isMapping(env) ? env : {};
    if (typeof name !== 'string') throw invalidManifest(where, 'an environment variable has no name');
    return { name, value: text === undefined || text === null ? undefined : String(text) };
  });
}

function readModels(value: unknown, where: string): string[] {
  if (!Array.isArray(value)) throw invalidManifest(where, 'models must be a list');
  return value.flatMap((model: unknown) => {
    // Before BentoML 1.0.0a7, a model was only its tag.
    const { tag, registry = 'bentoml' } = isMapping(model) ? model : { tag: model };
    if (typeof tag !== 'string') throw invalidManifest(where, 'a model has no tag');
    // Models of other registries, such as Hugging Face, are fetched by BentoML when it serves.
    if (registry !== 'bentoml') return [];
    const { name, version } = parseTag(tag);
    if (version === undefined) throw invalidManifest(where, `the model '${name}' has no version`);
    return [formatTag(name, version)];
  });
}
