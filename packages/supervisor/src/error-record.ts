/** How an error travels between processes: an EkibenError as it is; another keeps its name, its message, and what JSON holds of {@link FACTS}. */
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
  readonly details?: unknown;
  readonly cause?: ErrorRecord;
  /** The others of {@link FACTS}. */
  readonly [fact: string]: unknown;
}

/** The properties of a user's own error that others act on: a server makes its answer of those that HTTP libraries give to theirs. */
const FACTS = ['code', 'details', 'status', 'statusCode', 'expose', 'type', 'title', 'extensions', 'headers'] as const;

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
  return {
    ekiben,
    name: String(name),
    message: String(message).slice(0, MAX_TEXT),
    ...(ekiben ? {} : { stack: String(error.stack).slice(0, MAX_TEXT) }),
    ...(cause === undefined || causes === 0 ? {} : { cause: toErrorRecord(cause, causes - 1) }),
    ...factsOf(error),
  };
}

/** Those that there are. */
function factsOf(error: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const facts = FACTS.map((name) => [name, jsonSafe(error[name])] as const);
  return Object.fromEntries(facts.filter(([, fact]) => fact !== undefined));
}

/** The error again, with the stack and the cause that it has in the other process. */
export function fromErrorRecord(record: unknown): Error {
  const { ekiben, name, message, code, details, cause, stack, ...rest } = (record ?? {}) as Partial<ErrorRecord>;
  const options = cause === undefined ? {} : { cause: fromErrorRecord(cause) };
  const error = withoutStack(() =>
    ekiben === true
      ? new EkibenError(code as ErrorCode, String(message), { details: details as ErrorDetails, ...options })
      : new Error(String(message), options),
  );
  if (ekiben !== true) {
    // As an error's own: not listed.
    Object.defineProperty(error, 'name', { value: String(name), configurable: true, writable: true });
    Object.assign(error, factsOf({ ...rest, code, details }));
  }
  error.stack = String(stack ?? `${name}: ${message}\n    in another process`);
  return error;
}

/** Where it is received, an error's stack would tell nothing; and V8 takes longer for it than for all the rest. */
function withoutStack(make: () => Error): Error {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return make();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

function jsonSafe(value: unknown): unknown {
  try {
    return value === undefined ? undefined : (JSON.parse(JSON.stringify(value)) as unknown);
  } catch {
    return undefined;
  }
}
