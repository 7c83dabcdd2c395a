/** JSON bodies, validated by a schema of whatever library. */
import type { StandardJSONSchemaV1, StandardSchemaV1 } from '@standard-schema/spec';
import { EkibenError } from '@ekiben/spec';
import { ajvCoercion, ajvSchema } from './ajv-schema.ts';
import { checkSize, collect } from './body.ts';
import { check } from './check.ts';
import type { Descriptor } from './descriptor.ts';
import { exampleFrom } from './example.ts';
import { invalidInput, invalidOutput } from './faults.ts';
import type { FromSchema, JsonSchema } from './json-schema.ts';
import { openApiSchema } from './openapi.ts';
import { parseJson, stringifyJson } from './json-text.ts';
import { DEFAULT_MAX_JSON_BYTES } from './limits.ts';
import { checkJsonType } from './media-type.ts';

export interface JsonOptions<Wire> {
  /**
   * What the documentation shows, for a Standard Schema that cannot tell its JSON Schema itself (zod 4 can).
   */
  readonly jsonSchema?: JsonSchema | undefined;
  /** What the documentation fills in. @default made from the JSON Schema */
  readonly example?: Wire | undefined;
  /** The largest body, in bytes, that is read. @default 16 MiB */
  readonly maxBytes?: number | undefined;
  /**
   * Whether input is converted to the type that the schema asks for, by ajv's rules (https://ajv.js.org/coercion.html): `"3"` becomes
   * 3 for a number, but also `null` becomes 0. A Standard Schema needs a JSON Schema for it. @default false: `"3"` is no number
   */
  readonly coerce?: boolean | undefined;
  /** Whether what a handler returns goes through the schema: refused or stripped as the schema says. @default true */
  readonly validateOutput?: boolean | undefined;
}

/**
 * JSON in UTF-8. As input, the schema's own validator decides, and every fault is reported; as output, it strips or refuses what the
 * handler returned.
 *
 * A Standard Schema (zod, valibot, arktype …) validates by itself; a plain JSON Schema (draft 2020-12, or draft 7 when `$schema` says
 * so) is compiled by ajv at once. As an output schema it works on the handler's result in the same direction as on input: a schema
 * with transforms is for input only.
 *
 * NaN and Infinity, where a schema lets them through, become null, as `JSON.stringify` has it. A bigint becomes a number when that is
 * exact, else it is an invalid output.
 *
 * @throws EKIBEN_INVALID_SCHEMA
 *
 * @example
 * json(z.object({ age: z.int() }))
 * json({ type: 'object', properties: { age: { type: 'integer' } }, required: ['age'] })
 */
export function json<In, Out>(
  schema: StandardSchemaV1<In, Out>,
  options?: JsonOptions<NoInfer<In>>,
): Descriptor<In, Out>;
export function json<const S extends JsonSchema>(
  schema: S,
  options?: JsonOptions<FromSchema<NoInfer<S>>>,
): Descriptor<FromSchema<S>, FromSchema<S>>;
export function json(
  schema: AnyStandardSchema | JsonSchema,
  options: JsonOptions<unknown> = {},
): Descriptor<unknown, unknown> {
  const { coerce = false, maxBytes = DEFAULT_MAX_JSON_BYTES, validateOutput = true } = options;
  const standard = isStandard(schema) ? schema : ajvSchema(schema);
  const { validate } = standard['~standard'];
  const described = (side: Side) => options.jsonSchema ?? jsonSchemaOf(standard, side);
  const coerced = coerce ? ajvCoercion(described('input') ?? noJsonSchema(standard)) : undefined;
  const validateInput = coerced === undefined ? validate : (value: unknown) => validate(coerced(value));

  const parse = (value: unknown) => check(validateInput, value, invalidInput);
  const toWire = (value: unknown) => (validateOutput ? check(validate, value, invalidOutput) : value);

  const documented = (side: Side) => {
    const known = described(side);
    return known && openApiSchema(known);
  };
  const inputSchema = lazy(() => documented('input'));
  const outputSchema = lazy(() => documented('output'));
  const example = lazy(() => options.example ?? exampleOf(described('input')));

  return {
    mediaTypes: ['application/json'],
    contentType: 'application/json',
    maxBytes,
    checkType: checkJsonType,
    decode(body, contentType) {
      checkJsonType(contentType);
      if (!(body instanceof Uint8Array)) return collect(body, maxBytes).then((bytes) => parse(parseJson(bytes)));
      checkSize(body.byteLength, maxBytes);
      return parse(parseJson(body));
    },
    parse,
    encode(value) {
      const wire = toWire(value);
      return wire instanceof Promise ? wire.then(stringifyJson) : stringifyJson(wire);
    },
    toWire,
    jsonSchema: (side) => (side === 'input' ? inputSchema() : outputSchema()),
    get example() {
      return example();
    },
    bentoml: { id: 'bentoml.io.JSON', args: { has_pydantic_model: false, has_json_encoder: false } },
  };
}

type Side = 'input' | 'output';

type AnyStandardSchema = {
  readonly '~standard': StandardSchemaV1.Props & Partial<Pick<StandardJSONSchemaV1.Props, 'jsonSchema'>>;
};

const isStandard = (schema: AnyStandardSchema | JsonSchema): schema is AnyStandardSchema => '~standard' in schema;

/** Of the library itself; undefined where it has none, or none for this schema. */
function jsonSchemaOf(schema: AnyStandardSchema, side: Side): JsonSchema | undefined {
  const { vendor, jsonSchema } = schema['~standard'];
  // zod refuses types that JSON does not have, such as Date; better a document that accepts anything there than none at all.
  const libraryOptions = vendor === 'zod' ? { unrepresentable: 'any' } : undefined;
  try {
    return jsonSchema?.[side]({ target: 'draft-2020-12', libraryOptions });
  } catch {
    return undefined;
  }
}

/** Nothing is known of what a schema without JSON Schema takes; an example of ours would be wrong. */
const exampleOf = (schema: JsonSchema | undefined): unknown => (schema === undefined ? undefined : exampleFrom(schema));

function noJsonSchema(schema: AnyStandardSchema): never {
  const message = `To coerce input, a schema of ${schema['~standard'].vendor} needs the option jsonSchema beside it.`;
  throw new EkibenError('EKIBEN_INVALID_SCHEMA', message);
}

function lazy<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}
