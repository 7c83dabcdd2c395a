/** The address that a server listens on. */
import { lstat, unlink } from 'node:fs/promises';
import { connect } from 'node:net';
import type { AddressInfo, ListenOptions, Server } from 'node:net';
import { EkibenError } from '@ekiben/spec';
import { BACKLOG } from './limits.ts';

export interface AddressOptions {
  readonly port?: number | undefined;
  readonly host?: string | undefined;
  readonly unixSocket?: string | undefined;
  readonly backlog?: number | undefined;
  readonly tls?: object | undefined;
}

export interface Address {
  readonly url: string;
  readonly port: number;
}

export function urlOf(host: string, port: number, scheme: 'http' | 'https'): string {
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/**
 * Starts listening.
 * @throws EKIBEN_PORT_IN_USE, EKIBEN_LISTEN_FAILED
 */
export async function bind(server: Server, options: AddressOptions): Promise<Address> {
  const { port = 3000, host = '127.0.0.1', unixSocket, backlog = BACKLOG, tls } = options;
  if (unixSocket !== undefined) {
    await removeAbandoned(unixSocket);
    await listen(server, { path: unixSocket, backlog }, (cause) => socketFailed(cause, unixSocket));
    return { url: `unix:${unixSocket}`, port: 0 };
  }
  await listen(server, { port, host, backlog }, (cause) => listenFailed(cause, port, host));
  const bound = (server.address() as AddressInfo).port;
  return { url: urlOf(host, bound, tls === undefined ? 'http' : 'https'), port: bound };
}

function listen(server: Server, where: ListenOptions, explain: (cause: NodeJS.ErrnoException) => Error): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException) => reject(explain(error));
    server.once('error', failed).listen(where, () => {
      // Later on it is a connection that could not be accepted, such as for want of file descriptors: the others go on.
      server.off('error', failed).on('error', (error) => process.emitWarning(error));
      resolve();
    });
  });
}

/** A program that was killed leaves its socket behind: nobody listens there, and nobody can. */
async function removeAbandoned(path: string): Promise<void> {
  const code = await new Promise<string | undefined>((resolve) => {
    const probe = connect(path, () => {
      probe.destroy();
      resolve(undefined);
    }).once('error', (error: NodeJS.ErrnoException) => resolve(error.code));
  });
  // The same is said of a plain file. Listening says why, if it cannot be removed.
  if (code === 'ECONNREFUSED' && (await lstat(path)).isSocket()) await unlink(path).catch(() => {});
}

function socketFailed(cause: NodeJS.ErrnoException, unixSocket: string): EkibenError {
  const isTaken = cause.code === 'EADDRINUSE';
  const message = isTaken
    ? `The socket ${unixSocket} is taken by another program, or a file is there that is none.`
    : `Cannot listen on the socket ${unixSocket} (${cause.code ?? cause.message}).`;
  const code = isTaken ? 'EKIBEN_PORT_IN_USE' : 'EKIBEN_LISTEN_FAILED';
  return new EkibenError(code, message, { cause, details: { unixSocket } });
}

function listenFailed(cause: NodeJS.ErrnoException, port: number, host: string): EkibenError {
  if (cause.code === 'EADDRINUSE') {
    const message = `Port ${port} on ${host} is taken by another program; choose another one, such as --port ${port + 1}.`;
    return new EkibenError('EKIBEN_PORT_IN_USE', message, { cause, details: { port, host } });
  }
  const message = `Cannot listen on port ${port} of ${host} (${cause.code ?? cause.message}).`;
  return new EkibenError('EKIBEN_LISTEN_FAILED', message, { cause, details: { port, host } });
}
