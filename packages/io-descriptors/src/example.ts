/** A value that a JSON Schema accepts, for documentation. */
import type { JsonSchema } from './json-schema.ts';

/** A schema may refer to itself: from here on optional properties are left out, and at twice the depth everything. */
const MAX_DEPTH = 6;

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

/**
 * The schema's own example, default or first allowed value where it has one, else the plainest value that its keywords let through.
 * No text is invented for a `pattern`: such a schema should bring an example.
 */
export function exampleFrom(schema: JsonSchema): unknown {
  return make(schema, schema, 0);
}

function make(schema: JsonSchema, root: JsonSchema, depth: number): unknown {
  const given = givenValue(schema);
  if (given !== undefined) return given;
  if (depth > 2 * MAX_DEPTH) return null;
  const next = (part: JsonSchema) => make(part, root, depth + 1);
  const { $ref, allOf, anyOf, oneOf } = schema;
  if (typeof $ref === 'string') return next(resolve($ref, root));
  if (isSchemas(allOf)) return next(Object.assign({}, schema, { allOf: undefined }, ...allOf) as JsonSchema);
  const choices = isSchemas(anyOf) ? anyOf : isSchemas(oneOf) ? oneOf : undefined;
  if (choices !== undefined) return next(choices.find(({ type }) => type !== 'null') ?? {});
  switch (typeOf(schema)) {
    case 'object':
      return makeObject(schema, depth, next);
    case 'array':
      return makeArray(schema, next);
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

function givenValue({ example, examples, default: fallback, const: constant, enum: allowed }: JsonSchema): unknown {
  const listed = Array.isArray(examples) ? (examples[0] as unknown) : undefined;
  return example ?? listed ?? fallback ?? constant ?? allowed?.[0];
}

/** OpenAPI 3.0 has one type, JSON Schema perhaps several; without any, the keywords tell. */
function typeOf({ type, properties, items, prefixItems }: JsonSchema): unknown {
  if (Array.isArray(type)) return (type as unknown[]).find((name) => name !== 'null');
  if (type !== undefined) return type;
  if (properties !== undefined) return 'object';
  return items !== undefined || prefixItems !== undefined ? 'array' : undefined;
}

function makeObject(
  { properties = {}, required = [] }: JsonSchema,
  depth: number,
  next: (part: JsonSchema) => unknown,
) {
  const shown = Object.entries(properties).filter(([name]) => depth < MAX_DEPTH || required.includes(name));
  return Object.fromEntries(shown.map(([name, part]) => [name, next(part)]));
}

function makeArray(schema: JsonSchema, next: (part: JsonSchema) => unknown): unknown[] {
  const { items, prefixItems, minItems, maxItems } = schema;
  const leading = isSchemas(prefixItems) ? prefixItems.map(next) : [];
  const wanted = Math.min(Math.max(numberOr(minItems, 1), leading.length), numberOr(maxItems, Infinity));
  const rest = Array.from({ length: Math.max(wanted - leading.length, 0) }, () =>
    items === undefined ? null : next(items),
  );
  return [...leading, ...rest];
}

function makeString({ format, minLength, maxLength }: JsonSchema): string {
  const known = typeof format === 'string' ? FORMATS.get(format) : undefined;
  if (known !== undefined) return known;
  return 'string'.padEnd(numberOr(minLength, 0), '.').slice(0, numberOr(maxLength, Infinity));
}

/** Tries the candidates that bounds and step suggest, in the order of their plainness. */
function makeNumber(schema: JsonSchema): number {
  const step = numberOr(schema['multipleOf'], schema.type === 'integer' ? 1 : 0);
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

/** A reference inside the schema: `#/$defs/Name`. */
function resolve(reference: string, root: JsonSchema): JsonSchema {
  let found: unknown = root;
  for (const key of reference.split('/').slice(1)) {
    found = (found as Record<string, unknown> | undefined)?.[
      decodeURIComponent(key).replaceAll('~1', '/').replaceAll('~0', '~')
    ];
  }
  return (found ?? {}) as JsonSchema;
}

const numberOr = (value: unknown, otherwise: number): number => (typeof value === 'number' ? value : otherwise);

const isSchemas = (value: unknown): value is readonly JsonSchema[] => Array.isArray(value) && value.length > 0;
