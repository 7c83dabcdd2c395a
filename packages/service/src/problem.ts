/**
 * Errors as HTTP answers: `application/problem+json` of RFC 9457. The only place that knows which code is which status.
 *
 * A code that is not listed here is a failure of the service, not of the request: 500 and no more than that, because its message may
 * hold paths of this machine. A listed one vouches that its messages are fit for the client.
 */
import { channel } from 'node:diagnostics_channel';
import { STATUS_CODES } from 'node:http';
import { inspect } from 'node:util';
import { EkibenError } from '@ekiben/spec';
import type { ErrorCode, Fault } from '@ekiben/spec';
import type { Exchange, Reply } from './exchange.ts';
import { isExposed } from './http-error.ts';
import type { ExposedError } from './http-error.ts';

/** The body of an answer that reports a problem. */
export interface Problem {
  /** `urn:ekiben:error:` and the code, or `about:blank` where the status says all. */
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail?: string;
  /** Everything wrong with the input, where the status is 400. */
  readonly errors?: readonly Fault[];
}

const PROBLEM_TYPE = 'application/problem+json';

/** No more of a request than this is said back to it: an answer is not a mirror for whoever wants to inject a page or fill a log. */
const MAX_ECHO = 200;

/** Of an error's details in the log: a list of faults, each with its place and message. */
const LOGGED_DEPTH = 4;

const UNEXPECTED = 500;
/** nginx's number for a client that left before its answer; never sent, only counted. */
export const CLIENT_CLOSED = 499;

interface Kind {
  readonly status: number;
  readonly title: string;
  /** Said in place of the error's message, which may hold what is not for the client. */
  readonly detail?: string;
}

const KINDS: ReadonlyMap<ErrorCode, Kind> = new Map<ErrorCode, Kind>([
  ['EKIBEN_INVALID_INPUT', { status: 400, title: 'Invalid input' }],
  ['EKIBEN_MALFORMED_JSON', { status: 400, title: 'Malformed JSON' }],
  ['EKIBEN_ROUTE_NOT_FOUND', { status: 404, title: 'Not found' }],
  ['EKIBEN_METHOD_NOT_ALLOWED', { status: 405, title: 'Method not allowed' }],
  ['EKIBEN_BODY_TOO_LARGE', { status: 413, title: 'Body too large' }],
  ['EKIBEN_UNSUPPORTED_MEDIA_TYPE', { status: 415, title: 'Unsupported media type' }],
  ['EKIBEN_UNSUPPORTED_CONTENT_ENCODING', { status: 415, title: 'Unsupported content encoding' }],
  ['EKIBEN_ORIGIN_REFUSED', { status: 403, title: 'Origin refused' }],
  ['EKIBEN_TOO_MANY_REQUESTS', { status: 429, title: 'Too many requests' }],
  ['EKIBEN_CLIENT_CLOSED', { status: CLIENT_CLOSED, title: 'Client closed the request' }],
  ['EKIBEN_NOT_READY', { status: 503, title: 'Not ready' }],
  ['EKIBEN_BATCHER_CLOSED', { status: 503, title: 'Shutting down' }],
  ['EKIBEN_BATCHER_OVERLOADED', { status: 503, title: 'Overloaded' }],
  ['EKIBEN_RUNNER_CRASHED', { status: 503, title: 'Runner crashed' }],
  ['EKIBEN_RUNNER_DOWN', { status: 503, title: 'Runner down', detail: 'A model of this service is not running.' }],
  ['EKIBEN_DEADLINE_EXCEEDED', { status: 504, title: 'Deadline exceeded' }],
]);

/** Those that say in `details.retryAfterMs` when to come again. */
const RETRIED: ReadonlySet<ErrorCode> = new Set(['EKIBEN_BATCHER_OVERLOADED', 'EKIBEN_TOO_MANY_REQUESTS']);

/** An unexpected error, as published on the diagnostics channel `ekiben:service:error`. */
export interface ServiceErrorEvent {
  readonly error: unknown;
  readonly method: string;
  readonly path: string;
}

const serviceErrors = channel('ekiben:service:error');

/** The answer for anything thrown. What was not the client's doing is reported to the log as well. Never throws. */
export function problemReply(thrown: unknown, exchange: Exchange): Reply {
  try {
    return replyTo(thrown, exchange);
  } catch (error) {
    // What was thrown cannot be told: a header that is none, a bigint, a property that throws.
    report({ error, method: exchange.method, path: exchange.path });
    return reply(problemOf(null), null);
  }
}

function replyTo(thrown: unknown, exchange: Exchange): Reply {
  // What a handler waits for is aborted by the signal of a client that left, and says so in its own way.
  const error = isAbort(thrown) && exchange.signal().aborted ? clientClosed(thrown) : thrown;
  const problem = problemOf(error);
  if (problem.status === UNEXPECTED) report({ error, method: exchange.method, path: exchange.path });
  return reply(problem, headersOf(error));
}

const isAbort = (error: unknown) => (error as { readonly name?: unknown } | null | undefined)?.name === 'AbortError';

/** The client left before its request was whole, or before it had its answer. */
export function clientClosed(cause?: unknown): EkibenError {
  return new EkibenError('EKIBEN_CLIENT_CLOSED', 'The client closed the connection before the end of the exchange.', {
    cause,
  });
}

/** The status that a client gets for anything thrown. */
export function statusOf(error: unknown): number {
  if (isExposed(error)) return error.status;
  return (EkibenError.is(error) ? KINDS.get(error.code)?.status : undefined) ?? UNEXPECTED;
}

/** The answer of a middleware that chose a status and no more. */
export function statusReply(status: number): Reply {
  if (status >= 400) return reply({ type: 'about:blank', title: STATUS_CODES[status] ?? 'Error', status }, null);
  return { status, contentType: null, headers: null, body: null };
}

function problemOf(error: unknown): Problem {
  if (isExposed(error)) return exposedProblem(error);
  const kind = EkibenError.is(error) ? KINDS.get(error.code) : undefined;
  if (kind === undefined || !EkibenError.is(error)) {
    return {
      type: EkibenError.is(error) ? typeOf(error.code) : 'about:blank',
      title: 'Internal Server Error',
      status: UNEXPECTED,
      detail: 'The service failed on this request; its log has the cause.',
    };
  }
  const { status, title, detail = error.message } = kind;
  const problem = { type: typeOf(error.code), title, status, detail };
  if (status !== 400) return problem;
  const faults = error.details?.errors ?? [{ pointer: '', message: error.message }];
  return { ...problem, errors: faults.map(shorten) };
}

/** What a service says of its own accord. */
function exposedProblem({ status, message, type, title, extensions }: ExposedError): Problem {
  return {
    ...extensions,
    type: type ?? 'about:blank',
    title: title ?? STATUS_CODES[status] ?? 'Error',
    status,
    detail: message,
  };
}

const typeOf = (code: ErrorCode) => `urn:ekiben:error:${code}`;

const shorten = ({ pointer, message }: Fault): Fault => ({ pointer: excerpt(pointer), message: excerpt(message) });

/** Text that came from a request, short enough to be said back to it. */
export function excerpt(text: string): string {
  return text.length <= MAX_ECHO ? text : `${text.slice(0, MAX_ECHO - 1)}…`;
}

/** What the status asks an answer to say in its headers. */
function headersOf(error: unknown): Headers | null {
  if (isExposed(error)) return error.headers === undefined ? null : new Headers({ ...error.headers });
  if (!EkibenError.is(error)) return null;
  if (error.code === 'EKIBEN_UNSUPPORTED_CONTENT_ENCODING') return new Headers({ 'accept-encoding': 'identity' });
  const { allow, retryAfterMs } = error.details ?? {};
  if (error.code === 'EKIBEN_METHOD_NOT_ALLOWED' && typeof allow === 'string') return new Headers({ allow });
  if (RETRIED.has(error.code) && typeof retryAfterMs === 'number') {
    return new Headers({ 'retry-after': String(Math.max(1, Math.ceil(retryAfterMs / 1000))) });
  }
  return null;
}

export function routeNotFound({ method, path }: Exchange): EkibenError {
  return new EkibenError(
    'EKIBEN_ROUTE_NOT_FOUND',
    `There is nothing at ${method} ${excerpt(path)}; GET / lists what there is.`,
  );
}

function reply(problem: Problem, headers: Headers | null): Reply {
  return { status: problem.status, contentType: PROBLEM_TYPE, headers, body: JSON.stringify(problem) };
}

function report(event: ServiceErrorEvent): void {
  if (serviceErrors.hasSubscribers) serviceErrors.publish(event);
  // An error that nobody hears would be lost.
  else
    process.stderr.write(`${event.method} ${excerpt(event.path)}: ${inspect(event.error, { depth: LOGGED_DEPTH })}\n`);
}
