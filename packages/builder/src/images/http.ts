// Requests to registries. Not `fetch`: that of Node gives up five minutes after a request began, however well its upload goes on.
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { EkibenError } from '@ekiben/spec';
import { ANSWER_MAX_BYTES } from './limits.ts';

/** A connection on which nothing moves for so long is dead. */
const IDLE_TIMEOUT_MS = 60_000;

export interface HttpRequest {
  readonly method?: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: Uint8Array | { readonly size: number; open(): AsyncIterable<Uint8Array> } | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface HttpResponse {
  readonly url: URL;
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: IncomingMessage;
}

/** A connection is kept for the next request; none holds the process. */
const agents = {
  'http:': new HttpAgent({ keepAlive: true, maxSockets: 8 }),
  'https:': new HttpsAgent({ keepAlive: true, maxSockets: 8 }),
};

/** One request and the head of its answer; redirects are answers. Throws what the network does. */
export async function send(url: URL, options: HttpRequest = {}): Promise<HttpResponse> {
  const { method = 'GET', headers = {}, body, signal } = options;
  const length = body === undefined ? (method === 'POST' || method === 'PUT' ? 0 : undefined) : sizeOf(body);
  const outgoing = (url.protocol === 'https:' ? httpsRequest : httpRequest)(url, {
    method,
    headers: {
      'user-agent': 'ekiben',
      ...headers,
      ...(length !== undefined && { 'content-length': String(length) }),
    },
    agent: url.protocol === 'https:' ? agents['https:'] : agents['http:'],
    timeout: IDLE_TIMEOUT_MS,
    ...(signal !== undefined && { signal }),
  });
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    outgoing.on('response', resolve);
    outgoing.on('error', reject);
    outgoing.on('timeout', () => outgoing.destroy(new Error(`nothing came for ${IDLE_TIMEOUT_MS / 1000} seconds`)));
  });
  if (body === undefined || body instanceof Uint8Array) outgoing.end(body);
  else {
    // A server that refuses answers before all is sent: its answer says more than the broken connection.
    const sending = pipeline(Readable.from(body.open(), { objectMode: false }), outgoing);
    sending.catch((error: unknown) => outgoing.destroy(error as Error));
  }
  const response = await answered;
  return { url, status: response.statusCode ?? 0, headers: response.headers, body: response };
}

function sizeOf(body: NonNullable<HttpRequest['body']>): number {
  return body instanceof Uint8Array ? body.length : body.size;
}

/** @throws EKIBEN_IMAGE_INVALID when it is longer */
export async function readBody({ body, url }: HttpResponse, maxBytes: number = ANSWER_MAX_BYTES): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    if (length > maxBytes) {
      body.destroy();
      throw new EkibenError('EKIBEN_IMAGE_INVALID', `${url.host} answered with more than ${maxBytes} bytes.`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
