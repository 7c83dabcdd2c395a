import type { IncomingMessage, ServerResponse } from 'node:http';
import type { CancelSignal } from '@ekiben/runners';

/**
 * One request and the answer to it, as the dispatcher sees them. `@ekiben/server` implements it over node:http, `svc.fetch` over a
 * Request, `svc.call` over nothing.
 */
export interface Exchange {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  /** The request's `x-request-id`, or one made for it. */
  readonly requestId: string;
  /** Node's own request and response, where there are such. */
  readonly node?: { readonly request: IncomingMessage; readonly response: ServerResponse } | undefined;
  /** After it nobody wants the answer, in milliseconds of `performance.now()`. */
  readonly deadline: number | undefined;
  /** Bytes of the body as the headers announce them: 0 when there is none, undefined when they do not say. */
  readonly length: number | undefined;
  /** What follows the path, with its `?`; '' if nothing does. */
  query(): string;
  /** A request header by its lower-case name. */
  header(name: string): string | undefined;
  headers(): Headers;
  /** Aborted when the client is gone. An AbortSignal would do, but costs a request more than a Cancellation. */
  signal(): CancelSignal;
  /**
   * The body, gathered. Called at most once, as is `stream`.
   * @throws EKIBEN_BODY_TOO_LARGE beyond `maxBytes`, EKIBEN_CLIENT_CLOSED when the client leaves before the end
   */
  bytes(maxBytes: number): Promise<Uint8Array>;
  /** The body as it comes; throws as `bytes` does. */
  stream(maxBytes: number): AsyncIterable<Uint8Array>;
}

/** What goes out as a body; a string is UTF-8. */
export type ReplyBody = string | Uint8Array | AsyncIterable<Uint8Array>;

export interface Reply {
  readonly status: number;
  /** Null when there is no body. `headers` may say otherwise. */
  readonly contentType: string | null;
  readonly headers: Headers | null;
  readonly body: ReplyBody | null;
}

/** Writes the answer of a route that does so by itself: when all middleware is through, with the headers that it has set. */
export type WriteReply = (headers: Headers | null) => Promise<void>;
