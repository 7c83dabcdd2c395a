import { MIMEType } from 'node:util';
import { EkibenError } from '@ekiben/spec';
import { echo } from './faults.ts';

/** Known without parsing. */
const COMMON = new Set(['application/json', 'application/json; charset=utf-8', 'application/json;charset=utf-8']);

/**
 * Refuses a `Content-Type` that is not JSON in UTF-8. Without one JSON is assumed, as of a client that just sends it.
 * `application/json` and any `application/…+json` are JSON.
 *
 * @throws EKIBEN_UNSUPPORTED_MEDIA_TYPE
 */
export function checkJsonType(contentType: string | undefined): void {
  if (contentType === undefined || contentType === '' || COMMON.has(contentType)) return;
  const type = parseMediaType(contentType);
  if (type === undefined || !/^application\/(?:.+\+)?json$/.test(type.essence)) {
    throw unsupported(`The body is ${echo(contentType)}; application/json is expected.`);
  }
  const charset = type.params.get('charset')?.toLowerCase() ?? 'utf-8';
  if (charset !== 'utf-8' && charset !== 'utf8') {
    throw unsupported(`The body is in ${echo(charset)}; JSON is expected in UTF-8.`);
  }
}

function parseMediaType(contentType: string): MIMEType | undefined {
  try {
    return new MIMEType(contentType);
  } catch {
    return undefined;
  }
}

const unsupported = (message: string) => new EkibenError('EKIBEN_UNSUPPORTED_MEDIA_TYPE', message);
