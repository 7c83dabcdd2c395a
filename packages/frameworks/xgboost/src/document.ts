// A model file, UBJSON or JSON, as plain values.
import { EkibenError } from '@ekiben/spec';
import { decodeUbjson } from './ubjson.ts';
import type { Value } from './ubjson.ts';

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/** @throws EKIBEN_XGBOOST_FORMAT, EKIBEN_XGBOOST_UBJSON, EKIBEN_XGBOOST_JSON */
export function decodeDocument(bytes: Uint8Array): Value {
  return documentFormat(bytes) === 'ubj' ? decodeUbjson(bytes) : decodeJson(bytes);
}

/** Both formats start with `{`; in UBJSON the type of a key's length follows, in JSON a quote or a space. */
export function documentFormat(bytes: Uint8Array): 'ubj' | 'json' {
  const isSpace = (byte: number | undefined): boolean =>
    byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d;
  let start = 0;
  while (isSpace(bytes[start])) start++;
  if (bytes[start] === 0x7b) {
    const next = bytes[start + 1];
    return next === 0x22 || isSpace(next) ? 'json' : 'ubj';
  }
  throw new EkibenError(
    'EKIBEN_XGBOOST_FORMAT',
    'this is neither a UBJSON nor a JSON model of XGBoost; save it as .ubj or .json (its old binary format is not read, nor are pickles)',
  );
}

/** @throws EKIBEN_XGBOOST_JSON */
export function decodeJson(bytes: Uint8Array): JsonValue {
  try {
    return parseJson(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.slice(0, 200) : '';
    throw new EkibenError('EKIBEN_XGBOOST_JSON', `not a JSON model: ${reason}`, { cause });
  }
}

/**
 * Parses JSON with the numbers that Python and XGBoost write beyond it: infinities (models trained on a GPU have thresholds of
 * -Infinity) and NaN, which becomes null.
 */
export function parseJson(text: string): JsonValue {
  if (!/Infinity|NaN/.test(text)) return JSON.parse(text) as JsonValue;
  const json = text.replace(/"(?:[^"\\]|\\.)*"|-?Infinity|NaN/g, (token) => {
    if (token.startsWith('"')) return token;
    return token === 'NaN' ? 'null' : token.replace('Infinity', '1e999');
  });
  return JSON.parse(json) as JsonValue;
}
