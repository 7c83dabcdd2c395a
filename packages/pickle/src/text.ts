// The text forms that pickles hold: UTF-8 with lone surrogates, and the escapes of protocol 0.
import { invalid } from './problem.ts';

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const latin1Chunk = 8192; // arguments of one call

/** UTF-8 in which, as in Python's `surrogatepass`, a lone surrogate may stand as three bytes of its own. */
export function decodeUtf8(bytes: Uint8Array): string {
  try {
    return strict.decode(bytes);
  } catch {
    return decodeSurrogates(bytes);
  }
}

function decodeSurrogates(bytes: Uint8Array): string {
  let text = '';
  let start = 0;
  for (let at = bytes.indexOf(0xed); at !== -1; at = bytes.indexOf(0xed, at + 1)) {
    const [, second = 0, third = 0] = bytes.subarray(at, at + 3);
    if ((second & 0xe0) !== 0xa0 || (third & 0xc0) !== 0x80) continue;
    text += decodeStrict(bytes.subarray(start, at));
    text += String.fromCharCode(0xd000 | ((second & 0x3f) << 6) | (third & 0x3f));
    start = at + 3;
  }
  return text + decodeStrict(bytes.subarray(start));
}

function decodeStrict(bytes: Uint8Array): string {
  try {
    return strict.decode(bytes);
  } catch {
    return invalid('the text is not UTF-8');
  }
}

export function decodeLatin1(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < bytes.length; i += latin1Chunk) {
    text += String.fromCharCode(...bytes.subarray(i, i + latin1Chunk));
  }
  return text;
}

/** The bytes of a text whose characters are all below U+0100, else undefined. */
export function encodeLatin1(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 0xff) return undefined;
    bytes[i] = code;
  }
  return bytes;
}

/**
 * Protocol 0's text: Latin-1 with `\uXXXX` and `\UXXXXXXXX`. A backslash is itself elsewhere, and so are two before a
 * `u`.
 */
export function decodeRawUnicodeEscape(line: Uint8Array): string {
  return decodeLatin1(line).replace(
    /(\\+)(u[0-9a-fA-F]{0,4}|U[0-9a-fA-F]{0,8})/g,
    (all, backslashes: string, escape: string) => {
      if (backslashes.length % 2 === 0) return all;
      const code = Number.parseInt(escape.slice(1), 16);
      if (escape.length !== (escape[0] === 'u' ? 5 : 9) || code > 0x10ffff) invalid(`\\${escape} is no character`);
      return backslashes.slice(1) + String.fromCodePoint(code);
    },
  );
}

const escapes: Readonly<Record<string, string>> = {
  '\\': '\\',
  "'": "'",
  '"': '"',
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

/** Python 2's `repr` of a string: quoted, with escapes. */
export function decodeQuoted(line: Uint8Array): Uint8Array {
  const quoted = decodeLatin1(line);
  const quote = quoted[0];
  if (quoted.length < 2 || (quote !== "'" && quote !== '"') || !quoted.endsWith(quote))
    invalid('the string is not quoted');
  const text = quoted.slice(1, -1).replace(/\\(?:x([0-9a-fA-F]{2})|([0-7]{1,3})|([^]))/g, (all, hex, octal, single) => {
    if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
    if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8) & 0xff);
    return escapes[single as string] ?? all;
  });
  return encodeLatin1(text) ?? invalid('the string holds more than bytes');
}

/**
 * Bytes of a string that Python 2 wrote: text when they are ASCII, as Python 3 reads them, else the bytes themselves.
 */
export function asciiOrBytes(bytes: Uint8Array): string | Uint8Array {
  return bytes.every((byte) => byte < 0x80) ? decodeLatin1(bytes) : bytes;
}
