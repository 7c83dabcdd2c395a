/** How an error travels: an EkibenError as it is; anyone else's keeps its name, message and, where JSON has them, code, status and details. */
import { EkibenError } from '@ekiben/spec';
import type { ErrorCode, ErrorDetails } from '@ekiben/spec';
import { MAX_ERROR_MESSAGE } from './limits.ts';

export interface ErrorRecord {
  readonly ekiben: boolean;
  readonly name: string;
  readonly message: string;
  readonly code?: unknown;
  readonly status?: unknown;
  readonly details?: unknown;
}

export function toErrorRecord(error: unknown): ErrorRecord {
  const { name, message, code, status, details } = (
    error instanceof Error ? error : new Error(String(error))
  ) as Error & Partial<ErrorRecord>;
  return {
    ekiben: EkibenError.is(error),
    name: String(name),
    message: String(message).slice(0, MAX_ERROR_MESSAGE),
    ...known({ code: jsonSafe(code), status: jsonSafe(status), details: jsonSafe(details) }),
  };
}

export function fromErrorRecord(value: unknown): Error {
  const { ekiben, name, message, ...facts } = value as ErrorRecord;
  if (ekiben)
    return new EkibenError(facts.code as ErrorCode, message, { details: facts.details as ErrorDetails | undefined });
  const error = new Error(message);
  for (const [key, fact] of Object.entries({ name, ...facts })) {
    Object.defineProperty(error, key, { value: fact, configurable: true, writable: true, enumerable: key !== 'name' });
  }
  return error;
}

function jsonSafe(value: unknown): unknown {
  try {
    return value === undefined ? undefined : (JSON.parse(JSON.stringify(value)) as unknown);
  } catch {
    return undefined;
  }
}

const known = (facts: Readonly<Record<string, unknown>>) =>
  Object.fromEntries(Object.entries(facts).filter(([, fact]) => fact !== undefined));
