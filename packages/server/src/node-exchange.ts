/** A node:http request and response as the service's Exchange. */
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Cancellation } from '@ekiben/runners';
import { bodyTooLarge, clientClosed, deadlineOf, requestIdOf } from '@ekiben/service';
import type { Exchange } from '@ekiben/service';
import type { GatheringRequest } from './gathering-request.ts';

const EMPTY = new Uint8Array(0);

/** The last exchange of a connection. A property, since a WeakMap would cost every request more. */
const last = Symbol('ekiben.last-exchange');

export const lastExchange = (socket: Socket): NodeExchange | undefined =>
  (socket as { readonly [last]?: NodeExchange })[last];

/** Of a span, in lower-case hexadecimal digits. */
export interface TraceIds {
  readonly traceId: string;
  readonly spanId: string;
  /** 1: it is recorded. */
  readonly traceFlags: number;
}

export class NodeExchange implements Exchange {
  readonly method: string;
  readonly path: string;
  readonly deadline: number | undefined;
  readonly request: GatheringRequest;
  readonly response: ServerResponse;
  /** The client waits for `100 Continue` before it sends the body. */
  awaitsContinue: boolean;
  /** The span that is made of the request, if any is. */
  trace: TraceIds | null = null;

  constructor(
    request: GatheringRequest,
    response: ServerResponse,
    awaitsContinue: boolean,
    started: number,
    limit: number | undefined,
  ) {
    this.method = request.method ?? '';
    this.path = pathOf(request.url ?? '');
    this.request = request;
    this.response = response;
    this.awaitsContinue = awaitsContinue;
    this.deadline = deadlineOf(this, started, limit);
    (request.socket as { [last]?: NodeExchange })[last] = this;
  }

  #requestId: string | null = null;

  get requestId(): string {
    return (this.#requestId ??= requestIdOf(this.header('x-request-id')));
  }

  get node(): Pick<NodeExchange, 'request' | 'response'> {
    return this;
  }

  get scheme(): 'http' | 'https' {
    return 'encrypted' in this.request.socket ? 'https' : 'http';
  }

  query(): string {
    const { url = '' } = this.request;
    const start = url.indexOf('?');
    return start === -1 ? '' : url.slice(start);
  }

  get length(): number | undefined {
    const { headers } = this.request;
    const length = headers['content-length'];
    if (length !== undefined) return Number(length);
    return headers['transfer-encoding'] === undefined ? 0 : undefined;
  }

  header(name: string): string | undefined {
    const value = this.request.headers[name];
    return Array.isArray(value) ? value.join(', ') : value;
  }

  headers(): Headers {
    const headers = new Headers();
    const { rawHeaders } = this.request;
    for (let i = 0; i + 1 < rawHeaders.length; i += 2) headers.append(rawHeaders[i] ?? '', rawHeaders[i + 1] ?? '');
    return headers;
  }

  #signal: Cancellation | null = null;

  signal(): Cancellation {
    if (this.#signal !== null) return this.#signal;
    const cancellation = new Cancellation();
    const { response } = this;
    const abort = () => {
      if (!response.writableFinished) cancellation.abort(clientClosed());
    };
    if (response.destroyed) abort();
    else response.once('close', abort);
    return (this.#signal = cancellation);
  }

  bytes(maxBytes: number): Promise<Uint8Array> {
    if (this.length === 0) return Promise.resolve(EMPTY);
    const { request } = this;
    // The client left while a middleware was at work: nothing would ever come, no end and no error either.
    if (request.destroyed) return Promise.reject(clientClosed());
    this.#sendContinue();
    return new Promise((resolve, reject) => {
      const chunks: Uint8Array[] = [];
      let size = 0;
      const isTaken = request.takeBody({
        take(chunk) {
          size += chunk.length;
          if (size <= maxBytes) {
            chunks.push(chunk);
          } else {
            request.releaseBody();
            reject(bodyTooLarge(maxBytes));
          }
        },
        end: () => resolve(joined(chunks)),
        fail: (error) => reject(clientClosed(error)),
      });
      if (!isTaken) this.#gather(maxBytes).then(resolve, reject);
    });
  }

  async #gather(maxBytes: number): Promise<Uint8Array> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of this.stream(maxBytes)) chunks.push(chunk);
    return joined(chunks);
  }

  async *stream(maxBytes: number): AsyncGenerator<Uint8Array, void> {
    if (this.request.destroyed) throw clientClosed();
    this.#sendContinue();
    let size = 0;
    // Not the request's own iterator: that one ends the connection, and with it the answer, when the reader stops early.
    const chunks = this.request.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>;
    try {
      for await (const chunk of chunks) {
        size += chunk.length;
        if (size > maxBytes) break;
        yield chunk;
      }
    } catch (error) {
      throw clientClosed(error);
    }
    if (size > maxBytes) throw bodyTooLarge(maxBytes);
  }

  #sendContinue(): void {
    if (!this.awaitsContinue) return;
    this.awaitsContinue = false;
    this.response.writeContinue();
  }
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const [first = EMPTY, second] = chunks;
  return second === undefined ? first : Buffer.concat(chunks);
}

/** The path of a request target: mostly the target itself. */
function pathOf(target: string): string {
  const query = target.indexOf('?');
  const path = query === -1 ? target : target.slice(0, query);
  if (path.startsWith('/')) return path;
  // The absolute form, which a server has to take (RFC 9112, 3.2.2).
  return /^https?:\/\//i.test(path) && URL.canParse(path) ? new URL(path).pathname : path;
}
