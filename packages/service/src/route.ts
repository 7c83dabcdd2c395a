/** A route as it is compiled once: what a request needs is decided here, not when it comes. */
import { EkibenError } from '@ekiben/spec';
import type { Descriptor } from '@ekiben/io-descriptors';
import type { Context, RequestContext } from './context.ts';
import type { Exchange, Reply, ReplyBody, WriteReply } from './exchange.ts';
import type { Middleware } from './middleware.ts';
import { excerpt } from './problem.ts';

/** Makes the answer of a route, behind its middleware. */
export type Respond<E extends Exchange> = (exchange: E, ctx: RequestContext) => Answer | Promise<Answer>;

type Answer = Reply | WriteReply;

export interface Route<E extends Exchange = Exchange> {
  /** Dense from 0, to keep figures about routes in an array. */
  readonly index: number;
  readonly path: string;
  /** Null when nothing guards it. */
  readonly middleware: readonly Middleware[] | null;
  readonly respond: Respond<E>;
}

/** A descriptor or handler whose types no longer matter: `Service.api` has seen to it that those of an API fit. */
export interface AnyDescriptor extends Omit<Descriptor<unknown, unknown>, 'encode' | 'encodeTyped' | 'toWire'> {
  encode(value: unknown): ReplyBody | Promise<ReplyBody>;
  encodeTyped?(value: unknown): Promise<{ readonly contentType: string; readonly body: ReplyBody }>;
  toWire(value: unknown): unknown;
}

/** One inference API of a service. */
export interface Api {
  readonly name: string;
  /** Of the documentation. */
  readonly summary?: string | undefined;
  readonly description?: string | undefined;
  readonly method: string;
  readonly path: string;
  readonly input: AnyDescriptor;
  readonly output: AnyDescriptor;
  handler(input: unknown, ctx: Context): unknown;
}

/** Up to this a body whose length is known is gathered before it is decoded; a longer one is decoded as it comes. */
const GATHERED_BODY_BYTES = 1024 * 1024;

/** Runs the user's code in a context where its runner calls know the request. */
export type Enter = <T>(ctx: RequestContext, scope: () => T) => T;

/**
 * Reads, decodes, handles and encodes.
 *
 * A promise is awaited only where there is one: each `await` costs a turn of the microtask queue, and the common route has but two
 * things to wait for, the body and the handler.
 */
export function respondWith(api: Api, enter: Enter): Respond<Exchange> {
  const { input, output, handler } = api;
  const { maxBytes } = input;

  return async (exchange, ctx) => {
    const encoding = exchange.header('content-encoding');
    if (encoding !== undefined && !/^(?:identity)?$/i.test(encoding)) throw unsupportedContentEncoding(encoding);
    const { length } = exchange;
    if (length !== undefined && length > maxBytes) throw bodyTooLarge(maxBytes);
    const contentType = exchange.header('content-type');
    input.checkType?.(contentType);
    const isShort = length !== undefined && length <= GATHERED_BODY_BYTES;
    const body = isShort ? await exchange.bytes(maxBytes) : exchange.stream(maxBytes);
    let value: unknown = input.decode(body, contentType);
    if (isThenable(value)) value = await value;
    let result: unknown = enter(ctx, () => handler(value, ctx));
    if (isThenable(result)) result = await result;
    let type = output.contentType;
    let encoded: ReplyBody;
    if (output.encodeTyped === undefined) {
      const made = output.encode(result);
      encoded = isThenable(made) ? await made : made;
    } else {
      ({ contentType: type, body: encoded } = await output.encodeTyped(result));
    }
    if (typeof encoded !== 'string' && !(encoded instanceof Uint8Array)) {
      encoded = await begin(encoded, (pull) => enter(ctx, pull));
    }
    return { status: 200, contentType: type, headers: null, body: encoded };
  };
}

// Not `instanceof Promise`: it may be one of another realm, or of a library.
const isThenable = <T>(value: T | PromiseLike<T>): value is PromiseLike<T> =>
  typeof (value as { readonly then?: unknown } | null | undefined)?.then === 'function';

type Pull = () => Promise<IteratorResult<Uint8Array>>;

/**
 * Gets the first chunk of a streamed body, so that what fails before it is still answered as a problem. A generator runs when it is
 * pulled, so each pull goes through `enter`.
 */
async function begin(
  body: AsyncIterable<Uint8Array>,
  enter: (pull: Pull) => ReturnType<Pull>,
): Promise<AsyncIterable<Uint8Array>> {
  const chunks = body[Symbol.asyncIterator]();
  const pull = () => chunks.next();
  let first: IteratorResult<Uint8Array> | null = await enter(pull);
  const iterator: AsyncIterator<Uint8Array> = {
    async next() {
      const next = first ?? (await enter(pull));
      first = null;
      return next;
    },
    // Reached even when nobody has asked for a chunk, unlike the `finally` of a generator.
    async return() {
      await chunks.return?.();
      return { done: true, value: undefined };
    },
  };
  return { [Symbol.asyncIterator]: () => iterator };
}

export function bodyTooLarge(maxBytes: number): EkibenError {
  return new EkibenError('EKIBEN_BODY_TOO_LARGE', `The body is larger than this route takes: ${maxBytes} bytes.`, {
    details: { maxBytes },
  });
}

function unsupportedContentEncoding(encoding: string): EkibenError {
  return new EkibenError(
    'EKIBEN_UNSUPPORTED_CONTENT_ENCODING',
    `Bodies are taken as they are; send this one without content-encoding: ${excerpt(encoding)}.`,
  );
}
