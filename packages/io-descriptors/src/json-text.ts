/** Bytes to whatever JSON value they hold; validation comes after. */
import { EkibenError } from '@ekiben/spec';
import { findJsonFault } from './json-fault.ts';
import { MAX_LOCATED_LENGTH } from './limits.ts';

/** Fatal, so that bytes which are not UTF-8 are refused and not replaced; it drops a byte order mark. */
const utf8 = new TextDecoder('utf-8', { fatal: true });

/** @throws EKIBEN_MALFORMED_JSON with line and column */
export function parseJson(bytes: Uint8Array): unknown {
  const text = decodeUtf8(bytes);
  try {
    return mayNameProto(text) ? JSON.parse(text, withoutProto) : JSON.parse(text);
  } catch (cause) {
    throw malformed(text, cause);
  }
}

/** The key as it is, or spelled with escapes: \u005f, \u0070, \u0072, \u006f, \u0074. */
const mayNameProto = (text: string): boolean =>
  text.includes('__proto__') || (text.includes('\\u00') && /\\u00[567]/.test(text));

/**
 * `JSON.parse` makes an own property of a key `__proto__`; the first `Object.assign` of the handler's would make it the prototype.
 * No API has a field of that name, so it is ignored like any unknown one.
 */
const withoutProto = (key: string, value: unknown): unknown => (key === '__proto__' ? undefined : value);

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch (cause) {
    throw new EkibenError('EKIBEN_MALFORMED_JSON', 'The body is not UTF-8.', { cause });
  }
}

function malformed(text: string, cause: unknown): EkibenError {
  const refuse = (message: string, position = {}) => {
    const details = { errors: [{ pointer: '', message }], ...position };
    return new EkibenError('EKIBEN_MALFORMED_JSON', message, { details, cause });
  };
  if (text.trim() === '') return refuse('The body is empty; JSON is expected.');
  if (cause instanceof RangeError) return refuse('The JSON nests too deeply.');
  const fault = text.length <= MAX_LOCATED_LENGTH ? findJsonFault(text) : undefined;
  if (fault === undefined) return refuse('Malformed JSON.');
  const { offset, expected } = fault;
  const line = text.slice(0, offset).split('\n').length;
  const column = offset - text.lastIndexOf('\n', offset - 1);
  const got = offset < text.length ? JSON.stringify(text.slice(offset, offset + 1)) : 'the end of the text';
  const message = `Malformed JSON at line ${line}, column ${column}: expected ${expected}, got ${got}.`;
  return refuse(message, { line, column });
}

/** @throws EKIBEN_INVALID_OUTPUT for what has no JSON: undefined, a cycle, a bigint that is no exact number */
export function stringifyJson(value: unknown): string {
  let text: string | undefined;
  try {
    text = stringify(value);
  } catch (cause) {
    const reason = 'it holds a cycle, a bigint beyond 2 ** 53 or nests too deeply';
    throw new EkibenError('EKIBEN_INVALID_OUTPUT', `The handler's result has no JSON: ${reason}.`, { cause });
  }
  if (text !== undefined) return text;
  throw new EkibenError('EKIBEN_INVALID_OUTPUT', "The handler's result has no JSON: it is undefined.");
}

function stringify(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return JSON.stringify(value, bigintAsNumber); // again only when needed: a replacer makes it several times slower
  }
}

function bigintAsNumber(_key: string, value: unknown): unknown {
  if (typeof value !== 'bigint') return value;
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw new RangeError('a bigint beyond 2 ** 53');
  return number;
}
