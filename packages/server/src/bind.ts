/** The address that a server listens on. */
import type { AddressInfo, Server } from 'node:net';
import { EkibenError } from '@ekiben/spec';
import { BACKLOG } from './limits.ts';

export function urlOf(host: string, port: number, scheme: 'http' | 'https'): string {
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/**
 * Starts listening and returns the port.
 * @throws EKIBEN_PORT_IN_USE, EKIBEN_LISTEN_FAILED
 */
export function bind(server: Server, port: number, host: string, backlog = BACKLOG): Promise<number> {
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException) => reject(listenFailed(error, port, host));
    server.once('error', failed).listen({ port, host, backlog }, () => {
      // Later on it is a connection that could not be accepted, such as for want of file descriptors: the others go on.
      server.off('error', failed).on('error', (error) => process.emitWarning(error));
      resolve((server.address() as AddressInfo).port);
    });
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
