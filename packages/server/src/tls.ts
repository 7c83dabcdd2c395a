/** HTTPS, and who may call: certificates of clients. */
import { Server, createServer } from 'node:https';
import type { ServerOptions } from 'node:https';
import type { TLSSocket } from 'node:tls';
import { DEFAULT_CIPHERS } from 'node:tls';
import { EkibenError } from '@ekiben/spec';
import { HEADERS_TIMEOUT_MS } from './limits.ts';
import type { GatheringRequest } from './gathering-request.ts';

/** Plain data, since it travels to API workers. */
export interface TlsOptions {
  /** The certificate and its chain, PEM. */
  readonly cert: string;
  /** Its private key, PEM. */
  readonly key: string;
  /** Of the key. @default none */
  readonly passphrase?: string | undefined;
  /** Authorities that sign certificates of clients, PEM. @default those that Node knows */
  readonly ca?: string | undefined;
  /** `optional`: it is checked if there is one. @default 'none' */
  readonly clientCertificate?: 'none' | 'optional' | 'required' | undefined;
  /** Of TLS 1.2, a list of OpenSSL's; those of TLS 1.3 stay. @default Node's */
  readonly ciphers?: string | undefined;
  /** @default the newest that Node has */
  readonly maxVersion?: 'TLSv1.2' | 'TLSv1.3' | undefined;
}

type HttpOptions = ServerOptions<typeof GatheringRequest>;

/** @throws EKIBEN_TLS_INVALID */
export function createTlsServer(http: HttpOptions, tls: TlsOptions): Server<typeof GatheringRequest> {
  const { clientCertificate = 'none', ciphers, maxVersion, cert, key, passphrase, ca } = tls;
  const options: HttpOptions = {
    ...http,
    cert,
    key,
    ...(passphrase !== undefined && { passphrase }),
    ...(ca !== undefined && { ca }),
    ...(ciphers !== undefined && { ciphers: withTls13(ciphers) }),
    ...(maxVersion !== undefined && { maxVersion }),
    requestCert: clientCertificate !== 'none',
    rejectUnauthorized: clientCertificate === 'required',
    handshakeTimeout: HEADERS_TIMEOUT_MS,
  };
  let server: Server<typeof GatheringRequest>;
  try {
    server = createServer(options);
  } catch (cause) {
    throw new EkibenError('EKIBEN_TLS_INVALID', `HTTPS cannot be set up: ${(cause as Error).message}.`, { cause });
  }
  if (clientCertificate === 'optional') server.prependListener('secureConnection', refuseStrangers);
  return server;
}

/** Node names the suites of both versions in one list; OpenSSL, and Python with it, have them apart. */
const withTls13 = (ciphers: string) =>
  [...DEFAULT_CIPHERS.split(':').filter((name) => name.startsWith('TLS_')), ciphers].join(':');

/** Without a certificate a client is let in, with one that no authority has signed it is not. */
function refuseStrangers(socket: TLSSocket): void {
  if (!socket.authorized && Object.keys(socket.getPeerCertificate()).length > 0) socket.destroy();
}
