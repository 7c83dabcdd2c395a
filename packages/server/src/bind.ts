/** The address that a server listens on. */
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { EkibenError } from '@ekiben/spec';

export function urlOf(host: string, port: number): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/**
 * Starts listening and returns the port.
 * @throws EKIBEN_PORT_IN_USE, EKIBEN_LISTEN_FAILED
 */
export function bind(http: Server, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    http.once('error', (error: NodeJS.ErrnoException) => reject(listenFailed(error, port, host)));
    http.listen({ port, host }, () => resolve((http.address() as AddressInfo).port));
  });
}

function listenFailed(cause: NodeJS.ErrnoException, port: number, host: string): EkibenError {
  if (cause.code === 'EADDRINUSE') {
    const message = `Port ${port} on ${host} is taken by another program; choose another one, such as --port ${port + 1}.`;
    return new EkibenError('EKIBEN_PORT_IN_USE', message, { cause, details: { port, host } });
  }
  const message = `Cannot listen on port ${port} of ${host} (${cause.code ?? cause.message}).`;
  return new EkibenError('EKIBEN_LISTEN_FAILED', message, { cause, details: { port, host } });
}
