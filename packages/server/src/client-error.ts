/** What does not even parse as a request gets its problem document, too: from the socket, since there is no response to write to. */
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { lastExchange } from './node-exchange.ts';

const PROBLEMS: Readonly<Record<string, readonly [status: number, detail: string]>> = {
  HPE_HEADER_OVERFLOW: [431, 'The headers are larger than this server takes.'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'The request did not arrive in time.'],
};
const MALFORMED: readonly [number, string] = [400, 'This is not an HTTP/1.1 request that can be understood.'];

export function onClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  const last = lastExchange(socket);
  const isAnswering = last !== undefined && !last.response.closed && !last.response.writableFinished;
  if (isAnswering && last.request.complete && error.code !== 'ECONNRESET') {
    // What is wrong came behind a request that is not: its answer goes first.
    if (!refused.has(socket)) last.response.once('close', () => refuse(error, socket));
    refused.add(socket);
  } else if (error.code === 'ECONNRESET' || isHandshake(error) || (isAnswering && last.response.headersSent)) {
    // Gone, not encrypted yet, or in the middle of an answer, which a second head would garble.
    socket.destroy();
  } else {
    refuse(error, socket);
  }
}

/** Those that wait for their last answer. */
const refused = new WeakSet<Socket>();

function refuse(error: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const [status, detail] = PROBLEMS[error.code ?? ''] ?? MALFORMED;
  const body = JSON.stringify({ type: 'about:blank', title: STATUS_CODES[status], status, detail });
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\ncontent-type: application/problem+json\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}

const isHandshake = ({ code = '' }: NodeJS.ErrnoException) => /^ERR_(SSL|TLS)_|^EPROTO$/.test(code);
