// expf and logf against what C computed (fixtures/c-math.c).
import { expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { expf, logf } from '../src/index.ts';

const bytes = readFileSync(new URL('fixtures/c-math.bin', import.meta.url));
const values = new Float32Array(Uint8Array.from(bytes).buffer);
const rows = Array.from({ length: values.length / 3 }, (_, i) => Array.from(values.subarray(3 * i, 3 * i + 3)));
const column = (i: number) => rows.map((row) => row[i]!);

test('expf gives the bits that C does', () => {
  expect(rows).toHaveLength(4020);
  expect(column(0).map(expf)).toEqual(column(1));
});

test('logf gives the bits that C does', () => {
  expect(column(0).map(logf)).toEqual(column(2));
});

test('the exponential rounded correctly has other bits here and there', () => {
  const differing = rows.filter(([x, exp]) => !Object.is(Math.fround(Math.exp(x!)), exp));
  expect(differing.length).toBeGreaterThan(0);
  expect(differing.length).toBeLessThan(40);
});
