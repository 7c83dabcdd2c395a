/** Values one after another, as a generator makes them: text, lines of JSON, server-sent events. */
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { EkibenError } from '@ekiben/spec';
import { bounded } from './body.ts';
import type { Descriptor } from './descriptor.ts';
import { refusedInput, refusedOutput } from './faults.ts';
import type { FromSchema, JsonSchema } from './json-schema.ts';
import { json } from './json.ts';
import { DEFAULT_MAX_LINE_BYTES, DEFAULT_MAX_STREAM_BYTES } from './limits.ts';
import { checkTextType, essenceOf, unsupportedType } from './media-type.ts';
import { text } from './text.ts';

export interface StreamOptions {
  /** The largest body, in bytes, that is read; it is never held as a whole. @default 1 GiB */
  readonly maxBytes?: number | undefined;
}

export interface TextStreamOptions extends StreamOptions {
  /** The `Content-Type` of what `encode` makes. @default 'text/plain; charset=utf-8' */
  readonly contentType?: `text/${string}` | undefined;
}

/**
 * Text that goes out, or comes, chunk by chunk, such as the words of a language model. A generator that throws before its first chunk
 * is answered as an error; after it the answer breaks off.
 *
 * @example
 * svc.api('generate', { input: text(), output: textStream() }, async function* (prompt) { yield 'Once '; yield 'upon '; })
 */
export function textStream(options: TextStreamOptions = {}): Descriptor<AsyncIterable<string>, AsyncIterable<string>> {
  const { contentType = 'text/plain; charset=utf-8', maxBytes = DEFAULT_MAX_STREAM_BYTES } = options;
  return {
    mediaTypes: ['text/plain'],
    contentType,
    maxBytes,
    mayBeEmpty: true,
    streams: true,
    checkType: checkTextType,
    decode(body, type) {
      checkTextType(type);
      return decodeText(bounded(body, maxBytes));
    },
    parse: (value) => iterableOf(value, refusedInput) as AsyncIterable<string>,
    encode: (value) =>
      encodeEach(iterableOf(value, refusedOutput), (chunk) => text().encode(chunk as string) as string),
    toWire: (value) => iterableOf(value, refusedOutput) as AsyncIterable<string>,
    jsonSchema: () => ({ type: 'string' }),
    example: undefined,
    bentoml: { id: 'bentoml.io.Text' },
  };
}

export interface NdjsonOptions extends StreamOptions {
  /** The longest line, in bytes, that is read. @default 1 MiB */
  readonly maxLineBytes?: number | undefined;
}

/**
 * JSON values, one a line (`application/x-ndjson`), each validated by the schema as {@link json} does. As input they come while they
 * are read, so that a fault shows when its line is reached; the pointer begins with the number of the line, from 0.
 *
 * @example
 * ndjson(z.object({ token: z.string() }))
 */
export function ndjson<In, Out>(
  schema: StandardSchemaV1<In, Out>,
  options?: NdjsonOptions,
): Descriptor<AsyncIterable<In>, AsyncIterable<Out>>;
export function ndjson<const S extends JsonSchema>(
  schema: S,
  options?: NdjsonOptions,
): Descriptor<AsyncIterable<FromSchema<S>>, AsyncIterable<FromSchema<S>>>;
export function ndjson(
  schema: StandardSchemaV1 | JsonSchema,
  options: NdjsonOptions = {},
): Descriptor<AsyncIterable<unknown>, AsyncIterable<unknown>> {
  const { maxBytes = DEFAULT_MAX_STREAM_BYTES, maxLineBytes = DEFAULT_MAX_LINE_BYTES } = options;
  const item = itemOf(schema, maxLineBytes);
  const mediaTypes = ['application/x-ndjson', 'application/ndjson', 'application/jsonl'];
  const checkType = (contentType: string | undefined) => {
    const essence = essenceOf(contentType);
    if (essence !== undefined && !mediaTypes.includes(essence)) throw unsupportedType(contentType, mediaTypes);
  };
  return {
    mediaTypes,
    contentType: 'application/x-ndjson',
    maxBytes,
    mayBeEmpty: true,
    streams: true,
    checkType,
    decode(body, contentType) {
      checkType(contentType);
      return decodeLines(bounded(body, maxBytes), maxLineBytes, (line) => item.decode(line, undefined));
    },
    parse: (value) => mapEach(iterableOf(value, refusedInput), (each) => item.parse(each)),
    encode: (value) =>
      encodeEach(iterableOf(value, refusedOutput), async (each) => `${(await item.encode(each)) as string}\n`),
    toWire: (value) => mapEach(iterableOf(value, refusedOutput), (each) => item.toWire(each)),
    jsonSchema: (side) => ({ type: 'string', ...documented('A JSON value a line', item, side) }),
    get example() {
      return item.example === undefined ? undefined : `${JSON.stringify(item.example)}\n`;
    },
  };
}

/** One event of a stream (https://html.spec.whatwg.org/#server-sent-events). */
export interface ServerSentEvent<Data> {
  readonly data: Data;
  /** The type by which a listener hears it. @default 'message' */
  readonly event?: string | undefined;
  /** What the client says as `Last-Event-ID` when it connects again. */
  readonly id?: string | undefined;
  /** How long the client should wait before it connects again, in milliseconds. */
  readonly retry?: number | undefined;
}

/**
 * Server-sent events (`text/event-stream`), as `EventSource` reads them; output only. Their data is text, or with a schema JSON that it
 * validates.
 *
 * @example
 * svc.api('generate', { input: text(), output: eventStream() }, async function* (prompt) { yield { data: 'Once' }; })
 */
export function eventStream(): Descriptor<
  AsyncIterable<ServerSentEvent<string>>,
  AsyncIterable<ServerSentEvent<string>>
>;
export function eventStream<In, Out>(
  schema: StandardSchemaV1<In, Out>,
): Descriptor<AsyncIterable<ServerSentEvent<In>>, AsyncIterable<ServerSentEvent<Out>>>;
export function eventStream<const S extends JsonSchema>(
  schema: S,
): Descriptor<AsyncIterable<ServerSentEvent<FromSchema<S>>>, AsyncIterable<ServerSentEvent<FromSchema<S>>>>;
export function eventStream(schema?: StandardSchemaV1 | JsonSchema): unknown {
  return eventDescriptor((schema === undefined ? text() : itemOf(schema, DEFAULT_MAX_LINE_BYTES)) as Item);
}

type Events = AsyncIterable<ServerSentEvent<unknown>>;

function eventDescriptor(item: Item): Descriptor<Events, Events> {
  const eventsOf = (value: unknown) => iterableOf(value, refusedOutput) as Events;
  const isOutputOnly = () => {
    throw new EkibenError('EKIBEN_UNSUPPORTED_MEDIA_TYPE', 'Server-sent events go out only; they are no input.');
  };
  return {
    mediaTypes: [],
    contentType: 'text/event-stream; charset=utf-8',
    maxBytes: 0,
    decode: isOutputOnly,
    parse: isOutputOnly,
    encode: (value) =>
      encodeEach(eventsOf(value), async (event) => eventText(event, (await item.encode(event.data)) as string)),
    toWire: (value) => mapEach(eventsOf(value), async (event) => ({ ...event, data: await item.toWire(event.data) })),
    jsonSchema: (side) => ({
      ...EVENT,
      ...documented('Server-sent events, of which each is such an object', item, side),
    }),
    example: undefined,
    bentoml: { id: 'bentoml.io.Text' },
  };
}

/** Of one event, as readers of event streams have it. */
const EVENT: JsonSchema = {
  type: 'object',
  properties: {
    data: { type: 'string' },
    event: { type: 'string' },
    id: { type: 'string' },
    retry: { type: 'integer', minimum: 0 },
  },
  required: ['data'],
};

type Item = Descriptor<unknown, unknown>;

const itemOf = (schema: StandardSchemaV1 | JsonSchema, maxBytes: number): Item =>
  json(schema as StandardSchemaV1, { maxBytes });

/** OpenAPI 3.0 has no schema for what comes one after another; what one is stands beside it. */
function documented(description: string, item: Item, side: 'input' | 'output'): JsonSchema {
  const schema = item.jsonSchema(side);
  const [type] = item.mediaTypes;
  return { description, 'x-item-media-type': type, ...(schema !== undefined && { 'x-items': schema }) };
}

function iterableOf(value: unknown, refuse: typeof refusedInput): AsyncIterable<unknown> {
  const iterator = (value as Partial<AsyncIterable<unknown>> | null | undefined)?.[Symbol.asyncIterator];
  if (typeof iterator === 'function') return value as AsyncIterable<unknown>;
  throw refuse([{ pointer: '', message: 'must be an AsyncIterable, such as a generator makes' }]);
}

async function* mapEach<T, U>(values: AsyncIterable<T>, map: (value: T) => U | Promise<U>): AsyncGenerator<U, void> {
  for await (const value of values) yield await map(value);
}

async function* encodeEach<T>(
  values: AsyncIterable<T>,
  encode: (value: T) => string | Promise<string>,
): AsyncGenerator<Uint8Array, void> {
  for await (const value of values) yield Buffer.from(await encode(value));
}

async function* decodeText(body: AsyncIterable<Uint8Array>): AsyncGenerator<string, void> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const decode = (chunk?: Uint8Array) => {
    try {
      return decoder.decode(chunk, { stream: chunk !== undefined });
    } catch {
      throw refusedInput([{ pointer: '', message: 'must be UTF-8' }]);
    }
  };
  for await (const chunk of body) yield decode(chunk);
  const rest = decode();
  if (rest !== '') yield rest;
}

const NEWLINE = 0x0a;

/** Empty lines are passed over. */
async function* decodeLines(
  body: AsyncIterable<Uint8Array>,
  maxLineBytes: number,
  decode: (line: Uint8Array) => unknown,
): AsyncGenerator<unknown, void> {
  let number = 0;
  let rest: Uint8Array[] = [];
  let restBytes = 0;
  const add = (piece: Uint8Array) => {
    restBytes += piece.length;
    if (restBytes > maxLineBytes) throw lineTooLong(number, maxLineBytes);
    rest.push(piece);
  };
  const take = () => {
    const line = Buffer.concat(rest);
    rest = [];
    restBytes = 0;
    return line;
  };
  async function* values(line: Buffer) {
    if (line.toString('latin1').trim() !== '') yield await atLine(number, () => decode(line));
    number++;
  }
  for await (const chunk of body) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      add(chunk.subarray(start, end));
      start = end + 1;
      yield* values(take());
    }
    add(chunk.subarray(start));
  }
  if (restBytes > 0) yield* values(take());
}

const lineTooLong = (number: number, maxLineBytes: number) =>
  new EkibenError(
    'EKIBEN_BODY_TOO_LARGE',
    `Line ${number + 1} has more than the ${maxLineBytes} bytes that are taken here.`,
    {
      details: { maxLineBytes },
    },
  );

/** Runs a line's decoding; the faults are those of a list of lines. */
async function atLine(number: number, run: () => unknown): Promise<unknown> {
  try {
    return await run();
  } catch (error) {
    if (!EkibenError.is(error) || !/^EKIBEN_(?:INVALID_INPUT|MALFORMED_JSON)$/.test(error.code)) throw error;
    const faults = error.details?.errors ?? [];
    throw refusedInput(faults.map(({ pointer, message }) => ({ pointer: `/${number}${pointer}`, message })));
  }
}

/** @throws EKIBEN_INVALID_OUTPUT for a field that would end its line, and begin another */
function eventText({ event, id, retry }: ServerSentEvent<unknown>, data: string): string {
  const field = (name: string, value: string | number | undefined) => {
    if (value === undefined) return '';
    if (!/[\r\n\0]/.test(String(value))) return `${name}: ${value}\n`;
    throw refusedOutput([{ pointer: `/${name}`, message: 'must be one line' }]);
  };
  const lines = data.split(/\r\n|\r|\n/).map((line) => `data: ${line}\n`);
  return `${field('event', event)}${field('id', id)}${field('retry', retry)}${lines.join('')}\n`;
}
