/** Errors of a service's own that reach the client as they are. */
import { EkibenError } from '@ekiben/spec';

export interface HttpErrorOptions {
  /** A URI that names the kind of problem. @default 'about:blank' */
  readonly type?: string | undefined;
  /** What is the same for all of this kind. @default the name of the status */
  readonly title?: string | undefined;
  /** Further members of the problem document. */
  readonly extensions?: Readonly<Record<string, unknown>> | undefined;
  /** Sent with it, such as `{ 'www-authenticate': 'Bearer' }`. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly cause?: unknown;
}

/**
 * Thrown by an API function or a middleware, it is the answer: a problem document with this status and message.
 *
 * So is any error that says by `expose: true` that its `status`, 400 to 599, and its message are for the client, as those of the
 * package `http-errors` do.
 *
 * @example
 * throw new HttpError(402, 'The account has no credit left.', { extensions: { balance: 0 } });
 */
export class HttpError extends Error {
  readonly status: number;
  readonly type: string | undefined;
  readonly title: string | undefined;
  readonly extensions: Readonly<Record<string, unknown>> | undefined;
  readonly headers: Readonly<Record<string, string>> | undefined;
  readonly expose = true;

  /** @throws EKIBEN_STATUS_INVALID for a status that is no error */
  constructor(status: number, message: string, options: HttpErrorOptions = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    if (!isErrorStatus(status)) {
      throw new EkibenError('EKIBEN_STATUS_INVALID', `An HttpError has a status of 400 to 599; got ${status}.`);
    }
    this.name = 'HttpError';
    this.status = status;
    this.type = options.type;
    this.title = options.title;
    this.extensions = options.extensions;
    this.headers = options.headers;
  }
}

export type ExposedError = Pick<HttpError, 'status' | 'message'> & Partial<HttpError>;

/** By shape, since it may be of another copy of this package. */
export function isExposed(error: unknown): error is ExposedError {
  const { expose, status } = (error ?? {}) as { readonly expose?: unknown; readonly status?: unknown };
  return expose === true && typeof status === 'number' && isErrorStatus(status);
}

const isErrorStatus = (status: number) => Number.isInteger(status) && status >= 400 && status <= 599;
