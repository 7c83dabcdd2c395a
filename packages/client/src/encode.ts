/** What is given to a call, as the body of a request. */
import { EkibenError } from '@ekiben/spec';
import type { ClientRoute } from './routes.ts';

export interface Outgoing {
  readonly body: string | Uint8Array<ArrayBuffer> | Blob | FormData | ReadableStream<Uint8Array> | null;
  /** Null where `fetch` knows. */
  readonly contentType: string | null;
}

const FORM = 'multipart/form-data';
const ANY_BYTES = 'application/octet-stream';

/** @throws EKIBEN_CLIENT_INPUT for what the route cannot take */
export function encode(
  input: unknown,
  { method, mediaType = 'application/json', parts }: ClientRoute,
  contentType?: string,
): Outgoing {
  if (method === 'GET' || mediaType === '') {
    if (input === undefined) return { body: null, contentType: null };
    throw wrongInput('This API takes no input.');
  }
  if (input instanceof Blob) return { body: input, contentType: contentType ?? (input.type || concrete(mediaType)) };
  if (input instanceof Uint8Array) {
    return { body: input as Uint8Array<ArrayBuffer>, contentType: contentType ?? concrete(mediaType) };
  }
  const usual = contentType ?? mediaType;
  if (isAsyncIterable(input)) return { body: streamOf(input, isLines(usual)), contentType: concrete(usual) };
  if (mediaType === FORM) return { body: formOf(input, parts ?? {}), contentType: null };
  if (mediaType.startsWith('text/') && typeof input === 'string') return { body: input, contentType: usual };
  return { body: jsonOf(input), contentType: contentType ?? 'application/json' };
}

export const isLines = (mediaType: string): boolean => /^application\/(?:x-ndjson|ndjson|jsonl)\b/i.test(mediaType);

/** `image/*` is what an API takes, not what something is. */
const concrete = (mediaType: string) => (mediaType.includes('*') ? ANY_BYTES : mediaType);

function formOf(input: unknown, types: Readonly<Record<string, string>>): FormData {
  if (typeof input !== 'object' || input === null) throw wrongInput('A form is an object of its parts by name.');
  const form = new FormData();
  for (const [name, value] of Object.entries(input)) {
    if (value === undefined) continue;
    const [type = ''] = (types[name] ?? '').split(',');
    // A part that may come several times is an array; so may a part of JSON be, whose type says so.
    const values = Array.isArray(value) && !type.includes('json') ? value : [value];
    for (const each of values) form.append(name, partOf(each, type));
  }
  return form;
}

function partOf(value: unknown, type: string): Blob | string {
  if (value instanceof Blob) return value;
  if (value instanceof Uint8Array)
    return new Blob([value as Uint8Array<ArrayBuffer>], { type: concrete(type || ANY_BYTES) });
  if (typeof value === 'string' && !type.includes('json')) return value;
  return new Blob([jsonOf(value)], { type: 'application/json' });
}

function jsonOf(value: unknown): string {
  const text = JSON.stringify(value, (_key, each: unknown) => (typeof each === 'bigint' ? exact(each) : each)) as
    string | undefined;
  if (text !== undefined) return text;
  throw wrongInput(`${typeof value} is nothing that JSON has.`);
}

function exact(value: bigint): number {
  if (BigInt(Number(value)) === value) return Number(value);
  throw wrongInput(`${value} is no number of JSON without loss; send it as the API’s binary format.`);
}

const isAsyncIterable = (value: unknown): value is AsyncIterable<unknown> =>
  typeof (value as Partial<AsyncIterable<unknown>> | null | undefined)?.[Symbol.asyncIterator] === 'function';

/** Text and bytes as they come, or a JSON value a line. */
function streamOf(values: AsyncIterable<unknown>, lines: boolean): ReadableStream<Uint8Array> {
  const iterator = values[Symbol.asyncIterator]();
  const text = new TextEncoder();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await iterator.next();
      if (done === true) controller.close();
      else if (lines) controller.enqueue(text.encode(`${jsonOf(value)}\n`));
      else controller.enqueue(value instanceof Uint8Array ? value : text.encode(String(value)));
    },
    async cancel() {
      await iterator.return?.();
    },
  });
}

const wrongInput = (message: string) => new EkibenError('EKIBEN_CLIENT_INPUT', message);
