/** Closes a node:http server so that no request is lost. */
import type { Server } from 'node:http';
import { Server as NetServer } from 'node:net';
import { IDLE_SETTLE_MS } from './limits.ts';

/** Resolves when the last connection is closed: at the latest after `graceMs`, when what is left is cut off. */
export async function drain(http: Server, graceMs: number): Promise<void> {
  // Stops listening only. The http server's own `close` ends idle connections at once, with requests that are on their way to them.
  await finish(http, new Promise((resolve) => NetServer.prototype.close.call(http, resolve)), graceMs);
}

/** @param closed - resolves when the last connection is closed; none comes any more */
export async function finish(http: Server, closed: Promise<unknown>, graceMs: number): Promise<void> {
  // Not before what has arrived was read: timers are due before that, immediates after.
  const sweep = setInterval(() => setImmediate(() => http.closeIdleConnections()), IDLE_SETTLE_MS);
  const over = setTimeout(() => http.closeAllConnections(), graceMs);
  await closed;
  clearInterval(sweep);
  clearTimeout(over);
  // Ends node's watch over slow requests, too.
  http.close();
}
