/** How an error travels between processes: an EkibenError as it is; another keeps its name, message, and what JSON holds of its code, status and details. */
import { EkibenError } from '@ekiben/spec';
import type { ErrorCode, ErrorDetails } from '@ekiben/spec';

/** A message longer than this is cut: it is for people. */
const MAX_MESSAGE = 16 << 10;

export interface ErrorRecord {
  readonly ekiben: boolean;
  readonly name: string;
  readonly message: string;
  readonly code?: unknown;
  readonly status?: unknown;
  readonly details?: unknown;
}

/** Of anything that was thrown; plain data. */
export function toErrorRecord(thrown: unknown): ErrorRecord {
  const error = (thrown instanceof Error ? thrown : new Error(String(thrown))) as Error & Partial<ErrorRecord>;
  const facts = { code: jsonSafe(error.code), status: jsonSafe(error.status), details: jsonSafe(error.details) };
  return {
    ekiben: EkibenError.is(thrown),
    name: String(error.name),
    message: String(error.message).slice(0, MAX_MESSAGE),
    ...Object.fromEntries(Object.entries(facts).filter(([, fact]) => fact !== undefined)),
  };
}

/** The error again, without a stack of the other process. */
export function fromErrorRecord(record: unknown): Error {
  const { ekiben, name, message, code, status, details } = (record ?? {}) as Partial<ErrorRecord>;
  if (ekiben === true) {
    return new EkibenError(code as ErrorCode, String(message), { details: details as ErrorDetails | undefined });
  }
  const error = new Error(String(message));
  Object.defineProperty(error, 'name', { value: String(name), configurable: true, writable: true });
  const facts = Object.entries({ code, status, details }).filter(([, fact]) => fact !== undefined);
  return Object.assign(error, Object.fromEntries(facts));
}

function jsonSafe(value: unknown): unknown {
  try {
    return value === undefined ? undefined : (JSON.parse(JSON.stringify(value)) as unknown);
  } catch {
    return undefined;
  }
}
