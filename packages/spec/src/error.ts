const brand = Symbol.for('@ekiben/spec/error');

/** A stable name of a kind of failure, such as `EKIBEN_MODEL_NOT_FOUND`. Ours are listed in docs/errors, a page for each package. */
export type ErrorCode = `EKIBEN_${string}`;

/** One thing wrong with an input, and where: `pointer` is a JSON pointer (RFC 6901), `''` for the whole document. */
export interface Fault {
  readonly pointer: string;
  readonly message: string;
}

/** Where that is, by the keys and indices that lead there: `pointerTo('rows', 3)` is `/rows/3`. */
export function pointerTo(...keys: readonly (string | number)[]): string {
  return keys.map((key) => `/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

/** Machine-readable facts beside the message; JSON-safe, since an error crosses processes. */
export interface ErrorDetails {
  /** Every fault of an invalid input, not only the first. */
  readonly errors?: readonly Fault[] | undefined;
  readonly [fact: string]: unknown;
}

/** How an error travels between processes. */
export interface ErrorJson {
  readonly code: ErrorCode;
  readonly message: string;
  readonly details?: ErrorDetails | undefined;
}

export interface EkibenErrorOptions {
  readonly details?: ErrorDetails | undefined;
  readonly cause?: unknown;
}

/**
 * The error of every Ekiben package. The message says what was wrong, where, and what would be right; the code is for programs.
 * It knows nothing of HTTP: `@ekiben/service` alone maps codes to statuses.
 */
export class EkibenError extends Error {
  readonly code: ErrorCode;
  readonly details: ErrorDetails | undefined;

  constructor(code: ErrorCode, message: string, options: EkibenErrorOptions = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.name = 'EkibenError';
    this.code = code;
    this.details = options.details;
    Object.defineProperty(this, brand, { value: true });
  }

  /** True for an EkibenError of any copy of this package in the process; use it instead of `instanceof`. */
  static is(value: unknown): value is EkibenError {
    return typeof value === 'object' && value !== null && (value as { [brand]?: unknown })[brand] === true;
  }

  /** Rebuilds the error that another process sent. */
  static fromJSON(json: ErrorJson): EkibenError {
    return new EkibenError(json.code, json.message, { details: json.details });
  }

  toJSON(): ErrorJson {
    return { code: this.code, message: this.message, ...(this.details === undefined ? {} : { details: this.details }) };
  }
}
