import { EkibenError } from '@ekiben/spec';
import { itemsOf, valueOf } from './decode.ts';
import { encode } from './encode.ts';
import { brokenOff, notConnected, problemOf, timedOut } from './failure.ts';
import { retryAfterAnswer, retryAfterFailure } from './retry.ts';
import { routeOf, routesOf } from './routes.ts';
import type { ClientRoute, Routes } from './routes.ts';
import type { CallOptions, Client, ClientOptions, NameOf } from './types.ts';

const TIMEOUT_MS = 60_000;
const RETRIES = 2;

/** There a header of our own would need the leave of a service of another origin; that the page has left tells as much. */
const IN_PAGE = 'document' in globalThis;

/**
 * A client of a service. Its types come from that of the service, nothing is generated; a method a call, by the API's name.
 *
 * A call rejects with an EkibenError: the service's own, with `details.status`, or EKIBEN_CLIENT_CONNECTION and
 * EKIBEN_DEADLINE_EXCEEDED of the way there. An ended `signal` rejects with its reason.
 *
 * @param url - of the service, with its path prefix if it has one
 * @throws EKIBEN_CLIENT_URL
 *
 * @example
 * import type { svc } from './service.ts';
 * const credit = client<typeof svc>('http://127.0.0.1:3000');
 * const { Status } = await credit.classify(application);
 */
export function client<S>(url: string, options: ClientOptions<NameOf<S>> = {}): Client<S> {
  const caller = new Caller(url, options);
  const methods = new Map<string, unknown>();
  const methodOf = (name: string) => {
    const call = (input: unknown, given?: CallOptions) => caller.call(name, input, given);
    return Object.assign(call, { stream: (input: unknown, given?: CallOptions) => caller.stream(name, input, given) });
  };
  return new Proxy({} as Client<S> & object, {
    get(_target, name) {
      // A client is no promise: `await` asks for `then`.
      if (typeof name === 'symbol' || name === 'then') return undefined;
      if (!methods.has(name)) methods.set(name, methodOf(name));
      return methods.get(name);
    },
  });
}

class Caller {
  readonly #base: string;
  readonly #options: ClientOptions;
  #discovered: Promise<Routes> | null = null;

  constructor(url: string, options: ClientOptions) {
    if (!/^https?:\/\//i.test(url) || !URL.canParse(url)) {
      throw new EkibenError('EKIBEN_CLIENT_URL', `The URL of a service begins with http:// or https://; got '${url}'.`);
    }
    this.#base = url.replace(/\/+$/, '');
    this.#options = options;
  }

  async call(name: string, input: unknown, options: CallOptions = {}): Promise<unknown> {
    const time = this.#time(options);
    try {
      const { response } = await this.#answer(name, input, options, time, true);
      return await time.watch(valueOf(response).catch(brokenOff));
    } finally {
      time.end();
    }
  }

  async *stream(name: string, input: unknown, options: CallOptions = {}): AsyncGenerator<unknown, void> {
    const time = this.#time(options);
    try {
      const { response, route } = await this.#answer(name, input, options, time, false);
      time.end();
      yield* itemsOf(response, route.dataType);
    } catch (error) {
      time.throwIfOver();
      if (EkibenError.is(error)) throw error;
      brokenOff(error);
    } finally {
      time.end();
    }
  }

  #time({ signal, timeoutMs = this.#options.timeoutMs ?? TIMEOUT_MS }: CallOptions): CallTime {
    return new CallTime(timeoutMs, signal);
  }

  /** @param isOver - whether the service has no more to do when the time is over */
  async #answer(name: string, input: unknown, options: CallOptions, time: CallTime, isOver: boolean) {
    const route = await this.#route(name, time);
    const { method = 'POST', path = name } = route;
    const { body, contentType } = encode(input, { ...route, method }, options.contentType);
    const { idempotent = this.#options.idempotent ?? false } = options;
    const headers: Record<string, string> = contentType === null ? {} : { 'content-type': contentType };
    const init = { method, body, headers: { ...headers, ...options.headers } };
    const isRepeatable = !(body instanceof ReadableStream);
    const isIdempotent = idempotent || method === 'GET' || method === 'PUT' || method === 'DELETE';
    const response = await this.#request(path, init, time, { isIdempotent, isRepeatable, isTold: isOver && !IN_PAGE });
    return { response, route };
  }

  async #route(name: string, time: CallTime): Promise<ClientRoute> {
    const known = this.#options.routes?.[name];
    if (known !== undefined) return known;
    this.#discovered ??= this.#discover();
    // What one call waits for is asked for all of them: the end of this one does not end it.
    const routes = await time.watch(this.#discovered);
    return routeOf(routes, name);
  }

  async #discover(): Promise<Routes> {
    const time = new CallTime(this.#options.timeoutMs ?? TIMEOUT_MS, undefined);
    try {
      const init = { method: 'GET', body: null, headers: {} };
      const response = await this.#request('docs.json', init, time, {
        isIdempotent: true,
        isRepeatable: true,
        isTold: false,
      });
      return routesOf(await valueOf(response), `${this.#base}/docs.json`);
    } catch (error) {
      // The next call asks again.
      this.#discovered = null;
      throw error;
    } finally {
      time.end();
    }
  }

  /** Resolves with an answer below 400. */
  async #request(path: string, request: ClientRequest, time: CallTime, may: Repeatable): Promise<Response> {
    const { fetch: send = fetch, headers, retries = RETRIES } = this.#options;
    const url = `${this.#base}/${path.replace(/^\/+/, '')}`;
    for (let retry = 0; ; retry++) {
      const common = typeof headers === 'function' ? await headers() : headers;
      const told = may.isTold ? time.header : {};
      const all = { ...told, ...common, ...request.headers };
      const init = { ...request, headers: all, signal: time.signal, duplex: 'half' };
      const mayRetry = retry < retries && may.isRepeatable;
      let waitMs: number | null;
      let failure: unknown;
      try {
        const response = await send(url, init as RequestInit);
        if (response.status < 400) return response;
        failure = await problemOf(response);
        waitMs = retryAfterAnswer(response, retry, may.isIdempotent);
      } catch (error) {
        time.throwIfOver();
        failure = notConnected(url, error);
        waitMs = retryAfterFailure(error, retry, may.isIdempotent);
      }
      if (!mayRetry || waitMs === null || waitMs >= time.leftMs) throw failure;
      await time.sleep(waitMs);
    }
  }
}

interface ClientRequest {
  readonly method: string;
  readonly body: unknown;
  readonly headers: Readonly<Record<string, string>>;
}

interface Repeatable {
  readonly isIdempotent: boolean;
  /** False for a body that can be sent only once. */
  readonly isRepeatable: boolean;
  /** Whether the service is told how long the call has. */
  readonly isTold: boolean;
}

/** How long a call has, and who may end it sooner. */
class CallTime {
  readonly #over = new AbortController();
  readonly #until: number;
  readonly #timer: ReturnType<typeof setTimeout> | undefined;
  readonly signal: AbortSignal;

  constructor(timeoutMs: number, signal: AbortSignal | undefined) {
    this.#until = performance.now() + timeoutMs;
    if (timeoutMs < Infinity) this.#timer = setTimeout(() => this.#over.abort(timedOut(timeoutMs)), timeoutMs);
    this.signal = signal === undefined ? this.#over.signal : AbortSignal.any([this.#over.signal, signal]);
  }

  get leftMs(): number {
    return this.#until - performance.now();
  }

  /** What the call has left, as a service of ours reads it. */
  get header(): Readonly<Record<string, string>> {
    const left = Math.ceil(this.leftMs);
    return left > 0 && left < Infinity ? { 'x-request-timeout-ms': String(left) } : {};
  }

  /** The time limit ends; the caller's signal goes on. */
  end(): void {
    clearTimeout(this.#timer);
  }

  throwIfOver(): void {
    this.signal.throwIfAborted();
  }

  /** The same promise, or why it is over. */
  watch<T>(promise: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const over = () => reject(this.signal.reason as Error);
      if (this.signal.aborted) over();
      this.signal.addEventListener('abort', over, { once: true });
      promise.then(resolve, reject).finally(() => this.signal.removeEventListener('abort', over));
    });
  }

  async sleep(ms: number): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    await this.watch(new Promise((resolve) => (timer = setTimeout(resolve, ms)))).finally(() => clearTimeout(timer));
  }
}
