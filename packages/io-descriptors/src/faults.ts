/** What validation found, as coded errors. */
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { EkibenError } from '@ekiben/spec';
import type { Fault } from '@ekiben/spec';
import { MAX_ECHO, MAX_FAULTS } from './limits.ts';

/** Faults that a message repeats; all are in the details. */
const SHOWN = 3;

type Issues = readonly StandardSchemaV1.Issue[];

/** A client's mistake: the message and `details.errors` are for its eyes. */
export function invalidInput(issues: Issues): EkibenError {
  const errors = faultsOf(issues);
  const shown = errors.slice(0, SHOWN).map(({ pointer, message }) => `${pointer} ${message}`.trim());
  const count = issues.length === 1 ? '1 fault' : `${issues.length} faults`;
  const message = `The input has ${count}: ${shown.join('; ')}${issues.length > SHOWN ? '; …' : '.'}`;
  return new EkibenError('EKIBEN_INVALID_INPUT', message, { details: { errors } });
}

/**
 * A server's mistake. The message names places only: a validator's own words may repeat the value, which must not reach a client;
 * they are in `details.faults`, for the log.
 */
export function invalidOutput(issues: Issues): EkibenError {
  const faults = faultsOf(issues);
  const places = faults.slice(0, SHOWN).map(({ pointer }) => (pointer === '' ? 'its root' : pointer));
  const more = issues.length > SHOWN ? ', …' : '.';
  const message = `The handler's result does not match the output schema at ${places.join(', ')}${more}`;
  return new EkibenError('EKIBEN_INVALID_OUTPUT', message, { details: { faults } });
}

const faultsOf = (issues: Issues): Fault[] =>
  issues.slice(0, MAX_FAULTS).map(({ path, message }) => ({ pointer: echo(toPointer(path)), message: echo(message) }));

/** RFC 6901. */
function toPointer(path: StandardSchemaV1.Issue['path']): string {
  let pointer = '';
  for (const segment of path ?? []) {
    const key = String(typeof segment === 'object' ? segment.key : segment);
    pointer += `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
  }
  return pointer;
}

/** Text that holds a client's input, cut to a length that an answer and a log may carry. */
export const echo = (text: string): string => (text.length > MAX_ECHO ? `${text.slice(0, MAX_ECHO - 1)}…` : text);
