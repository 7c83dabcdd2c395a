/** NumPy's `U` elements: UTF-32 characters, every string padded with NUL to the width of the longest. */
import { EkibenError } from '@ekiben/spec';
import type { ByteOrder } from './bytes.ts';
import { MAX_NPY_STRING_BYTES } from './limits.ts';

export const BYTES_PER_CHARACTER = 4;

/** @throws EKIBEN_NPY_UNSUPPORTED */
export function encodeUtf32(strings: readonly string[]): { readonly bytes: Uint8Array; readonly width: number } {
  const width = strings.reduce((widest, string) => Math.max(widest, characterCount(string)), 1);
  const byteLength = strings.length * width * BYTES_PER_CHARACTER;
  if (byteLength > MAX_NPY_STRING_BYTES) {
    const detail = `${strings.length} strings, each padded to ${width} characters, make a .npy file above ${MAX_NPY_STRING_BYTES} bytes`;
    throw new EkibenError('EKIBEN_NPY_UNSUPPORTED', detail);
  }
  const view = new DataView(new ArrayBuffer(byteLength));
  strings.forEach((string, i) => {
    if (string.endsWith('\0')) {
      const detail = `string ${i} ends in NUL, which a .npy file cannot tell from padding`;
      throw new EkibenError('EKIBEN_NPY_UNSUPPORTED', detail);
    }
    let offset = i * width * BYTES_PER_CHARACTER;
    for (const character of string) {
      view.setUint32(offset, character.codePointAt(0)!, true);
      offset += BYTES_PER_CHARACTER;
    }
  });
  return { bytes: new Uint8Array(view.buffer), width };
}

/** @throws EKIBEN_NPY_INVALID when a character is none of Unicode's */
export function decodeUtf32(bytes: Uint8Array, width: number, order: ByteOrder): string[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const stride = width * BYTES_PER_CHARACTER;
  return Array.from({ length: bytes.byteLength / stride }, (_, i) => {
    let string = '';
    let zeros = 0; // NULs inside a string count, those at its end are padding
    for (let offset = i * stride; offset < (i + 1) * stride; offset += BYTES_PER_CHARACTER) {
      const codePoint = view.getUint32(offset, order === 'little');
      if (codePoint === 0) zeros++;
      else {
        if (codePoint > 0x10ffff)
          throw new EkibenError('EKIBEN_NPY_INVALID', `string ${i} holds a character beyond Unicode`);
        string += '\0'.repeat(zeros) + String.fromCodePoint(codePoint);
        zeros = 0;
      }
    }
    return string;
  });
}

function characterCount(string: string): number {
  let count = 0;
  for (const _ of string) count++;
  return count;
}
