import { MIMEType } from 'node:util';
import { EkibenError } from '@ekiben/spec';
import { echo } from './faults.ts';

/** Known without parsing. */
const COMMON = new Set(['application/json; charset=utf-8', 'application/json;charset=utf-8']);

/**
 * Refuses a `Content-Type` that is not JSON in UTF-8. Without one JSON is assumed, as of a client that just sends it.
 * `application/json` and any `application/…+json` are JSON.
 *
 * @throws EKIBEN_UNSUPPORTED_MEDIA_TYPE
 */
export function checkJsonType(contentType: string | undefined): void {
  if (contentType === 'application/json' || contentType === undefined || contentType === '') return;
  if (COMMON.has(contentType)) return;
  const type = parseMediaType(contentType);
  if (type === undefined || !/^application\/(?:.+\+)?json$/.test(type.essence)) {
    throw unsupported(`The body is ${echo(contentType)}; application/json is expected.`);
  }
  checkCharset(type, 'JSON');
}

/** The same for text, of whatever kind. */
export function checkTextType(contentType: string | undefined): void {
  if (contentType === undefined || contentType === '') return;
  const type = parseMediaType(contentType);
  if (type?.type !== 'text') throw unsupportedType(contentType, ['text/plain']);
  checkCharset(type, 'text');
}

/** ASCII is UTF-8. */
const UTF8_NAMES: readonly string[] = ['utf-8', 'utf8', 'us-ascii', 'ascii'];

function checkCharset(type: MIMEType, what: string): void {
  const charset = type.params.get('charset')?.toLowerCase() ?? 'utf-8';
  if (!UTF8_NAMES.includes(charset))
    throw unsupported(`The body is in ${echo(charset)}; ${what} is expected in UTF-8.`);
}

/** The media type without its parameters, in lower case: what `decode` chooses a format by. `''` for what is no media type. */
export function essenceOf(contentType: string | undefined): string | undefined {
  if (contentType === undefined || contentType === '') return undefined;
  return parseMediaType(contentType)?.essence ?? '';
}

export const isJsonType = (essence: string): boolean => /^application\/(?:.+\+)?json$/.test(essence);

export function unsupportedType(contentType: string | undefined, expected: readonly string[]): EkibenError {
  return unsupported(`The body is ${echo(contentType ?? 'of no type')}; ${expected.join(', ')} is expected.`);
}

function parseMediaType(contentType: string): MIMEType | undefined {
  try {
    return new MIMEType(contentType);
  } catch {
    return undefined;
  }
}

const unsupported = (message: string) => new EkibenError('EKIBEN_UNSUPPORTED_MEDIA_TYPE', message);
