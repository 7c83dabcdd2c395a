/** Cross-Origin Resource Sharing (https://fetch.spec.whatwg.org/#http-cors-protocol), as BentoML configures it. */
import { EkibenError } from '@ekiben/spec';
import type { Middleware } from './middleware.ts';

export interface CorsOptions {
  /** Such as `https://app.example`; `*` for all. @default none */
  readonly origins?: readonly string[] | undefined;
  /** A regular expression that matches further origins as a whole. @default none */
  readonly originPattern?: string | undefined;
  /** With cookies and the like. @default false */
  readonly credentials?: boolean | undefined;
  /** `*` for all. @default ['GET'] */
  readonly methods?: readonly string[] | undefined;
  /** Request headers beside accept, accept-language, content-language and content-type; `*` for all. @default none */
  readonly headers?: readonly string[] | undefined;
  /** Headers of the answer that a page may read. @default none */
  readonly exposeHeaders?: readonly string[] | undefined;
  /** How long a browser may remember what is allowed, in seconds. @default 600 */
  readonly maxAge?: number | undefined;
}

/** Request headers that BentoML lets pages send in any case; a JSON body needs the last. */
const ALWAYS_ALLOWED = ['accept', 'accept-language', 'content-language', 'content-type'];

/** Lets pages of other origins call the service. Use it first, so that they can read what other middleware refuses. */
export function cors(options: CorsOptions): Middleware {
  const { origins = [], originPattern, credentials = false, methods = ['GET'], headers = [] } = options;
  const { exposeHeaders = [], maxAge = 600 } = options;
  const pattern = originPattern === undefined ? null : new RegExp(`^(?:${originPattern})$`);
  const isOpen = origins.includes('*') && !credentials;
  const allows = (origin: string) =>
    origins.includes('*') || origins.includes(origin) || pattern?.test(origin) === true;

  return async ({ request, response }, next) => {
    const origin = request.headers.get('origin');
    if (!isOpen) response.headers.append('vary', 'Origin');
    if (origin === null) return next();
    const method = request.headers.get('access-control-request-method');
    const isPreflight = request.method === 'OPTIONS' && method !== null;
    if (!allows(origin)) {
      if (isPreflight) throw new EkibenError('EKIBEN_ORIGIN_REFUSED', 'Pages of this origin may not call the service.');
      return next();
    }
    response.headers.set('access-control-allow-origin', isOpen ? '*' : origin);
    if (credentials) response.headers.set('access-control-allow-credentials', 'true');
    if (!isPreflight) {
      if (exposeHeaders.length > 0) response.headers.set('access-control-expose-headers', exposeHeaders.join(', '));
      return next();
    }
    const wanted = request.headers.get('access-control-request-headers') ?? '';
    const allowed = headers.includes('*') ? wanted : [...ALWAYS_ALLOWED, ...headers].join(', ');
    response.headers.set('access-control-allow-methods', methods.includes('*') ? method : methods.join(', '));
    if (allowed !== '') response.headers.set('access-control-allow-headers', allowed);
    response.headers.set('access-control-max-age', String(maxAge));
    response.status = 204;
  };
}
