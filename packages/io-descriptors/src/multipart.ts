/** Forms of named parts, each with a descriptor of its own. BentoML's `Multipart`. */
import { randomUUID } from 'node:crypto';
import { EkibenError } from '@ekiben/spec';
import { decodeForm } from './decode-form.ts';
import type { BentomlDescriptor, Descriptor } from './descriptor.ts';
import { encodeForm } from './encode-form.ts';
import { FaultList, refusedInput, refusedOutput } from './faults.ts';
import { FORM, checkFormType, readForm } from './form.ts';
import { checkFields, fieldOf, partsOf, valuesOf } from './form-fields.ts';
import type { AnyDescriptor, Field, OptionalPart, Parts, RepeatedPart, Values } from './form-fields.ts';
import type { JsonSchema } from './json-schema.ts';
import { DEFAULT_MAX_FILE_BYTES, DEFAULT_MAX_PARTS, DEFAULT_MAX_STREAM_BYTES } from './limits.ts';

type ValueOf<D> = D extends Descriptor<infer _Wire, infer Value> ? Value : never;
type WireOf<D> = D extends Descriptor<infer Wire, infer _Value> ? Wire : never;

type OptionalKeys<P extends Parts> = {
  [K in keyof P]: P[K] extends { readonly optional: unknown } ? K : never;
}[keyof P];

/** What a handler gets of a form, and returns as one. */
export type FormValue<P extends Parts> = {
  -readonly [K in Exclude<keyof P, OptionalKeys<P>>]: P[K] extends RepeatedPart<infer D> ? ValueOf<D>[] : ValueOf<P[K]>;
} & { -readonly [K in OptionalKeys<P>]?: P[K] extends OptionalPart<infer D> ? ValueOf<D> | undefined : never };

/** The same as a client has it. */
export type FormWire<P extends Parts> = {
  readonly [K in Exclude<keyof P, OptionalKeys<P>>]: P[K] extends RepeatedPart<infer D>
    ? readonly WireOf<D>[]
    : WireOf<P[K]>;
} & { readonly [K in OptionalKeys<P>]?: P[K] extends OptionalPart<infer D> ? WireOf<D> | undefined : never };

export interface MultipartOptions {
  /** The largest form, in bytes, all parts and what is between them. @default 64 MiB, or 1 GiB with a part that streams */
  readonly maxBytes?: number | undefined;
  /** How many parts there may be, repeated ones counted. @default 100 */
  readonly maxParts?: number | undefined;
}

/** A part that may be left out. */
export const optional = <D extends AnyDescriptor>(descriptor: D): OptionalPart<D> => ({ optional: descriptor });

/**
 * A part that may come several times, under one name; the handler gets an array.
 * @throws EKIBEN_INVALID_SCHEMA where `max` is less than `min`, or than 1
 */
export function repeated<D extends AnyDescriptor>(
  descriptor: D,
  options: {
    /** @default 0 */
    readonly min?: number | undefined;
    /** @default as many as `maxParts` allows */
    readonly max?: number | undefined;
  } = {},
): RepeatedPart<D> {
  const { min = 0, max = Infinity } = options;
  if (min >= 0 && max >= Math.max(min, 1)) return { repeated: descriptor, min, max };
  throw new EkibenError('EKIBEN_INVALID_SCHEMA', `A part cannot come ${min} to ${max} times.`);
}

/**
 * A form (`multipart/form-data`). Each part is read under its own descriptor's limit, and every fault of every part is reported. A part
 * whose name is not known is a fault.
 *
 * One part may stream (`file({ stream: true })`): the handler then runs while it comes, and clients have to send it last.
 *
 * @throws EKIBEN_INVALID_SCHEMA for a form within a form, or one of which two parts would stream
 *
 * @example
 * multipart({ note: optional(text()), rows: ndarray(), photos: repeated(file(), { max: 4 }) })
 */
export function multipart<const P extends Parts>(
  parts: P,
  options: MultipartOptions = {},
): Descriptor<FormWire<P>, FormValue<P>> {
  return formDescriptor(parts, options) as unknown as Descriptor<FormWire<P>, FormValue<P>>;
}

function formDescriptor(
  parts: Parts,
  { maxBytes, maxParts = DEFAULT_MAX_PARTS }: MultipartOptions,
): Descriptor<Values, Values> {
  const fields = Object.entries(parts).map(([name, part]) => fieldOf(name, part));
  checkFields(fields);
  const streams = fields.some(({ descriptor }) => descriptor.streams === true);
  const limits = { maxParts, maxBytes: maxBytes ?? (streams ? DEFAULT_MAX_STREAM_BYTES : DEFAULT_MAX_FILE_BYTES) };
  const boundary = newBoundary();
  const schemaOf = (side: 'input' | 'output') => formSchema(fields, side);

  return {
    mediaTypes: [FORM],
    contentType: typeWith(boundary),
    maxBytes: limits.maxBytes,
    streams,
    checkType: checkFormType,
    decode: (body, contentType) => decodeForm(readForm(body, contentType, limits), fields),
    parse: (value) => eachField(fields, value, refusedInput, (descriptor, part) => descriptor.parse(part)),
    encode: (value) => encodeForm(fields, value, boundary),
    async encodeTyped(value) {
      const own = newBoundary();
      return { contentType: typeWith(own), body: await encodeForm(fields, value, own) };
    },
    toWire: (value) => eachField(fields, value, refusedOutput, (descriptor, part) => descriptor.toWire(part as never)),
    jsonSchema: schemaOf,
    example: exampleOf(fields),
    bentoml: bentomlOf(fields),
    encoding: Object.fromEntries(
      fields
        .filter(({ descriptor }) => descriptor.mediaTypes[0] !== '*/*')
        .map(({ name, descriptor }) => [name, { contentType: descriptor.mediaTypes[0] ?? '' }]),
    ),
  };
}

/** Random, since content that holds it would break the form: nobody can prepare such content. */
const newBoundary = () => `ekiben-${randomUUID()}`;
const typeWith = (boundary: string) => `${FORM}; boundary=${boundary}`;

/** The values of a form that is an object, each put through its descriptor. */
async function eachField(
  fields: readonly Field[],
  form: unknown,
  refuse: typeof refusedInput,
  run: (descriptor: AnyDescriptor, value: unknown) => unknown,
): Promise<Values> {
  const faults = new FaultList();
  const given = partsOf(fields, form, faults);
  faults.throwIfAny(refuse);
  const made = new Map<string, unknown[]>();
  for (const { name, descriptor } of fields) {
    made.set(name, await Promise.all((given.get(name) ?? []).map((value) => run(descriptor, value))));
  }
  return valuesOf(fields, (name) => made.get(name) ?? []);
}

function formSchema(fields: readonly Field[], side: 'input' | 'output'): JsonSchema {
  const properties = fields.map(({ name, descriptor, isRepeated, min, max }) => {
    const schema = descriptor.jsonSchema(side) ?? {};
    const bounds = { ...(min > 0 && { minItems: min }), ...(max < Infinity && { maxItems: max }) };
    return [name, isRepeated ? { type: 'array', items: schema, ...bounds } : schema];
  });
  const required = fields.filter(({ min }) => min > 0).map(({ name }) => name);
  const schema = { type: 'object', properties: Object.fromEntries(properties), additionalProperties: false };
  return required.length > 0 ? { ...schema, required } : schema;
}

/** None where a part is nothing of BentoML's. */
function bentomlOf(fields: readonly Field[]): BentomlDescriptor | undefined {
  const args = fields.map(({ name, descriptor }) => [name, descriptor.bentoml] as const);
  if (args.some(([, part]) => part === undefined)) return undefined;
  return { id: 'bentoml.io.Multipart', args: Object.fromEntries(args) };
}

/** None where a part that is required has none, such as a file. */
function exampleOf(fields: readonly Field[]): unknown {
  if (fields.some(({ descriptor, min }) => min > 0 && descriptor.example === undefined)) return undefined;
  const shown = fields.filter(({ descriptor }) => descriptor.example !== undefined);
  return Object.fromEntries(
    shown.map(({ name, descriptor, isRepeated, min }) => [
      name,
      isRepeated ? Array.from({ length: Math.max(min, 1) }, () => descriptor.example) : descriptor.example,
    ]),
  );
}
