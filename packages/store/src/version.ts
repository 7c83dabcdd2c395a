// New versions and the moments they are made: BentoML's 16 characters, time bits highest.
import { randomBytes } from 'node:crypto';

/** RFC 4648 base32 in lower case: what BentoML makes of a UUID. */
const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';
const RANDOM_BITS = 28n;

let lastMicros = 0n;

/** Microseconds since 1970, never the same twice in a process. */
function uniqueMicros(): bigint {
  const now = BigInt(Math.round((performance.timeOrigin + performance.now()) * 1000));
  lastMicros = now > lastMicros ? now : lastMicros + 1n;
  return lastMicros;
}

/** A new version and its creation time, as `model.yaml` writes it: `2026-11-23T23:06:52.925008+00:00`. */
export interface NewVersion {
  readonly version: string;
  readonly creationTime: string;
}

/** 52 bits of microseconds (until the year 2112) and 28 random bits, so that two processes never agree by accident. */
export function newVersion(): NewVersion {
  const micros = uniqueMicros();
  const random = BigInt(randomBytes(4).readUInt32BE()) & ((1n << RANDOM_BITS) - 1n);
  return { version: base32((micros << RANDOM_BITS) | random), creationTime: isoMicros(micros) };
}

function base32(bits: bigint): string {
  let text = '';
  for (let shift = 75n; shift >= 0n; shift -= 5n) text += ALPHABET[Number((bits >> shift) & 31n)];
  return text;
}

/** Python's `datetime.isoformat()` of a moment in UTC. */
function isoMicros(micros: bigint): string {
  const iso = new Date(Number(micros / 1000n)).toISOString();
  return `${iso.slice(0, -1)}${String(micros % 1000n).padStart(3, '0')}+00:00`;
}
