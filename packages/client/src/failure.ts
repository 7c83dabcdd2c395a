/** What went wrong, as an EkibenError: of the service, with its status, or on the way to it. */
import { EkibenError } from '@ekiben/spec';
import type { ErrorCode, Fault } from '@ekiben/spec';
import { retryAfterMs } from './retry.ts';

/** Of an answer that is no problem document no more than this is read into a message. */
const MAX_EXCERPT = 200;

interface Problem {
  readonly type?: unknown;
  readonly title?: unknown;
  readonly detail?: unknown;
  readonly errors?: readonly Fault[];
}

const CODE = /^urn:ekiben:error:(EKIBEN_[A-Z0-9_]+)$/;

/**
 * The error of an answer of 400 or more: code and message are the service's, `details` has the `status`, all `errors` of the input,
 * `retryAfterMs`, and what else a problem document holds.
 */
export async function problemOf(response: Response): Promise<EkibenError> {
  const { status, headers } = response;
  const text = await response.text();
  const { type, title, detail, errors, ...others } = problemIn(text);
  const [, code] = CODE.exec(String(type)) ?? [];
  const message = detail ?? title ?? `The service answered ${status}: ${text.slice(0, MAX_EXCERPT)}`;
  const wait = retryAfterMs(headers);
  const details = { ...others, status, ...(errors && { errors }), ...(wait !== null && { retryAfterMs: wait }) };
  return new EkibenError((code ?? 'EKIBEN_CLIENT_STATUS') as ErrorCode, String(message), { details });
}

/** Nothing for what is no JSON object. */
function problemIn(text: string): Problem {
  try {
    const value = JSON.parse(text) as unknown;
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};
  } catch {
    return {};
  }
}

export function notConnected(url: string, cause: unknown): EkibenError {
  const reason = (cause as { readonly cause?: { readonly code?: unknown } }).cause?.code ?? (cause as Error).message;
  return new EkibenError('EKIBEN_CLIENT_CONNECTION', `No answer of ${url} (${String(reason)}).`, { cause });
}

/** An answer that ended before its end, or is not what its head says. */
export function brokenOff(cause: unknown): never {
  throw new EkibenError('EKIBEN_CLIENT_CONNECTION', `The answer broke off (${(cause as Error).message}).`, { cause });
}

export function timedOut(timeoutMs: number): EkibenError {
  return new EkibenError('EKIBEN_DEADLINE_EXCEEDED', `The call was not answered within ${timeoutMs} ms.`);
}
