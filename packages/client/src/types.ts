/** What a service's type says of its client. Nothing of the service is imported: its type is enough. */
import type { ClientRoute } from './routes.ts';

export interface ClientOptions<Name extends string = string> {
  /** Sent with every request, such as `{ 'x-api-key': '…' }`; a function is asked before each. */
  readonly headers?: HeaderValues | (() => HeaderValues | Promise<HeaderValues>) | undefined;
  /** How long a call may take, retries and waiting included, in milliseconds; a stream: until its answer begins. @default 60000 */
  readonly timeoutMs?: number | undefined;
  /** How often a call is tried again where that is safe, see {@link CallOptions.idempotent}. @default 2 */
  readonly retries?: number | undefined;
  /** The default of {@link CallOptions.idempotent}. @default false */
  readonly idempotent?: boolean | undefined;
  /** How the service's APIs are called. @default what its `/docs.json` says, which the first call reads */
  readonly routes?: Readonly<Partial<Record<Name, ClientRoute>>> | undefined;
  /** Does the requests. @default the platform's, which keeps connections */
  readonly fetch?: typeof fetch | undefined;
}

export type HeaderValues = Readonly<Record<string, string>>;

export interface CallOptions {
  /** Ends the call; it rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Beside and over those of the client. */
  readonly headers?: HeaderValues | undefined;
  /** @default that of the client */
  readonly timeoutMs?: number | undefined;
  /**
   * True where it does no harm when the service does the work twice, as it is with most models. Then a call is tried again also after
   * 502, 503, 504 and a broken connection, which may have come when the work was done. Otherwise only what the service has not begun:
   * a refused connection, and 429 and 503 with `Retry-After`. GET, PUT and DELETE are idempotent by themselves.
   */
  readonly idempotent?: boolean | undefined;
  /** The `Content-Type` of bytes, where the API takes several. @default that of the Blob, else the API's usual one */
  readonly contentType?: string | undefined;
}

/** What can be given for what an API takes: bytes may be a Blob or File, too, which is sent without being held in memory. */
export type Accepts<T> = T extends Uint8Array
  ? T | Blob
  : T extends readonly unknown[] | AsyncIterable<unknown>
    ? T
    : T extends object
      ? { readonly [Part in keyof T]: AcceptsPart<T[Part]> }
      : T;

/** Of a form, whose parts hold no more parts. */
type AcceptsPart<T> = T extends Uint8Array
  ? T | Blob
  : T extends readonly Uint8Array[]
    ? readonly (Uint8Array | Blob)[]
    : T;

/** Of a call. An API that takes no body is called without input. */
type Arguments<Sends> = [Sends] extends [undefined]
  ? [input?: undefined, options?: CallOptions]
  : [input: Accepts<Sends>, options?: CallOptions];

/** An API that answers once. Bytes can be had as they come as well. */
export type ClientMethod<Sends, Gets> = ((...args: Arguments<Sends>) => Promise<Gets>) &
  ([Gets] extends [Uint8Array] ? StreamingMethod<Sends, Uint8Array> : unknown);

/** An API that answers with one value after another. It is called when the first is asked for. */
export interface StreamingMethod<Sends, Item> {
  stream(...args: Arguments<Sends>): AsyncIterable<Item>;
}

interface Shape {
  readonly sends: unknown;
  readonly gets: unknown;
}

/** The APIs of a Service by name. */
type Apis<S> = S extends { readonly '~apis'?: infer A extends Record<string, Shape> } ? A : never;

/** A client of the service that has the type `S`. */
export type Client<S> = {
  readonly [K in keyof Apis<S>]: [Apis<S>[K]['gets']] extends [AsyncIterable<infer Item>]
    ? StreamingMethod<Apis<S>[K]['sends'], Item>
    : ClientMethod<Apis<S>[K]['sends'], Apis<S>[K]['gets']>;
};

export type NameOf<S> = keyof Apis<S> & string;
