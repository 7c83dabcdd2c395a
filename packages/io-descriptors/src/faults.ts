/** What validation found, as coded errors. */
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { EkibenError, pointerTo } from '@ekiben/spec';
import type { Fault } from '@ekiben/spec';
import { MAX_ECHO, MAX_FAULTS } from './limits.ts';

/** Faults that a message repeats; all are in the details. */
const SHOWN = 3;

type Issues = readonly StandardSchemaV1.Issue[];

/** A client's mistake: the message and `details.errors` are for its eyes. */
export const invalidInput = (issues: Issues): EkibenError => refusedInput(faultsOf(issues), issues.length);

/**
 * EKIBEN_INVALID_INPUT: what is wrong with an input, each fault with its place as a JSON pointer (RFC 6901). The client sees it.
 * @param count - of all faults, where not all of them were kept
 */
export function refusedInput(errors: readonly Fault[], count = errors.length): EkibenError {
  const shown = errors.slice(0, SHOWN).map(({ pointer, message }) => `${pointer} ${message.replace(/\.$/, '')}`.trim());
  const counted = count === 1 ? '1 fault' : `${count} faults`;
  const message = `The input has ${counted}: ${shown.join('; ')}${count > SHOWN ? '; …' : '.'}`;
  return new EkibenError('EKIBEN_INVALID_INPUT', message, { details: { errors } });
}

/**
 * A server's mistake. The message names places only: a validator's own words may repeat the value, which must not reach a client;
 * they are in `details.faults`, for the log.
 */
export const invalidOutput = (issues: Issues): EkibenError => refusedOutput(faultsOf(issues), issues.length);

/** EKIBEN_INVALID_OUTPUT: the same of what a handler returned. The client sees nothing of it. */
export function refusedOutput(faults: readonly Fault[], count = faults.length): EkibenError {
  const places = faults.slice(0, SHOWN).map(({ pointer }) => (pointer === '' ? 'its root' : pointer));
  const more = count > SHOWN ? ', …' : '.';
  const message = `The handler's result does not match the output schema at ${places.join(', ')}${more}`;
  return new EkibenError('EKIBEN_INVALID_OUTPUT', message, { details: { faults } });
}

const faultsOf = (issues: Issues): Fault[] =>
  issues.slice(0, MAX_FAULTS).map(({ path, message }) => ({ pointer: echo(toPointer(path)), message: echo(message) }));

const toPointer = (path: StandardSchemaV1.Issue['path']): string =>
  pointerTo(...(path ?? []).map((segment) => String(typeof segment === 'object' ? segment.key : segment)));

/** What is wrong with an input, as it is found; all is counted, the first is kept. */
export class FaultList {
  count = 0;
  readonly #faults: Fault[] = [];

  add(pointer: string, message: string): void {
    if (this.count++ < MAX_FAULTS) this.#faults.push({ pointer: echo(pointer), message: echo(message) });
  }

  throwIfAny(refuse: (faults: readonly Fault[], count: number) => EkibenError): void {
    if (this.count > 0) throw refuse(this.#faults, this.count);
  }
}

/** Text that holds a client's input, cut to a length that an answer and a log may carry. */
export const echo = (text: string): string => (text.length > MAX_ECHO ? `${text.slice(0, MAX_ECHO - 1)}…` : text);
