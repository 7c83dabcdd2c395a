/**
 * JSON Schema in the dialect of OpenAPI 3.0 (https://spec.openapis.org/oas/v3.0.3#schema-object). What 3.0 cannot say is left out:
 * documentation may be looser than validation.
 */
import { resolveReference } from './json-schema.ts';
import type { JsonSchema } from './json-schema.ts';

type Convert = (schema: JsonSchema | boolean) => JsonSchema;

/** Keywords that mean the same in both, and hold no schema. */
const SAME = new Set(
  [
    'title description format default example deprecated readOnly writeOnly externalDocs xml nullable discriminator enum',
    'minProperties maxProperties minItems maxItems uniqueItems minLength maxLength pattern multipleOf minimum maximum',
  ].flatMap((keywords) => keywords.split(' ')),
);

/** 3.0 has no type `null`. */
const NULL: JsonSchema = { type: 'string', nullable: true, enum: [null] };

/**
 * @param schema - of draft 7 or 2020-12
 * @returns a schema that can stand anywhere in a document: references inside it are replaced by what they refer to, except where that
 *   would never end
 */
export function openApiSchema(schema: JsonSchema): JsonSchema {
  const within: string[] = [];
  const convert: Convert = (part) => {
    if (typeof part === 'boolean') return part ? {} : { not: {} };
    const { $ref: reference, ...others } = part;
    if (typeof reference !== 'string') return convertSchema(part, convert);
    if (!reference.startsWith('#')) return { $ref: reference };
    if (within.includes(reference)) return { description: `As ${reference}, which this is a part of.` };
    within.push(reference);
    const referred = convert(resolveReference(reference, schema));
    within.pop();
    return { ...referred, ...convertSchema(others, convert) };
  };
  return convert(schema);
}

function convertSchema(schema: JsonSchema, convert: Convert): JsonSchema {
  const same = Object.entries(schema).filter(([keyword]) => SAME.has(keyword) || keyword.startsWith('x-'));
  return {
    ...convertComposition(schema, convert),
    ...convertType(schema),
    ...Object.fromEntries(same),
    ...convertLiterals(schema),
    ...convertBounds(schema),
    ...convertObject(schema, convert),
    ...convertArray(schema, convert),
  };
}

function convertLiterals({ const: constant, examples }: JsonSchema): JsonSchema {
  return {
    ...(constant !== undefined && { enum: [constant] }),
    ...(Array.isArray(examples) && examples.length > 0 && { example: examples[0] as unknown }),
  };
}

/** JSON Schema's exclusive bounds are numbers of their own, 3.0's a mark on the inclusive ones. */
function convertBounds({ minimum, maximum, exclusiveMinimum: above, exclusiveMaximum: below }: JsonSchema): JsonSchema {
  const isLow = typeof above === 'number' && !(typeof minimum === 'number' && minimum > above);
  const isHigh = typeof below === 'number' && !(typeof maximum === 'number' && maximum < below);
  return {
    ...(above === true && { exclusiveMinimum: true }),
    ...(below === true && { exclusiveMaximum: true }),
    ...(isLow && { minimum: above, exclusiveMinimum: true }),
    ...(isHigh && { maximum: below, exclusiveMaximum: true }),
  };
}

function convertType({ type }: JsonSchema): JsonSchema {
  const types = [type ?? []].flat() as readonly string[];
  const others = types.filter((each) => each !== 'null');
  const nullable = others.length < types.length && { nullable: true };
  if (types.length === 0) return {};
  if (others.length === 0) return NULL;
  if (others.length === 1) return { type: others[0], ...nullable };
  return { anyOf: others.map((each) => ({ type: each, ...(each === 'array' && { items: {} }), ...nullable })) };
}

function convertObject(schema: JsonSchema, convert: Convert): JsonSchema {
  const { properties, required = [], additionalProperties: others, patternProperties } = schema;
  const entries = Object.entries(properties ?? {}).map(([name, part]) => [name, convert(part)]);
  return {
    ...(properties !== undefined && { properties: Object.fromEntries(entries) }),
    ...(required.length > 0 && { required }), // 3.0 refuses an empty list
    // Where there are patternProperties, which 3.0 has not, this would refuse what they let through.
    ...(others !== undefined &&
      patternProperties === undefined && { additionalProperties: convertAny(others, convert) }),
  };
}

const convertAny = (part: unknown, convert: Convert): JsonSchema | boolean =>
  typeof part === 'boolean' ? part : convert(part as JsonSchema);

/** A tuple becomes an array of whatever its places hold; an array has to say `items`. */
function convertArray({ type, items, prefixItems, additionalItems }: JsonSchema, convert: Convert): JsonSchema {
  const [places, rest] = Array.isArray(items) ? [items, additionalItems] : [prefixItems, items];
  if (!Array.isArray(places)) {
    return items === undefined && type !== 'array' ? {} : { items: convert(items ?? true) };
  }
  if (rest === undefined || rest === true) return { items: {} };
  const parts = (rest === false ? places : [...(places as unknown[]), rest]) as readonly JsonSchema[];
  return { items: { anyOf: parts.map(convert) }, ...(rest === false && { maxItems: places.length }) };
}

function convertComposition({ allOf, anyOf, oneOf, not }: JsonSchema, convert: Convert): JsonSchema {
  const simple = nullableOf(anyOf);
  if (simple !== undefined) return { ...convert(simple), nullable: true };
  return {
    ...(isList(allOf) && { allOf: allOf.map(convert) }),
    ...(isList(anyOf) && { anyOf: anyOf.map(convert) }),
    ...(isList(oneOf) && { oneOf: oneOf.map(convert) }),
    ...(not !== undefined && { not: convert(not as JsonSchema) }),
  };
}

/** The schema that is the other one beside null, where `nullable` can say that. */
function nullableOf(anyOf: unknown): JsonSchema | undefined {
  if (!isList(anyOf) || anyOf.length !== 2 || !anyOf.some(({ type }) => type === 'null')) return undefined;
  const other = anyOf.find(({ type }) => type !== 'null');
  return typeof other?.type === 'string' && other.enum === undefined && other['const'] === undefined
    ? other
    : undefined;
}

const isList = (value: unknown): value is readonly JsonSchema[] => Array.isArray(value);
