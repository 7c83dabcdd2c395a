/** Whole applications under a path of the service, behind its middleware. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { EkibenError } from '@ekiben/spec';
import type { Exchange, Reply } from './exchange.ts';
import { routeNotFound } from './problem.ts';
import type { Respond } from './route.ts';

/** An application that answers a Request: Hono's `app.fetch`, and most that is made for other platforms than Node. */
export type FetchHandler = (request: Request) => Response | Promise<Response>;

/** An application of Express, or any other that takes Node's own requests. */
export type NodeHandler = (
  request: IncomingMessage,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => unknown;

export interface Mount {
  /** Without a slash at its end: '' is the root. */
  readonly path: string;
  readonly respond: Respond<Exchange>;
}

/** The one whose path is the longest that begins the path. */
export function mountFor<M extends { readonly path: string }>(mounts: readonly M[], path: string): M | undefined {
  const under = mounts.filter((mount) => path === mount.path || path.startsWith(`${mount.path}/`));
  return under.toSorted((a, b) => b.path.length - a.path.length)[0];
}

/** The application sees the whole path, as it does where it stands alone. */
export function fetchMount(path: string, handler: FetchHandler): Mount {
  const respond: Respond<Exchange> = async (exchange, ctx): Promise<Reply> => {
    const response = await handler(requestOf(exchange, ctx.signal));
    // By shape, since a library may bring a Response of its own.
    if (typeof response?.headers?.get !== 'function')
      throw new TypeError(`What is mounted at ${path || '/'} answered no Response.`);
    return { status: response.status, contentType: null, headers: response.headers, body: response.body };
  };
  return { path, respond };
}

function requestOf(exchange: Exchange, signal: AbortSignal): Request {
  const { method, path, length } = exchange;
  const headers = exchange.headers();
  const url = new URL(`http://${headers.get('host') ?? 'localhost'}${path}${exchange.query()}`);
  const hasBody = length !== 0 && method !== 'GET' && method !== 'HEAD';
  const body = hasBody ? ReadableStream.from(exchange.stream(Infinity)) : null;
  return new Request(url, { method, headers, body, duplex: 'half', signal });
}

/** The application sees what follows the path of the mount, as Express has it (`req.baseUrl`). */
export function expressMount(path: string, handler: NodeHandler): Mount {
  const respond: Respond<Exchange> = (exchange) => {
    if (exchange.node === undefined) throw needsServer(path);
    const { request, response }: ExpressNode = exchange.node;
    return async (headers) => {
      if (response.closed) return;
      headers?.forEach((value, name) => response.appendHeader(name, value));
      if (/^100-continue$/i.test(request.headers.expect ?? '')) response.writeContinue();
      const { url = '/' } = request;
      request.originalUrl = url;
      request.baseUrl = path;
      request.url = url.slice(path.length).replace(/^(?!\/)/, '/');
      await new Promise<void>((resolve, reject) => {
        response.once('close', resolve);
        handler(request, response, (error) => reject(error ?? routeNotFound(exchange)));
      });
    };
  };
  return { path, respond };
}

interface ExpressNode {
  readonly request: IncomingMessage & { originalUrl?: string; baseUrl?: string };
  readonly response: ServerResponse;
}

const needsServer = (path: string) =>
  new EkibenError(
    'EKIBEN_MOUNT_NEEDS_SERVER',
    `What is mounted at ${path || '/'} takes Node’s own requests: it answers behind a server, not svc.fetch.`,
  );
