import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { EkibenError } from '@ekiben/spec';
import { readPickle } from '../src/index.ts';
import { opcodes } from '../src/opcodes.ts';
import { fixture, pickles } from './fixtures.ts';

// The same mutations every time, unless long fuzzing asks for more (FUZZ_RUNS).
const runs = Number(process.env['FUZZ_RUNS'] ?? 150);
const seed = process.env['FUZZ_RUNS'] === undefined ? 20261124 : Date.now();

/** Opcodes, bytes at the edge of lengths, and any byte. */
const byte = fc.oneof(
  fc.constantFrom(...opcodes.flatMap((opcode, code) => (opcode ? [code] : []))),
  fc.constantFrom(0, 1, 0x0a, 0x7f, 0x80, 0xff),
  fc.nat(255),
);
const mutation = fc.record({ at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), remove: fc.nat(3), insert: fc.array(byte, { maxLength: 3 }) }); // prettier-ignore

test.each(pickles)('%s, mutated, is read or refused', (name) => {
  const original = fixture(name);
  fc.assert(
    fc.property(fc.array(mutation, { minLength: 1, maxLength: 4 }), (mutations) => {
      let bytes = original;
      for (const { at, remove, insert } of mutations) {
        const cut = Math.floor(at * bytes.length);
        bytes = Buffer.concat([bytes.subarray(0, cut), Buffer.from(insert), bytes.subarray(cut + remove)]);
      }
      expectAnswer(bytes);
    }),
    { numRuns: runs, seed },
  );
});

test('programs of random opcodes are read or refused', () => {
  fc.assert(
    fc.property(fc.array(byte, { maxLength: 60 }), (bytes) => expectAnswer(Uint8Array.from([...bytes, 0x2e]))),
    {
      numRuns: runs * 20,
      seed,
    },
  );
});

function expectAnswer(bytes: Uint8Array): void {
  try {
    readPickle(bytes);
  } catch (error) {
    expect(EkibenError.is(error) && error.code).toMatch(/^EKIBEN_PICKLE_(TRUNCATED|INVALID|UNSUPPORTED|LIMIT)$/);
  }
}
