/** How an error travels between processes: an EkibenError as it is; another keeps its name, message, and what JSON holds of its code, status and details. */
import { EkibenError } from '@ekiben/spec';
import type { ErrorCode, ErrorDetails } from '@ekiben/spec';

/** A message, or a stack, longer than this is cut: it is for people. */
const MAX_TEXT = 16 << 10;

/** How many causes of causes are told. Three deep there are few; an endless chain is a mistake. */
const MAX_CAUSES = 5;

export interface ErrorRecord {
  readonly ekiben: boolean;
  readonly name: string;
  readonly message: string;
  /**
   * Where it was thrown, for the log. An EkibenError says that by its message; and one that refuses calls is made too often for V8 to
   * write its stack out each time.
   */
  readonly stack?: string;
  readonly code?: unknown;
  readonly status?: unknown;
  readonly details?: unknown;
  readonly cause?: ErrorRecord;
}

/** Of anything that was thrown; plain data. Never throws itself. */
export function toErrorRecord(thrown: unknown, causes = MAX_CAUSES): ErrorRecord {
  try {
    return recordOf(thrown, causes);
  } catch {
    // Its getters throw, or it has no text: a proxy, an object without a prototype.
    return recordOf(new Error('What was thrown cannot be read.'), 0);
  }
}

function recordOf(thrown: unknown, causes: number): ErrorRecord {
  const error = (thrown instanceof Error ? thrown : new Error(String(thrown))) as Error & Partial<ErrorRecord>;
  const { name, message, cause } = error;
  const ekiben = EkibenError.is(thrown);
  const facts = {
    stack: ekiben ? undefined : String(error.stack).slice(0, MAX_TEXT),
    code: jsonSafe(error.code),
    status: jsonSafe(error.status),
    details: jsonSafe(error.details),
    cause: cause === undefined || causes === 0 ? undefined : toErrorRecord(cause, causes - 1),
  };
  return {
    ekiben,
    name: String(name),
    message: String(message).slice(0, MAX_TEXT),
    ...Object.fromEntries(Object.entries(facts).filter(([, fact]) => fact !== undefined)),
  };
}

/** The error again, with the stack and the cause that it has in the other process. */
export function fromErrorRecord(record: unknown): Error {
  const { ekiben, name, message, code, status, details, cause, ...rest } = (record ?? {}) as Partial<ErrorRecord>;
  const { stack = `${name}: ${message}\n    in another process` } = rest;
  const options = cause === undefined ? {} : { cause: fromErrorRecord(cause) };
  let error: Error;
  if (ekiben === true) {
    error = new EkibenError(code as ErrorCode, String(message), { details: details as ErrorDetails, ...options });
  } else {
    error = new Error(String(message), options);
    hide(error, 'name', String(name));
    const facts = Object.entries({ code, status, details }).filter(([, fact]) => fact !== undefined);
    Object.assign(error, Object.fromEntries(facts));
  }
  hide(error, 'stack', String(stack)); // ours would tell only where it was received
  return error;
}

/** Sets a property that is not listed, as an error's own are not. */
function hide(error: Error, property: string, value: string): void {
  Object.defineProperty(error, property, { value, configurable: true, writable: true });
}

function jsonSafe(value: unknown): unknown {
  try {
    return value === undefined ? undefined : (JSON.parse(JSON.stringify(value)) as unknown);
  } catch {
    return undefined;
  }
}
