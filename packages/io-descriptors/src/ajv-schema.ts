/**
 * A plain JSON Schema as a Standard Schema, so that everything else knows only one kind. ajv validates; it is loaded when the first
 * JSON Schema is compiled, since a service that uses zod alone should not pay for it.
 */
import { createRequire } from 'node:module';
import type { StandardJSONSchemaV1, StandardSchemaV1 } from '@standard-schema/spec';
import { EkibenError } from '@ekiben/spec';
import type { Ajv, ErrorObject, Options, ValidateFunction } from 'ajv';
import type { JsonSchema } from './json-schema.ts';

const require = createRequire(import.meta.url);

/** Annotations of OpenAPI; ajv's strict mode refuses keywords that it does not know, most of which are slips. */
const OPENAPI_ANNOTATIONS = ['example', 'externalDocs', 'xml'];

const STRICT: Options = { allErrors: true, strictTypes: false, strictTuples: false };

/** A schema made from another library's is there to coerce by, so that what ajv does not know is no mistake of the user's. */
const LENIENT: Options = { allErrors: true, strict: false, validateFormats: false, logger: false, coerceTypes: true };

export type JsonStandardSchema = {
  readonly '~standard': StandardSchemaV1.Props<unknown> & StandardJSONSchemaV1.Props<unknown>;
};

/**
 * @param coerce - let ajv convert `"3"` to 3 and the like (https://ajv.js.org/coercion.html)
 * @throws EKIBEN_INVALID_SCHEMA
 */
export function ajvSchema(schema: JsonSchema, coerce: boolean): JsonStandardSchema {
  const validate = compile(schema, { ...STRICT, coerceTypes: coerce });
  const converter = () => schema;
  return {
    '~standard': {
      version: 1,
      vendor: 'ajv',
      validate: (value) => {
        const holder = { value };
        return run(validate, holder) ? holder : { issues: (validate.errors ?? []).map(toIssue) };
      },
      jsonSchema: { input: converter, output: converter },
    },
  };
}

/** Converts what ajv can convert towards `schema`, in place, and judges nothing: the schema's own library will. */
export function ajvCoercion(schema: JsonSchema): (value: unknown) => unknown {
  const validate = compile(schema, LENIENT);
  return (value) => {
    const holder = { value };
    run(validate, holder);
    return holder.value;
  };
}

/** ajv coerces a property of an object; the value as a whole becomes one of `holder`. */
function run(validate: ValidateFunction, holder: { value: unknown }): boolean {
  return validate(holder.value, {
    instancePath: '',
    parentData: holder,
    parentDataProperty: 'value',
    rootData: holder.value as object,
    dynamicAnchors: {},
  });
}

function compile(schema: JsonSchema, options: Options): ValidateFunction {
  try {
    const ajv = new (dialectOf(schema))(options);
    ajv.addVocabulary(OPENAPI_ANNOTATIONS);
    const formats = require('ajv-formats') as typeof import('ajv-formats');
    formats.default(ajv);
    return ajv.compile(schema);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new EkibenError('EKIBEN_INVALID_SCHEMA', `Not a JSON Schema that can be used: ${reason}`, { cause });
  }
}

/** Draft 2020-12, unless `$schema` says draft 7; ajv itself refuses other drafts. */
function dialectOf({ $schema }: JsonSchema): new (options: Options) => Ajv {
  const isDraft7 = typeof $schema === 'string' && $schema.includes('draft-07');
  const { Ajv } = require('ajv') as typeof import('ajv');
  return isDraft7 ? Ajv : (require('ajv/dist/2020.js') as typeof import('ajv/dist/2020.js')).Ajv2020;
}

/** The parameters in which ajv names a property that is absent, or should be. */
const NAMED_PROPERTY = ['missingProperty', 'additionalProperty', 'unevaluatedProperty', 'propertyName'];

function toIssue({ instancePath, keyword, params, message = 'is invalid' }: ErrorObject): StandardSchemaV1.Issue {
  const keys = instancePath.split('/').slice(1);
  const path = keys.map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
  const named = NAMED_PROPERTY.map((name) => params[name] as unknown).find((name) => typeof name === 'string');
  if (named !== undefined) path.push(named);
  if (keyword === 'required') return { path, message: 'is required' };
  if (keyword === 'additionalProperties') return { path, message: 'is not a property of this object' };
  if (keyword === 'enum')
    return { path, message: `must be one of ${JSON.stringify(params['allowedValues']).slice(1, -1)}` };
  return { path, message };
}
