import { EkibenError } from '@ekiben/spec';
import { MAX_REASON_LENGTH } from './limits.ts';

export const invalidModel = (message: string, cause?: unknown): EkibenError =>
  new EkibenError('EKIBEN_TFJS_MODEL_INVALID', message, cause === undefined ? {} : { cause });

/** What another's error says, in one line. */
export function reasonOf(error: unknown): string {
  const line = (error instanceof Error ? error.message : String(error)).replaceAll(/\s+/g, ' ').trim();
  return line.length > MAX_REASON_LENGTH ? `${line.slice(0, MAX_REASON_LENGTH)}…` : line;
}
