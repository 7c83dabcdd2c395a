/** What does not even parse as a request gets its problem document, too: from the socket, since there is no response to write to. */
import { STATUS_CODES } from 'node:http';
import type { ServerResponse } from 'node:http';
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
  if (error.code === 'ECONNRESET' || isHandshake(error)) {
    socket.destroy(); // gone, or not encrypted yet
  } else if (!isAnswering) {
    refuse(error, socket);
  } else if (last.request.complete) {
    // What is wrong came behind requests that are not: their answers go first.
    refuseAfter('close', last.response, error, socket);
  } else if (last.response.socket === null) {
    // It is this request's own body, but the answers to those before it are not out yet.
    refuseAfter('socket', last.response, error, socket);
  } else if (last.response.headersSent) {
    socket.destroy(); // in the middle of an answer, which a second head would garble
  } else {
    refuse(error, socket);
  }
}

/** Those that wait for their last answer. */
const refused = new WeakSet<Socket>();

/** A response gets its socket when those before it are through. */
function refuseAfter(event: 'close' | 'socket', response: ServerResponse, error: Error, socket: Socket): void {
  if (!refused.has(socket)) response.once(event, () => refuse(error, socket));
  refused.add(socket);
}

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
