/** The JSON Schema of the file, for editors. */
import { ANY, keyTree } from './key-tree.ts';
import type { KeyNode } from './key-tree.ts';
import { pathText } from './paths.ts';
import type { JsonSchema } from './value-types.ts';

/** Of `bentoconfiguration.yaml`, draft 2020-12. It is in the package as `@ekiben/config/schema.json`. */
export function configurationSchema(): JsonSchema {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'bentoconfiguration.yaml',
    ...schemaOf(keyTree),
  };
}

function schemaOf({ children, key, standsFor, meaningless }: KeyNode): JsonSchema {
  if (meaningless !== undefined) return { description: `No effect: ${meaningless}.`, deprecated: true };
  if (key !== undefined) {
    const { type, meaning, default: value } = key;
    return {
      description: standsFor === undefined ? meaning : `Now ${pathText(standsFor)}: ${meaning}`,
      // Text may be a variable of the environment, `${PORT:-3000}`.
      anyOf: [type.schema, { type: 'null' }, { type: 'string', pattern: '\\$\\{' }],
      ...(value === null ? {} : { default: value }),
    };
  }
  const properties: Record<string, JsonSchema> = {};
  for (const [name, child] of children) if (name !== ANY) properties[name] = schemaOf(child);
  const any = children.get(ANY);
  const section = { type: 'object', properties, additionalProperties: any === undefined ? false : schemaOf(any) };
  return { anyOf: [section, { type: 'null' }] };
}
