import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { decodeNpy, float16ToNumber, numberToFloat16 } from '../src/index.ts';

const file = (name: string) => readFileSync(new URL(`fixtures/npy/${name}`, import.meta.url));
const everyHalf = Uint16Array.from({ length: 65536 }, (_, bits) => bits);
const isNaNBits = (bits: number) => (bits & 0x7fff) > 0x7c00;

test('every half becomes the double that NumPy makes of it', () => {
  const doubles = Float64Array.from(everyHalf, (bits) => (isNaNBits(bits) ? 0 : float16ToNumber(bits)));
  const expected = JSON.parse(file('expected.json').toString()) as { everyHalfAsDoubleSha256: string };
  expect(createHash('sha256').update(doubles).digest('hex')).toBe(expected.everyHalfAsDoubleSha256);
});

test('every half survives the trip to a double and back, NaN as some NaN', () => {
  const back = everyHalf.map((bits) => numberToFloat16(float16ToNumber(bits)));
  expect(back.map((bits) => (isNaNBits(bits) ? 0x7e00 : bits))).toEqual(
    everyHalf.map((bits) => (isNaNBits(bits) ? 0x7e00 : bits)),
  );
});

test('doubles round to the halves that NumPy rounds them to', () => {
  const doubles = decodeNpy(file('to-half-doubles.npy')).data as Float64Array;
  const halves = decodeNpy(file('to-half-bits.npy')).data as Uint16Array;
  expect(doubles.length).toBeGreaterThan(6000);
  expect(Uint16Array.from(doubles, numberToFloat16)).toEqual(halves);
});

test('rounding never goes to the farther neighbour', () => {
  fc.assert(
    fc.property(fc.double({ min: -65504, max: 65504, noNaN: true }), (x) => {
      const bits = numberToFloat16(x);
      const error = Math.abs(float16ToNumber(bits) - x);
      for (const neighbour of [bits - 1, bits + 1]) {
        const other = Math.abs(float16ToNumber(neighbour & 0xffff) - x);
        if (!Number.isNaN(other)) expect(error).toBeLessThanOrEqual(other);
      }
    }),
  );
});
