// `bento.yaml`, BentoML's description of a packaged service, as far as the store needs it.
import type { ItemInfo } from './kind.ts';
import { optionalString, readIdentity, stringMapping } from './manifest-fields.ts';
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
    document: yaml,
  };
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
