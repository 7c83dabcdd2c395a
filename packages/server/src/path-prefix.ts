/** A path in front of all others, for a proxy that shares a host between services and does not strip it. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { EkibenError } from '@ekiben/spec';

type OnRequest<Q extends IncomingMessage> = (request: Q, response: ServerResponse) => void;

/**
 * Takes the prefix away. Paths without it are answered as well: probes do not come through the proxy, and some proxies strip it.
 * @throws EKIBEN_PATH_PREFIX_INVALID
 */
export function underPrefix<Q extends IncomingMessage>(prefix: string, onRequest: OnRequest<Q>): OnRequest<Q> {
  if (!/^(?:\/[\w.~-]+)+\/?$/.test(prefix)) {
    const message = `A path prefix is a plain path such as /models/credit; got '${prefix}'.`;
    throw new EkibenError('EKIBEN_PATH_PREFIX_INVALID', message);
  }
  const path = prefix.replace(/\/$/, '');
  return (request, response) => {
    const { url = '' } = request;
    const rest = url.slice(path.length);
    if (!url.startsWith(path) || !/^(?:$|[/?])/.test(rest)) return onRequest(request, response);
    // The links of the documentation are relative to a directory.
    if (!rest.startsWith('/')) return void response.writeHead(308, { location: `${path}/${rest}` }).end();
    request.url = rest;
    return onRequest(request, response);
  };
}
