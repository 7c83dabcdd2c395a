// Seeded: a failure can be run again. Whatever the bytes, there is a value or a coded error of the client's.
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import * as v from 'valibot';
import * as z from 'zod';
import { json } from '../src/index.ts';
import { findJsonFault } from '../src/json-fault.ts';

const RUNS = 5000;
const CLIENT_ERRORS = ['EKIBEN_INVALID_INPUT', 'EKIBEN_MALFORMED_JSON'];

const item = {
  type: 'object',
  properties: { n: { type: 'integer' }, s: { type: 'string', maxLength: 5 } },
  required: ['n'],
} as const;
const descriptors = {
  zod: json(z.object({ items: z.array(z.object({ n: z.int(), s: z.string().max(5).optional() })), any: z.unknown() })),
  valibot: json(v.object({ items: v.array(v.looseObject({ n: v.number() })), any: v.unknown() })),
  'JSON Schema': json({ type: 'object', properties: { items: { type: 'array', items: item } }, required: ['items'] }),
  coerced: json({ type: 'object', properties: { items: { type: 'array', items: item } } }, { coerce: true }),
};

const goodBody = fc
  .record({
    items: fc.array(fc.record({ n: fc.integer(), s: fc.string({ maxLength: 5 }) }), { maxLength: 3 }),
    any: fc.jsonValue(),
  })
  .map((value) => Buffer.from(JSON.stringify(value)));
const token = fc.constantFrom(
  '{',
  '}',
  '[',
  ']',
  '"',
  ',',
  ':',
  '\\',
  '\\u005f',
  '__proto__',
  'null',
  '1e999',
  '-',
  '\0',
  '\ufeff',
  '\xff',
);
const mutation = fc.record({
  at: fc.nat(),
  remove: fc.nat({ max: 8 }),
  insert: fc.oneof(
    token.map((text) => Buffer.from(text, 'latin1')),
    fc.uint8Array({ maxLength: 4 }),
  ),
});
const body = fc.tuple(goodBody, fc.array(mutation, { maxLength: 4 })).map(([good, mutations]) =>
  mutations.reduce((bytes, { at, remove, insert }) => {
    const from = at % (bytes.length + 1);
    return Buffer.concat([bytes.subarray(0, from), insert, bytes.subarray(from + remove)]);
  }, good),
);

test.each(Object.entries(descriptors))(`${RUNS} mutated bodies, by %s`, (_name, descriptor) => {
  const seen = { values: 0, errors: 0 };
  fc.assert(
    fc.property(body, (bytes) => {
      try {
        expect(typeof descriptor.decode(bytes, undefined)).toBe('object');
        seen.values++;
      } catch (error) {
        expect(CLIENT_ERRORS).toContain((error as { code?: string }).code);
        seen.errors++;
      }
    }),
    { numRuns: RUNS, seed: 20241124 },
  );
  expect(Math.min(seen.values, seen.errors)).toBeGreaterThan(RUNS / 20);
});

test('a fault is found exactly where JSON.parse refuses, and all before it could still become JSON', () => {
  const isJson = (text: string) => {
    try {
      JSON.parse(text);
      return true;
    } catch {
      return false;
    }
  };
  fc.assert(
    fc.property(body, (bytes) => {
      const text = bytes.toString();
      const fault = findJsonFault(text);
      expect(fault === undefined).toBe(isJson(text));
      if (fault === undefined) return;
      const before = text.slice(0, fault.offset);
      expect(findJsonFault(before)?.offset ?? before.length).toBe(before.length);
    }),
    { numRuns: RUNS, seed: 7 },
  );
});
