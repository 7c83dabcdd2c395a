import { EkibenError } from '@ekiben/spec';

export const invalidModel = (message: string, cause?: unknown): EkibenError =>
  new EkibenError('EKIBEN_TFJS_MODEL_INVALID', message, cause === undefined ? {} : { cause });

export const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error)).trim();
