/** A value that a JSON Schema accepts, for documentation. */
import { resolveReference } from './json-schema.ts';
import type { JsonSchema } from './json-schema.ts';

const FORMATS: ReadonlyMap<string, string> = new Map([
  ['date', '2024-01-31'],
  ['date-time', '2024-01-31T12:00:00Z'],
  ['time', '12:00:00Z'],
  ['duration', 'P1D'],
  ['email', 'user@example.com'],
  ['hostname', 'example.com'],
  ['ipv4', '192.0.2.1'],
  ['ipv6', '2001:db8::1'],
  ['uri', 'https://example.com/'],
  ['uuid', '123e4567-e89b-42d3-a456-426614174000'],
]);

/** Where in a schema the example is being made. */
interface Place {
  readonly root: JsonSchema;
  /** The references followed to here. */
  readonly within: readonly string[];
  /** Inside itself: from here on only what has to be there is made. */
  readonly repeats: boolean;
}

/**
 * The schema's own example, default or first allowed value where it has one, else the plainest value that its keywords let through.
 * No text is invented for a `pattern`: such a schema should bring an example.
 */
export function exampleFrom(schema: JsonSchema): unknown {
  return make(schema, { root: schema, within: [], repeats: false });
}

function make(schema: JsonSchema, place: Place): unknown {
  const given = givenValue(schema);
  if (given !== undefined) return given;
  const { $ref, allOf, anyOf, oneOf } = schema;
  if ($ref !== undefined || isSchemas(allOf)) return makeMerged(schema, place);
  const choices = isSchemas(anyOf) ? anyOf : isSchemas(oneOf) ? oneOf : undefined;
  if (choices !== undefined) return make(choose(choices, place), place);
  switch (typeOf(schema)) {
    case 'object':
      return makeObject(schema, place);
    case 'array':
      return makeArray(schema, place);
    case 'string':
      return makeString(schema);
    case 'integer':
    case 'number':
      return makeNumber(schema);
    case 'boolean':
      return true;
    default:
      return null;
  }
}

/** What a schema refers to and all that it is made of, as one schema. */
function makeMerged({ $ref, allOf, ...own }: JsonSchema, { root, within, repeats }: Place): unknown {
  const parts = [{ $ref }, ...(isSchemas(allOf) ? allOf : [])];
  const references = parts.map((part) => part.$ref).filter((reference) => typeof reference === 'string');
  const times = Math.max(...references.map((reference) => within.filter((each) => each === reference).length), 0);
  if (times > 1) return null; // a schema that has no finite value
  const resolved = references.map((reference) => resolveReference(reference, root));
  const merged = merge([own, ...parts.map((part) => ({ ...part, $ref: undefined })), ...resolved]);
  return make(merged, { root, within: [...within, ...references], repeats: repeats || times > 0 });
}

const merge = (parts: readonly JsonSchema[]): JsonSchema =>
  parts.reduce((merged, part) => ({
    ...merged,
    ...part,
    properties: { ...merged.properties, ...part.properties },
    required: [...(merged.required ?? []), ...(part.required ?? [])],
  }));

function choose(choices: readonly JsonSchema[], { repeats }: Place): JsonSchema {
  const wanted = choices.find(({ type }) => (type === 'null') === repeats);
  return wanted ?? choices[0] ?? {};
}

function givenValue({ example, examples, default: fallback, const: constant, enum: allowed }: JsonSchema): unknown {
  const listed = Array.isArray(examples) ? (examples[0] as unknown) : undefined;
  return example ?? listed ?? fallback ?? constant ?? allowed?.[0];
}

/** OpenAPI 3.0 has one type, JSON Schema perhaps several; without any, the keywords tell. */
function typeOf({ type, properties, items, prefixItems }: JsonSchema): unknown {
  if (Array.isArray(type)) return (type as unknown[]).find((name) => name !== 'null');
  if (type !== undefined) return type;
  if (items !== undefined || prefixItems !== undefined) return 'array';
  return properties !== undefined && Object.keys(properties).length > 0 ? 'object' : undefined;
}

/** Optional properties are shown, unless they may be anything: then null may be just what they may not be, as with a Date of zod's. */
function makeObject({ properties = {}, required = [] }: JsonSchema, place: Place): object {
  const isShown = ([name, part]: [string, JsonSchema]) =>
    required.includes(name) || (!place.repeats && Object.keys(part).length > 0);
  const shown = Object.entries(properties).filter(isShown);
  return Object.fromEntries(shown.map(([name, part]) => [name, make(part, place)]));
}

function makeArray({ items, prefixItems, minItems, maxItems }: JsonSchema, place: Place): unknown[] {
  const leading = isSchemas(prefixItems) ? prefixItems.map((part) => make(part, place)) : [];
  const wanted = Math.max(numberOr(minItems, place.repeats ? 0 : 1), leading.length);
  const length = Math.min(wanted, numberOr(maxItems, Infinity)) - leading.length;
  const rest = Array.from({ length: Math.max(length, 0) }, () => make(items ?? {}, place));
  return [...leading, ...rest];
}

function makeString({ format, minLength, maxLength }: JsonSchema): string {
  const known = typeof format === 'string' ? FORMATS.get(format) : undefined;
  if (known !== undefined) return known;
  return 'string'.padEnd(numberOr(minLength, 0), '.').slice(0, numberOr(maxLength, Infinity));
}

/** Tries the candidates that bounds and step suggest, in the order of their plainness. */
function makeNumber(schema: JsonSchema): number {
  const step = numberOr(schema['multipleOf'], typeOf(schema) === 'integer' ? 1 : 0);
  // OpenAPI 3.0 marks `minimum` as exclusive; JSON Schema gives the exclusive bound itself.
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum } = schema;
  const low = Math.max(numberOr(minimum, -Infinity), numberOr(exclusiveMinimum, -Infinity));
  const high = Math.min(numberOr(maximum, Infinity), numberOr(exclusiveMaximum, Infinity));
  const lowOpen = exclusiveMinimum === true || exclusiveMinimum === low;
  const highOpen = exclusiveMaximum === true || exclusiveMaximum === high;
  const fits = (n: number) =>
    Number.isFinite(n) &&
    (lowOpen ? n > low : n >= low) &&
    (highOpen ? n < high : n <= high) &&
    (step === 0 || Number.isInteger(n / step));
  const grid = step === 0 ? 1 : step;
  const fromLow = Math.ceil(low / grid) * grid;
  const fromHigh = Math.floor(high / grid) * grid;
  return [1, 0, fromLow, fromLow + grid, fromHigh, fromHigh - grid, low, high, (low + high) / 2].find(fits) ?? 0;
}

const numberOr = (value: unknown, otherwise: number): number => (typeof value === 'number' ? value : otherwise);

const isSchemas = (value: unknown): value is readonly JsonSchema[] => Array.isArray(value) && value.length > 0;
