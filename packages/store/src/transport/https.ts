// Archives from the web. Whoever gives us an address must not thereby reach into our own network.
import { lookup as dnsLookup } from 'node:dns';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { EkibenError } from '@ekiben/spec';
import type { ByteSource } from './transport.ts';

export interface HttpsOptions {
  /** Bytes of the archive. @default 64 GiB, far above what anybody should fetch by mistake */
  readonly maxBytes?: number | undefined;
  /** Until the first and between any two pieces of the answer. @default 60,000 */
  readonly idleTimeoutMs?: number | undefined;
}

const MAX_BYTES = 64 * 1024 ** 3;
const IDLE_TIMEOUT_MS = 60_000;
/** What browsers and curl stop at is 20 and 50; a download needs two or three. */
const MAX_REDIRECTS = 5;

/**
 * The address as typed may be one of the own network. A redirect may not lead there, nor from https to anything else: it was chosen
 * by somebody else.
 * @throws EKIBEN_DOWNLOAD_REFUSED, EKIBEN_DOWNLOAD_FAILED
 */
export async function readHttps(url: URL, options: HttpsOptions = {}, signal?: AbortSignal): Promise<ByteSource> {
  const maxBytes = options.maxBytes ?? MAX_BYTES;
  let current = url;
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    const response = await get(
      current,
      current.origin !== url.origin,
      options.idleTimeoutMs ?? IDLE_TIMEOUT_MS,
      signal,
    );
    const { statusCode = 0, headers } = response;
    if (statusCode >= 300 && statusCode < 400 && headers.location !== undefined) {
      response.resume();
      current = redirectTarget(current, headers.location);
      continue;
    }
    if (statusCode !== 200) {
      response.destroy();
      throw failed(current, `it answered ${statusCode} ${response.statusMessage ?? ''}`.trim());
    }
    const size = headers['content-length'] === undefined ? undefined : Number(headers['content-length']);
    if (size !== undefined && size > maxBytes) {
      response.destroy();
      throw refused(current, `it has ${size} bytes, more than the limit of ${maxBytes}`);
    }
    return { body: limited(response, current, maxBytes), size };
  }
  throw refused(url, `it redirects more than ${MAX_REDIRECTS} times`);
}

function redirectTarget(from: URL, location: string): URL {
  if (!URL.canParse(location, from.href)) throw refused(from, 'it redirects to something that is not an address');
  const target = new URL(location, from);
  if (target.protocol !== 'https:') throw refused(from, `it redirects to ${target.protocol}//, which is not https`);
  return target;
}

function get(
  url: URL,
  redirected: boolean,
  timeout: number,
  signal: AbortSignal | undefined,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const host = url.hostname.replace(/^\[|\]$/g, '');
    if (redirected && isIP(host) !== 0 && isPrivate(host))
      return reject(refused(url, 'it redirects to a private address'));
    const outgoing = request(
      url,
      {
        headers: { 'user-agent': 'ekiben', accept: '*/*' },
        timeout,
        ...(signal === undefined ? {} : { signal }),
        // Checked where the connection is made: a name that answers differently the second time gains nothing.
        ...(redirected ? { lookup: publicLookup(url) } : {}),
      },
      resolve,
    );
    outgoing.on('timeout', () => outgoing.destroy(failed(url, `nothing came for ${timeout} ms`)));
    outgoing.on('error', (error) => {
      reject(EkibenError.is(error) || signal?.aborted === true ? error : failed(url, error.message, error));
    });
    outgoing.end();
  });
}

function publicLookup(url: URL): LookupFunction {
  return (host, options, done) => {
    dnsLookup(host, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return done(error, '', 0);
      const bad = addresses.find(({ address }) => isPrivate(address));
      if (bad !== undefined) return done(refused(url, 'it redirects to a private address'), '', 0);
      const [first] = addresses;
      if (options.all === true || first === undefined) return done(null, addresses);
      return done(null, first.address, first.family);
    });
  };
}

async function* limited(response: IncomingMessage, url: URL, maxBytes: number): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  try {
    for await (const chunk of response as AsyncIterable<Uint8Array>) {
      bytes += chunk.length;
      if (bytes > maxBytes) throw refused(url, `it has more bytes than the limit of ${maxBytes}`);
      yield chunk;
    }
  } catch (error) {
    throw EkibenError.is(error) ? error : failed(url, (error as Error).message, error);
  }
}

/** Addresses that are not of the public internet, by the IANA registries of special-purpose addresses. */
const PRIVATE = new BlockList();
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
] as const) {
  PRIVATE.addSubnet(network, prefix, 'ipv4');
}
for (const [network, prefix] of [
  ['::', 96],
  ['64:ff9b:1::', 48],
  ['100::', 64],
  ['2001:db8::', 32],
  ['fc00::', 7],
  ['fe80::', 10],
  ['ff00::', 8],
] as const) {
  PRIVATE.addSubnet(network, prefix, 'ipv6');
}

/** IPv4 addresses also in their IPv6 clothes: mapped, NAT64, 6to4. */
export function isPrivate(address: string): boolean {
  if (isIP(address) === 4) return PRIVATE.check(address, 'ipv4');
  if (PRIVATE.check(address, 'ipv6')) return true;
  const inner = embeddedIpv4(address);
  return inner !== undefined && PRIVATE.check(inner, 'ipv4');
}

function embeddedIpv4(address: string): string | undefined {
  const groups = ipv6Groups(address);
  const dotted = (high = 0, low = 0): string => [high >> 8, high & 255, low >> 8, low & 255].join('.');
  const zeros = (from: number, to: number): boolean => groups.slice(from, to).every((group) => group === 0);
  if (zeros(0, 5) && groups[5] === 0xffff) return dotted(groups[6], groups[7]);
  if (groups[0] === 0x64 && groups[1] === 0xff9b && zeros(2, 6)) return dotted(groups[6], groups[7]);
  if (groups[0] === 0x2002) return dotted(groups[1], groups[2]);
  return undefined;
}

/** The eight 16-bit groups; URL writes any spelling of an address in its one canonical form. */
function ipv6Groups(address: string): number[] {
  const canonical = new URL(`http://[${address.split('%')[0]}]`).hostname.slice(1, -1);
  const [head = '', tail] = canonical.split('::');
  const parse = (text: string): number[] => (text === '' ? [] : text.split(':').map((group) => parseInt(group, 16)));
  if (tail === undefined) return parse(head);
  const after = parse(tail);
  return [...parse(head), ...Array<number>(8 - parse(head).length - after.length).fill(0), ...after];
}

function refused(url: URL, why: string): EkibenError {
  return new EkibenError('EKIBEN_DOWNLOAD_REFUSED', `${url.origin}${url.pathname} is refused: ${why}`);
}

function failed(url: URL, why: string, cause?: unknown): EkibenError {
  return new EkibenError('EKIBEN_DOWNLOAD_FAILED', `${url.origin}${url.pathname} could not be read: ${why}`, { cause });
}
