/** Forms of named parts, each with a descriptor of its own. BentoML's `Multipart`. */
import { randomUUID } from 'node:crypto';
import { EkibenError } from '@ekiben/spec';
import { collect } from './body.ts';
import type { Descriptor, EncodedBody } from './descriptor.ts';
import { FaultList, pointerTo, refusedInput, refusedOutput } from './faults.ts';
import { FORM, checkFormType, readForm } from './form.ts';
import type { Part } from './form.ts';
import type { JsonSchema } from './json-schema.ts';
import { DEFAULT_MAX_FILE_BYTES, DEFAULT_MAX_PARTS, DEFAULT_MAX_STREAM_BYTES } from './limits.ts';
import { essenceOf } from './media-type.ts';

/** A descriptor of a part, whatever its types. */
interface AnyDescriptor extends Omit<Descriptor<unknown, unknown>, 'encode' | 'toWire' | 'filename'> {
  encode(value: never): EncodedBody | Promise<EncodedBody>;
  toWire(value: never): unknown;
  filename?(value: never): string | undefined;
}

/** A part that may be left out. Made by {@link optional}. */
export interface OptionalPart<D extends AnyDescriptor> {
  readonly optional: D;
}

/** A part that may come several times. Made by {@link repeated}. */
export interface RepeatedPart<D extends AnyDescriptor> {
  readonly repeated: D;
  readonly min: number;
  readonly max: number;
}

/** By name, in the order in which they go out. */
export type Parts = Readonly<Record<string, AnyDescriptor | OptionalPart<AnyDescriptor> | RepeatedPart<AnyDescriptor>>>;

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

/** A part that may come several times, under one name; the handler gets an array. */
export function repeated<D extends AnyDescriptor>(
  descriptor: D,
  options: {
    /** @default 0 */
    readonly min?: number | undefined;
    /** @default as many as `maxParts` allows */
    readonly max?: number | undefined;
  } = {},
): RepeatedPart<D> {
  return { repeated: descriptor, min: options.min ?? 0, max: options.max ?? Infinity };
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

interface Field {
  readonly name: string;
  readonly descriptor: AnyDescriptor;
  readonly min: number;
  readonly max: number;
  readonly isRepeated: boolean;
}

type Values = Readonly<Record<string, unknown>>;

function fieldOf(name: string, part: Parts[string]): Field {
  if ('repeated' in part) return { name, descriptor: part.repeated, min: part.min, max: part.max, isRepeated: true };
  if ('optional' in part) return { name, descriptor: part.optional, min: 0, max: 1, isRepeated: false };
  return { name, descriptor: part, min: 1, max: 1, isRepeated: false };
}

function formDescriptor(
  parts: Parts,
  { maxBytes, maxParts = DEFAULT_MAX_PARTS }: MultipartOptions,
): Descriptor<Values, Values> {
  const fields = Object.entries(parts).map(([name, part]) => fieldOf(name, part));
  checkFields(fields);
  const streams = fields.some(({ descriptor }) => descriptor.streams === true);
  const limits = { maxParts, maxBytes: maxBytes ?? (streams ? DEFAULT_MAX_STREAM_BYTES : DEFAULT_MAX_FILE_BYTES) };
  // Random, since content that holds it would break the form: nobody can prepare such content.
  const boundary = `ekiben-${randomUUID()}`;
  const schemaOf = (side: 'input' | 'output') => formSchema(fields, side);

  return {
    mediaTypes: [FORM],
    contentType: `${FORM}; boundary=${boundary}`,
    maxBytes: limits.maxBytes,
    streams,
    checkType: checkFormType,
    decode: (body, contentType) => decodeForm(readForm(body, contentType, limits), fields),
    parse: (value) => eachField(fields, value, refusedInput, (descriptor, part) => descriptor.parse(part)),
    encode: (value) => encodeForm(fields, value, boundary),
    toWire: (value) => eachField(fields, value, refusedOutput, (descriptor, part) => descriptor.toWire(part as never)),
    jsonSchema: schemaOf,
    example: exampleOf(fields),
    encoding: Object.fromEntries(
      fields
        .filter(({ descriptor }) => descriptor.mediaTypes[0] !== '*/*')
        .map(({ name, descriptor }) => [name, { contentType: descriptor.mediaTypes[0] ?? '' }]),
    ),
  };
}

function checkFields(fields: readonly Field[]): void {
  const invalid = (message: string) => new EkibenError('EKIBEN_INVALID_SCHEMA', message);
  const nested = fields.find(({ descriptor }) => descriptor.mediaTypes[0] === FORM);
  if (nested !== undefined) throw invalid(`Part '${nested.name}' is a form, and forms have no forms within.`);
  const streamed = fields.filter(({ descriptor }) => descriptor.streams === true);
  if (streamed.length > 1) throw invalid(`Only one part can stream, not ${namesOf(streamed)}.`);
  if (streamed.some(({ isRepeated }) => isRepeated))
    throw invalid(`Part '${namesOf(streamed)}' streams, and can come only once.`);
}

const namesOf = (fields: readonly Field[]) => fields.map(({ name }) => name).join(', ');

async function decodeForm(form: AsyncGenerator<Part, void>, fields: readonly Field[]): Promise<Values> {
  const found = new Map<string, unknown[]>(fields.map(({ name }) => [name, []]));
  const faults = new FaultList();
  let streamed: Field | undefined;
  try {
    while (streamed === undefined) {
      const { done, value: part } = await form.next();
      if (done === true) break;
      const field = fields.find(({ name }) => name === part.name);
      const values = found.get(part.name);
      if (field === undefined || values === undefined) faults.add(pointerTo(part.name), 'is no part of this form');
      else if (values.length >= field.max) faults.add(pointerTo(part.name), `must come at most ${field.max} times`);
      else if (field.descriptor.streams === true) {
        streamed = field;
        values.push(await decodePart(field, { ...part, content: lastContent(part, form) }, 0, faults));
      } else values.push(await decodePart(field, part, values.length, faults));
    }
    for (const { name, min } of fields) {
      const count = found.get(name)?.length ?? 0;
      if (count >= min) continue;
      const isLate = streamed !== undefined ? `, before ${streamed.name}, which has to come last` : '';
      faults.add(pointerTo(name), min === 1 ? `is required${isLate}` : `must come at least ${min} times${isLate}`);
    }
    faults.throwIfAny(refusedInput);
  } catch (error) {
    await form.return();
    throw error;
  }
  return valuesOf(fields, (name) => found.get(name) ?? []);
}

/** Undefined when there are faults, which go to the list. */
async function decodePart(field: Field, part: Part, index: number, faults: FaultList): Promise<unknown> {
  const { name, descriptor, isRepeated } = field;
  const pointer = isRepeated ? pointerTo(name, String(index)) : pointerTo(name);
  const body = descriptor.streams === true ? part.content : await gather(part, descriptor.maxBytes, pointer);
  try {
    return await descriptor.decode(body, partType(part.contentType, descriptor), part.filename);
  } catch (error) {
    if (!EkibenError.is(error)) throw error;
    const { code, message, details } = error;
    if (code !== 'EKIBEN_INVALID_INPUT' && code !== 'EKIBEN_MALFORMED_JSON') throw ofPart(pointer, error);
    for (const fault of details?.errors ?? [{ pointer: '', message }])
      faults.add(pointer + fault.pointer, fault.message);
    return undefined;
  }
}

/** What is wrong with the form itself comes out as it is. */
async function gather({ content }: Part, maxBytes: number, pointer: string): Promise<Uint8Array> {
  try {
    return await collect(content, maxBytes);
  } catch (error) {
    throw EkibenError.is(error) && error.code === 'EKIBEN_BODY_TOO_LARGE' ? ofPart(pointer, error) : error;
  }
}

const ofPart = (pointer: string, cause: EkibenError) =>
  new EkibenError(cause.code, `Part ${pointer.slice(1)}: ${cause.message}`, { details: cause.details, cause });

/** What clients say of anything: a form's field is text to them, a file bytes. Then the descriptor knows better. */
const VAGUE: readonly string[] = ['text/plain', 'application/octet-stream'];

function partType(contentType: string | undefined, { mediaTypes }: AnyDescriptor): string | undefined {
  const essence = essenceOf(contentType);
  const isVague =
    essence !== undefined && VAGUE.includes(essence) && !mediaTypes.includes(essence) && mediaTypes[0] !== '*/*';
  return isVague ? undefined : contentType;
}

/** The content of a part that has to be the last; the handler reads it. */
async function* lastContent(
  { name, content }: Part,
  form: AsyncGenerator<Part, void>,
): AsyncGenerator<Uint8Array, void> {
  try {
    yield* content;
    const { done, value: part } = await form.next();
    if (done !== true) {
      throw refusedInput([
        { pointer: pointerTo(part.name), message: `must come before ${name}, which has to come last` },
      ]);
    }
  } finally {
    await form.return();
  }
}

function valuesOf(fields: readonly Field[], found: (name: string) => readonly unknown[]): Values {
  const present = fields.filter(({ name, isRepeated }) => isRepeated || found(name).length > 0);
  return Object.fromEntries(present.map(({ name, isRepeated }) => [name, isRepeated ? found(name) : found(name)[0]]));
}

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

/** A list of values for each field of an object. */
function partsOf(fields: readonly Field[], form: unknown, faults: FaultList): ReadonlyMap<string, readonly unknown[]> {
  if (typeof form !== 'object' || form === null) {
    faults.add('', 'must be an object of parts by name');
    return new Map();
  }
  return new Map(
    fields.map(({ name, isRepeated, min, max }) => {
      const value: unknown = (form as Values)[name];
      const values = isRepeated
        ? Array.isArray(value)
          ? (value as unknown[])
          : []
        : value === undefined
          ? []
          : [value];
      if (values.length < min || values.length > max) faults.add(pointerTo(name), `must come ${min} to ${max} times`);
      return [name, values];
    }),
  );
}

const CRLF = '\r\n';

async function encodeForm(fields: readonly Field[], form: Values, boundary: string): Promise<EncodedBody> {
  const faults = new FaultList();
  const given = partsOf(fields, form, faults);
  faults.throwIfAny(refusedOutput);
  const delimiter = Buffer.from(`--${boundary}`);
  const pieces: (string | Uint8Array | AsyncIterable<Uint8Array>)[] = [];
  for (const { name, descriptor } of fields) {
    for (const value of given.get(name) ?? []) {
      const filename = descriptor.filename?.(value as never);
      const disposition = `form-data; name="${quoted(name)}"${filename === undefined ? '' : `; filename="${quoted(filename)}"`}`;
      pieces.push(
        `--${boundary}${CRLF}Content-Disposition: ${disposition}${CRLF}Content-Type: ${descriptor.contentType}${CRLF}${CRLF}`,
        withoutDelimiter(await descriptor.encode(value as never), delimiter),
        CRLF,
      );
    }
  }
  const body = inOrder([...pieces, `--${boundary}--${CRLF}`]);
  return fields.some(({ descriptor }) => descriptor.streams === true) ? body : collect(body, Infinity);
}

async function* inOrder(pieces: readonly EncodedBody[]): AsyncGenerator<Uint8Array, void> {
  for (const piece of pieces) {
    if (typeof piece === 'string') yield Buffer.from(piece);
    else if (piece instanceof Uint8Array) yield piece;
    else yield* piece;
  }
}

/** As browsers write names (https://html.spec.whatwg.org/#multipart-form-data). */
const quoted = (name: string): string => name.replace(/["\r\n]/g, encodeURIComponent);

/**
 * Content that holds the delimiter would be read as further parts. Nobody can guess it, but whoever has had an answer knows it.
 * @throws EKIBEN_INVALID_OUTPUT
 */
async function* withoutDelimiter(content: EncodedBody, delimiter: Buffer): AsyncGenerator<Uint8Array, void> {
  let tail: Uint8Array = new Uint8Array(0);
  for await (const chunk of inOrder([content])) {
    const seen = Buffer.concat([tail, chunk]);
    if (seen.includes(delimiter)) throw refusedOutput([{ pointer: '', message: 'holds the boundary of the form' }]);
    tail = seen.subarray(Math.max(seen.length - delimiter.length + 1, 0));
    yield chunk;
  }
}

function formSchema(fields: readonly Field[], side: 'input' | 'output'): JsonSchema {
  const properties = fields.map(({ name, descriptor, isRepeated, min, max }) => {
    const schema = descriptor.jsonSchema(side) ?? {};
    const bounds = { ...(min > 0 && { minItems: min }), ...(max < Infinity && { maxItems: max }) };
    return [name, isRepeated ? { type: 'array', items: schema, ...bounds } : schema];
  });
  const required = fields.filter(({ min }) => min > 0).map(({ name }) => name);
  return { type: 'object', properties: Object.fromEntries(properties), ...(required.length > 0 && { required }) };
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
