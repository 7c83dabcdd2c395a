/** Closes a node:http server so that no request is lost. */
import type { Server } from 'node:http';
import { Server as NetServer } from 'node:net';
import type { Socket } from 'node:net';
import { IDLE_SETTLE_MS } from './limits.ts';

/** The open connections of each server: node has no list of those that have not sent anything yet, and counts them as busy. */
const connections = new WeakMap<Server, Set<Socket>>();

export function trackConnections(http: Server): void {
  const open = new Set<Socket>();
  connections.set(http, open);
  http.on('connection', (socket: Socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
}

/** Browsers and others open a connection more than they need, which would be waited for in vain. */
function closeUnused(http: Server): void {
  for (const socket of connections.get(http) ?? []) if (socket.bytesRead === 0) socket.destroy();
}

/** Resolves when the last connection is closed: at the latest after `graceMs`, when what is left is cut off. */
export async function drain(http: Server, graceMs: number): Promise<void> {
  // Stops listening only. The http server's own `close` ends idle connections at once, with requests that are on their way to them.
  await finish(http, new Promise((resolve) => NetServer.prototype.close.call(http, resolve)), graceMs);
}

/** @param closed - resolves when the last connection is closed; none comes any more */
export async function finish(http: Server, closed: Promise<unknown>, graceMs: number): Promise<void> {
  // Not before what has arrived was read: timers are due before that, immediates after.
  const closeIdle = () => {
    http.closeIdleConnections();
    closeUnused(http);
  };
  const sweep = setInterval(() => setImmediate(closeIdle), IDLE_SETTLE_MS);
  const over = setTimeout(() => http.closeAllConnections(), graceMs);
  await closed;
  clearInterval(sweep);
  clearTimeout(over);
  // Ends node's watch over slow requests, too.
  http.close();
}
