/** A Request and its Response as an {@link Exchange}. */
import { EkibenError } from '@ekiben/spec';
import { deadlineOf } from './deadline.ts';
import { dispatcherOf } from './dispatch.ts';
import type { ServiceDefinition } from './dispatch.ts';
import type { Exchange, Reply, ReplyBody } from './exchange.ts';
import { clientClosed } from './problem.ts';
import { discardBody, mayHaveBody } from './reply-body.ts';
import { requestIdOf } from './request-id.ts';
import { bodyTooLarge } from './route.ts';

export async function fetchFrom(service: ServiceDefinition, request: Request): Promise<Response> {
  const exchange = new FetchExchange(request);
  const dispatcher = dispatcherOf(service);
  const reply = await dispatcher.run(dispatcher.match(exchange.method, exchange.path), exchange);
  return responseOf(reply, exchange.method === 'HEAD');
}

class FetchExchange implements Exchange {
  readonly method: string;
  readonly path: string;
  readonly length: number | undefined;
  readonly deadline: number | undefined;
  readonly #request: Request;
  #requestId: string | null = null;

  constructor(request: Request) {
    this.#request = request;
    this.method = request.method;
    this.path = new URL(request.url).pathname;
    this.deadline = deadlineOf(this, performance.now(), undefined);
    this.length = request.body === null ? 0 : announced(request.headers.get('content-length'));
  }

  get requestId(): string {
    return (this.#requestId ??= requestIdOf(this.header('x-request-id')));
  }

  query(): string {
    return new URL(this.#request.url).search;
  }

  header(name: string): string | undefined {
    return this.#request.headers.get(name) ?? undefined;
  }

  headers(): Headers {
    return this.#request.headers;
  }

  signal(): AbortSignal {
    return this.#request.signal;
  }

  async bytes(maxBytes: number): Promise<Uint8Array> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of this.stream(maxBytes)) chunks.push(chunk);
    return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
  }

  async *stream(maxBytes: number): AsyncGenerator<Uint8Array, void> {
    const { body, bodyUsed, signal } = this.#request;
    if (body === null) return;
    if (bodyUsed) throw new TypeError('The body of this Request was read before it came to the service.');
    const reader = body.getReader();
    // A body does not hear of its request's signal.
    const stop = () => void reader.cancel().catch(() => {});
    signal.addEventListener('abort', stop, { once: true });
    let bytes = 0;
    try {
      for (;;) {
        signal.throwIfAborted();
        const { done, value } = await reader.read();
        signal.throwIfAborted();
        if (done) return;
        bytes += value.byteLength;
        if (bytes > maxBytes) throw bodyTooLarge(maxBytes);
        yield value;
      }
    } catch (error) {
      if (EkibenError.is(error)) throw error;
      throw clientClosed(error);
    } finally {
      signal.removeEventListener('abort', stop);
      stop();
    }
  }
}

function announced(contentLength: string | null): number | undefined {
  return contentLength !== null && /^\d+$/.test(contentLength) ? Number(contentLength) : undefined;
}

function responseOf(reply: Reply | (() => Promise<void>), isHead: boolean): Response {
  if (typeof reply === 'function') throw new TypeError('A route of the server was reached without a server.');
  const headers = new Headers(reply.headers ?? undefined);
  if (reply.contentType !== null && !headers.has('content-type')) headers.set('content-type', reply.contentType);
  // `new Response` refuses a body where there is none.
  const isSent = !isHead && mayHaveBody(reply.status);
  if (!isSent) discardBody(reply.body);
  return new Response(isSent ? responseBody(reply.body) : null, { status: reply.status, headers });
}

function responseBody(body: ReplyBody | null): ConstructorParameters<typeof Response>[0] {
  if (body === null || typeof body === 'string' || body instanceof Uint8Array) return body;
  return ReadableStream.from(body);
}
