/** What a handler and a middleware see of a request. Made for each request, so all that costs is made when it is first asked for. */
import { toAbortSignal } from '@ekiben/runners';
import type { CallContext } from '@ekiben/runners';
import { parseCookie, stringifySetCookie } from 'cookie';
import type { SerializeOptions } from 'cookie';
import { EkibenError } from '@ekiben/spec';
import type { Exchange } from './exchange.ts';
import { TempDir } from './temp-dir.ts';

export interface Context<State = unknown> {
  readonly request: {
    readonly method: string;
    /** Without the query. */
    readonly path: string;
    readonly headers: Headers;
    readonly query: URLSearchParams;
    /** By name; the first of a name counts. */
    readonly cookies: Readonly<Record<string, string | undefined>>;
  };
  readonly response: {
    /** @default 200 */
    status: number;
    /** Sent with whatever is answered, a problem document included. */
    readonly headers: Headers;
    /**
     * Adds a `Set-Cookie`. Not for scripts of pages (`httpOnly`) and not sent from other sites (`sameSite: 'lax'`) unless the options
     * say otherwise; see https://github.com/jshttp/cookie for them.
     */
    setCookie(name: string, value: string, options?: SerializeOptions): void;
  };
  /** The request's `x-request-id`, or one made for it; the answer has it, too. */
  readonly requestId: string;
  /** What the service's `state` made, once per process. */
  readonly state: State;
  /** Aborted when the client is gone or the deadline has passed. */
  readonly signal: AbortSignal;
  /**
   * After it nobody wants the answer, in milliseconds of `performance.now()`: the server's time limit, or sooner where the client says so
   * by `x-request-timeout-ms`. Runner calls heed it by themselves.
   */
  readonly deadline: number | undefined;
  /** Makes, at its first call, a directory of this request's own, and resolves with its path. It is removed when the answer is sent. */
  tempDir(): Promise<string>;
}

export class RequestContext implements Context {
  readonly exchange: Exchange;
  readonly state: unknown;
  #request: RequestView | null = null;
  #response: ResponseDraft | null = null;
  #signal: AbortSignal | null = null;
  #tempDir: TempDir | null = null;

  constructor(exchange: Exchange, state: unknown) {
    this.exchange = exchange;
    this.state = state;
  }

  get request(): RequestView {
    return (this.#request ??= new RequestView(this.exchange));
  }

  get response(): ResponseDraft {
    return (this.#response ??= new ResponseDraft());
  }

  /** Null while neither status nor headers were touched. */
  get touchedResponse(): ResponseDraft | null {
    return this.#response;
  }

  get requestId(): string {
    return this.exchange.requestId;
  }

  get signal(): AbortSignal {
    return (this.#signal ??= toAbortSignal(this.exchange.signal()));
  }

  get deadline(): number | undefined {
    return this.exchange.deadline;
  }

  tempDir(): Promise<string> {
    return (this.#tempDir ??= new TempDir()).made;
  }

  get usedTempDir(): TempDir | null {
    return this.#tempDir;
  }

  /** What its runner calls take along. */
  get callContext(): CallContext {
    const { exchange } = this;
    const traceparent = exchange.header('traceparent');
    const isTrace = traceparent !== undefined && TRACEPARENT.test(traceparent);
    return {
      signal: exchange.signal(),
      deadline: exchange.deadline,
      traceparent: isTrace ? traceparent : undefined,
      tracestate: isTrace ? exchange.header('tracestate') : undefined,
    };
  }
}

/** As W3C Trace Context has it; anything else goes no further than here. */
const TRACEPARENT = /^[\da-f]{2}-[\da-f]{32}-[\da-f]{16}-[\da-f]{2}$/;

class RequestView {
  readonly method: string;
  readonly path: string;
  readonly #exchange: Exchange;
  #headers: Headers | null = null;
  #query: URLSearchParams | null = null;
  #cookies: Readonly<Record<string, string | undefined>> | null = null;

  constructor(exchange: Exchange) {
    this.method = exchange.method;
    this.path = exchange.path;
    this.#exchange = exchange;
  }

  get headers(): Headers {
    return (this.#headers ??= this.#exchange.headers());
  }

  get query(): URLSearchParams {
    return (this.#query ??= new URLSearchParams(this.#exchange.query()));
  }

  get cookies(): Readonly<Record<string, string | undefined>> {
    return (this.#cookies ??= parseCookie(this.#exchange.header('cookie') ?? ''));
  }
}

class ResponseDraft {
  #status: number | null = null;
  #headers: Headers | null = null;

  get status(): number {
    return this.#status ?? 200;
  }

  set status(status: number) {
    if (!Number.isInteger(status) || status < 200 || status > 599) {
      throw new EkibenError(
        'EKIBEN_STATUS_INVALID',
        `ctx.response.status is a final HTTP status, 200 to 599; got ${status}.`,
      );
    }
    this.#status = status;
  }

  get headers(): Headers {
    return (this.#headers ??= new Headers());
  }

  setCookie(name: string, value: string, options: SerializeOptions = {}): void {
    this.headers.append(
      'set-cookie',
      stringifySetCookie({ path: '/', httpOnly: true, sameSite: 'lax', ...options, name, value }),
    );
  }

  get chosenStatus(): number | null {
    return this.#status;
  }

  get chosenHeaders(): Headers | null {
    return this.#headers;
  }
}
