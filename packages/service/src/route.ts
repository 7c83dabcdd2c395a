/** A route as it is compiled once: what a request needs is decided here, not when it comes. */
import { EkibenError } from '@ekiben/spec';
import type { Descriptor } from '@ekiben/io-descriptors';
import type { Context, RequestContext } from './context.ts';
import type { Exchange, Reply, ReplyBody } from './exchange.ts';
import type { Middleware } from './middleware.ts';
import { excerpt } from './problem.ts';

/** Makes the answer of a route, behind its middleware. Null: it has written the answer itself. */
export type Respond<E extends Exchange> = (exchange: E, ctx: RequestContext) => Reply | null | Promise<Reply | null>;

export interface Route<E extends Exchange = Exchange> {
  /** Dense from 0, to keep figures about routes in an array. */
  readonly index: number;
  readonly path: string;
  /** Null when nothing guards it. */
  readonly middleware: readonly Middleware[] | null;
  readonly respond: Respond<E>;
}

/** A descriptor or handler whose types no longer matter: `Service.api` has seen to it that those of an API fit. */
export interface AnyDescriptor extends Omit<Descriptor<unknown, unknown>, 'encode' | 'toWire'> {
  encode(value: unknown): ReplyBody | Promise<ReplyBody>;
  toWire(value: unknown): unknown;
}

/** One inference API of a service. */
export interface Api {
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly input: AnyDescriptor;
  readonly output: AnyDescriptor;
  handler(input: unknown, ctx: Context): unknown;
}

/** Up to this a body whose length is known is gathered before it is decoded; a longer one is decoded as it comes. */
const GATHERED_BODY_BYTES = 1024 * 1024;

/** Reads, decodes, handles and encodes. `enter` runs the handler in a context where its runner calls know the request. */
export function respondWith(api: Api, enter: <T>(ctx: RequestContext, scope: () => T) => T): Respond<Exchange> {
  const { input, output, handler } = api;
  const { maxBytes } = input;
  const { contentType } = output;

  return async (exchange, ctx) => {
    const encoding = exchange.header('content-encoding');
    if (encoding !== undefined && encoding !== 'identity') throw unsupportedContentEncoding(encoding);
    const length = exchange.length ?? Infinity;
    if (length > maxBytes && length !== Infinity) throw bodyTooLarge(maxBytes);
    const body = length <= GATHERED_BODY_BYTES ? await exchange.bytes(maxBytes) : exchange.stream(maxBytes);
    const value = await input.decode(body, exchange.header('content-type'));
    const result = await enter(ctx, () => handler(value, ctx));
    return { status: 200, contentType, headers: null, body: await begin(await output.encode(result)) };
  };
}

/** Gets the first chunk of a streamed body, so that what fails before it is still answered as a problem. */
async function begin(body: ReplyBody): Promise<ReplyBody> {
  if (typeof body === 'string' || body instanceof Uint8Array) return body;
  const chunks = body[Symbol.asyncIterator]();
  let first: IteratorResult<Uint8Array> | null = await chunks.next();
  const iterator: AsyncIterator<Uint8Array> = {
    async next() {
      const next = first ?? (await chunks.next());
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
