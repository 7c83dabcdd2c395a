// A model file, UBJSON or JSON, as plain values.
import { EkibenError } from '@ekiben/spec';
import { decodeUbjson } from './ubjson.ts';
import type { Value } from './ubjson.ts';

export type ModelFormat = 'ubj' | 'json';

/** What the first bytes say. Both formats start with `{`; UBJSON then has the type of a key's length, JSON a quote or space. */
export function modelFormat(bytes: Uint8Array): ModelFormat {
  if (bytes[0] === 0x7b && 'iUIlL}'.includes(String.fromCharCode(bytes[1] ?? 0))) return 'ubj';
  const start = bytes.findIndex((byte) => byte !== 0x20 && byte !== 0x09 && byte !== 0x0a && byte !== 0x0d);
  if (bytes[start] === 0x7b) return 'json';
  throw new EkibenError(
    'EKIBEN_XGBOOST_FORMAT',
    'neither the UBJSON nor the JSON of XGBoost; save the model as .ubj or .json (the old binary format, and pickles, are not read)',
  );
}

export function decodeDocument(bytes: Uint8Array): Value {
  return modelFormat(bytes) === 'ubj' ? decodeUbjson(bytes) : decodeJson(bytes);
}

function decodeJson(bytes: Uint8Array): Value {
  try {
    return JSON.parse(finiteJson(new TextDecoder('utf-8', { fatal: true }).decode(bytes))) as Value;
  } catch (cause) {
    throw new EkibenError('EKIBEN_XGBOOST_JSON', `not a JSON model: ${(cause as Error).message.slice(0, 200)}`, {
      cause,
    });
  }
}

/** XGBoost writes Infinity and NaN (models trained on a GPU have thresholds of -Infinity); JSON has no such numbers. */
function finiteJson(text: string): string {
  if (!/Infinity|NaN/.test(text)) return text;
  return text.replace(/"(?:[^"\\]|\\.)*"|-?Infinity|NaN/g, (token) => {
    if (token.startsWith('"')) return token;
    return token === 'NaN' ? 'null' : token.replace('Infinity', '1e999');
  });
}
