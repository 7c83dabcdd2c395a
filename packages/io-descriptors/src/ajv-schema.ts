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

const VALIDATION: Options = { allErrors: true, strictTypes: false, strictTuples: false };

/** What ajv does not know in a schema that another library made is no slip of the user's. */
const COERCION: Options = { allErrors: true, strict: false, validateFormats: false, logger: false, coerceTypes: true };

export type JsonStandardSchema = {
  readonly '~standard': StandardSchemaV1.Props & StandardJSONSchemaV1.Props;
};

/** @throws EKIBEN_INVALID_SCHEMA */
export function ajvSchema(schema: JsonSchema): JsonStandardSchema {
  const validate = compile(schema, VALIDATION);
  const converter = () => schema;
  return {
    '~standard': {
      version: 1,
      vendor: 'ajv',
      validate: (value) => (validate(value) ? { value } : { issues: (validate.errors ?? []).map(toIssue) }),
      jsonSchema: { input: converter, output: converter },
    },
  };
}

/**
 * A copy of a value with what ajv can convert towards `schema` converted. It judges nothing; the schema's own validation comes after.
 *
 * @throws EKIBEN_INVALID_SCHEMA
 */
export function ajvCoercion(schema: JsonSchema): (value: unknown) => unknown {
  const convert = compile(schema, COERCION);
  return (value) => {
    const holder = { value: structuredClone(value) };
    // ajv converts properties of objects; this makes the value as a whole one, too.
    const place = {
      parentData: holder,
      parentDataProperty: 'value',
      rootData: holder,
      instancePath: '',
      dynamicAnchors: {},
    };
    convert(holder.value, place);
    return holder.value;
  };
}

function compile(schema: JsonSchema, options: Options): ValidateFunction {
  try {
    // Its validation would be a promise, which is no answer.
    if (schema['$async'] !== undefined) throw new Error('$async is not supported');
    const ajv = new (dialectOf(schema))(options);
    ajv.addVocabulary(OPENAPI_ANNOTATIONS);
    const formats = require('ajv-formats') as typeof import('ajv-formats');
    formats.default(ajv);
    return ajv.compile(schema);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new EkibenError('EKIBEN_INVALID_SCHEMA', `Not a JSON Schema that can be used: ${reason}.`, { cause });
  }
}

/** Draft 2020-12, unless `$schema` says draft 7; ajv itself refuses other drafts. */
function dialectOf({ $schema }: JsonSchema): new (options: Options) => Ajv {
  const isDraft7 = typeof $schema === 'string' && $schema.includes('draft-07');
  return isDraft7
    ? (require('ajv') as typeof import('ajv')).Ajv
    : (require('ajv/dist/2020.js') as typeof import('ajv/dist/2020.js')).Ajv2020;
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
  if (keyword === 'enum') return { path, message: `must be one of ${list(params['allowedValues'])}` };
  return { path, message };
}

const list = (values: unknown): string => JSON.stringify(values).slice(1, -1);
