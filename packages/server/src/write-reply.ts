/** Puts a Reply on the wire. The common one, a string, goes out as one write: head and body together. */
import { pipeline } from 'node:stream/promises';
import { mayHaveBody } from '@ekiben/service';
import type { Reply, ReplyBody } from '@ekiben/service';
import { DISCARD_BYTES, LINGER_MS } from './limits.ts';
import { without } from './answer-headers.ts';
import type { HeaderPairs } from './answer-headers.ts';
import type { NodeExchange } from './node-exchange.ts';

/**
 * Returns when the answer is handed to the socket; a promise only for a streamed body, which rejects when the client leaves or the
 * stream fails on the way. `close` ends the connection after the answer; `common` are headers of every answer.
 */
export function writeReply(
  exchange: NodeExchange,
  reply: Reply,
  close: boolean,
  common: HeaderPairs,
): void | Promise<void> {
  const { response } = exchange;
  const { status, body } = reply;
  const unread = isUnread(exchange);
  const head = headOf(reply, close || unread, common);
  if (body !== null && !isWhole(body)) return writeStream(exchange, status, head, body);
  const hasBody = mayHaveBody(status);
  if (hasBody) head.push('content-length', body === null ? 0 : Buffer.byteLength(body));
  response.writeHead(status, head);
  if (hasBody && body !== null) {
    response.write(body);
    // Corked until the next tick by node; `end` on top of it would add an empty buffer and make the write a dearer `writev`.
    response.uncork();
  } else if (unread) {
    response.flushHeaders();
  }
  if (unread) endWhenRead(exchange);
  else response.end();
  return undefined;
}

function headOf({ contentType, headers }: Reply, close: boolean, common: HeaderPairs): (string | number)[] {
  const head: (string | number)[] = [...(headers === null ? common : without(common, headers))];
  if (headers === null) {
    if (contentType !== null) head.push('content-type', contentType);
  } else {
    for (const [name, value] of headers) if (!FRAMING.has(name)) head.push(name, value);
    if (contentType !== null && !headers.has('content-type')) head.push('content-type', contentType);
  }
  if (close) head.push('connection', 'close');
  return head;
}

/** Headers that say how the answer is framed; a service has no say in that. */
const FRAMING: ReadonlySet<string> = new Set(['content-length', 'transfer-encoding', 'connection', 'keep-alive']);

const isWhole = (body: ReplyBody): body is string | Uint8Array =>
  typeof body === 'string' || body instanceof Uint8Array;

async function writeStream(
  exchange: NodeExchange,
  status: number,
  head: (string | number)[],
  body: AsyncIterable<Uint8Array>,
) {
  const { response } = exchange;
  response.writeHead(status, head);
  if (exchange.method === 'HEAD' || !mayHaveBody(status)) {
    await body[Symbol.asyncIterator]().return?.();
    response.end();
    return;
  }
  await pipeline(body, response, { end: false });
  if (isUnread(exchange)) endWhenRead(exchange);
  else response.end();
}

/** Whether more of the body is to come than is worth waiting for. */
function isUnread(exchange: NodeExchange): boolean {
  if (exchange.request.complete) return false;
  return exchange.awaitsContinue || (exchange.length ?? Infinity) > DISCARD_BYTES;
}

/** Ends the answer, and with it the connection, when the client has stopped sending. */
function endWhenRead({ request, response }: NodeExchange): void {
  const end = () => {
    clearTimeout(timer);
    response.end();
  };
  const timer = setTimeout(end, LINGER_MS);
  request.once('end', end).once('error', end).once('close', end).resume();
}
