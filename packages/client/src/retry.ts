/** Whether a call is tried again, and when. */

/** Of the first retry, on average; it doubles with each. */
const FIRST_WAIT_MS = 150;

/** A service that has not come back by then is better asked seldom. */
const LONGEST_WAIT_MS = 5_000;

/** What failed codes of Node's `fetch` say that nothing has arrived. A browser tells no more than that it failed. */
const NOT_CONNECTED: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/** Answers of which nobody knows whether the service has done the work; of a proxy, mostly. */
const TEMPORARY: ReadonlySet<number> = new Set([502, 503, 504]);

/** Answers that, with `Retry-After`, say that it has not. */
const REFUSED: ReadonlySet<number> = new Set([429, 503]);

/** Milliseconds to wait before trying again after an answer; null: no more. */
export function retryAfterAnswer({ status, headers }: Response, retry: number, isIdempotent: boolean): number | null {
  const wanted = retryAfterMs(headers);
  if (wanted !== null && REFUSED.has(status)) return Math.max(wanted, backOff(retry));
  return isIdempotent && TEMPORARY.has(status) ? backOff(retry) : null;
}

/** The same when there was no answer. */
export function retryAfterFailure(error: unknown, retry: number, isIdempotent: boolean): number | null {
  const { code } = (error as { readonly cause?: { readonly code?: unknown } }).cause ?? {};
  const isUnsent = typeof code === 'string' && NOT_CONNECTED.has(code);
  return isUnsent || isIdempotent ? backOff(retry) : null;
}

/** What `Retry-After` says, in seconds or as a date. */
export function retryAfterMs(headers: Headers): number | null {
  const value = headers.get('retry-after');
  if (value === null) return null;
  const wait = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isNaN(wait) ? null : Math.max(0, wait);
}

/** @param retry - from 0. Spread by half and half again, so that clients that failed together do not come back together. */
function backOff(retry: number): number {
  return Math.min(FIRST_WAIT_MS * 2 ** retry, LONGEST_WAIT_MS) * (0.5 + Math.random());
}
