import { EkibenError } from '@ekiben/spec';

/** A failure of a codec as one line; errors of ours, and of the system, pass through. */
export function corruptArchive(cause: unknown): Error {
  if (EkibenError.is(cause)) return cause;
  if ((cause as { syscall?: unknown } | null)?.syscall !== undefined) return cause as Error;
  const why = (cause as { message?: string } | null)?.message ?? String(cause);
  return new EkibenError('EKIBEN_ARCHIVE_CORRUPT', `the archive is damaged or cut short: ${why}`, { cause });
}
