// Integers and floats of a pickle. An integer is a number when that is exact, else a bigint.
import { invalid, overLimit } from './problem.ts';

const bitsPerDigit = Math.log2(10);

function narrow(value: bigint): number | bigint {
  return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
}

/** Little-endian two's complement of any length; no bytes are 0. */
export function decodeLong(bytes: Uint8Array, maxDigits: number): number | bigint {
  if (bytes.length === 0) return 0;
  if ((bytes.length - 1) * 8 > maxDigits * bitsPerDigit) overLimit('maxIntegerDigits', maxDigits);
  let hex = '0x';
  for (let i = bytes.length - 1; i >= 0; i--) hex += (bytes[i] ?? 0).toString(16).padStart(2, '0');
  return narrow(BigInt.asIntN(bytes.length * 8, BigInt(hex)));
}

export function parseInteger(text: string, maxDigits: number): number | bigint {
  const digits = text.trim();
  if (digits.length > maxDigits + 1) overLimit('maxIntegerDigits', maxDigits);
  if (!/^[+-]?\d+$/.test(digits)) invalid(`"${digits.slice(0, 40)}" is not an integer`);
  return narrow(digits.startsWith('-') ? -BigInt(digits.slice(1)) : BigInt(digits.replace('+', '')));
}

export function parseFloatText(text: string): number {
  const [, sign, word] = /^([+-]?)(inf|infinity|nan)$/i.exec(text.trim()) ?? [];
  if (word !== undefined) return word[0]?.toLowerCase() === 'n' ? NaN : sign === '-' ? -Infinity : Infinity;
  if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text.trim())) invalid(`"${text.slice(0, 40)}" is not a float`);
  return Number(text);
}
