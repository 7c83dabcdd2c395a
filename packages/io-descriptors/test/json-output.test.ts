import { describe, expect, test } from '@jest/globals';
import * as v from 'valibot';
import * as z from 'zod';
import { json } from '../src/index.ts';
import { thrownBy } from './thrown.ts';

const Decision = z.object({ Status: z.enum(['DECLINED', 'APPROVED']) });
const result = (value: unknown) => value as never;

test('is written as text, without a promise', () => {
  expect(json(Decision).encode({ Status: 'APPROVED' })).toBe('{"Status":"APPROVED"}');
  expect(json(Decision).contentType).toBe('application/json');
});

describe('a field that the schema does not know', () => {
  const excess = result({ Status: 'APPROVED', password: 'secret' });

  test('is stripped by a zod object and a valibot object', () => {
    const other = json(v.object({ Status: v.string() }));
    for (const descriptor of [json(Decision), other]) {
      expect(descriptor.encode(excess)).toBe('{"Status":"APPROVED"}');
      expect(descriptor.toWire(excess)).toEqual({ Status: 'APPROVED' });
    }
  });

  test('is refused where the schema refuses it', async () => {
    const strict = [
      json(z.strictObject(Decision.shape)),
      json({ type: 'object', properties: { Status: { type: 'string' } }, additionalProperties: false }),
    ];
    for (const descriptor of strict) {
      expect(await thrownBy(() => descriptor.encode(excess))).toMatchObject({ code: 'EKIBEN_INVALID_OUTPUT' });
    }
  });

  test('is sent by a JSON Schema that lets it through', () => {
    expect(json({ type: 'object' }).encode(excess)).toBe('{"Status":"APPROVED","password":"secret"}');
  });
});

describe('what does not match', () => {
  const wrong = result({ Status: 'secret', other: 1 });

  test("is the server's fault, and the message repeats nothing of it", async () => {
    const descriptors = [json(Decision), json(v.object({ Status: v.picklist(['DECLINED', 'APPROVED']) }))];
    for (const descriptor of descriptors) {
      for (const run of [() => descriptor.encode(wrong), () => descriptor.toWire(wrong)]) {
        const error = await thrownBy(run);
        expect(error.code).toBe('EKIBEN_INVALID_OUTPUT');
        expect(error.message).toBe("The handler's result does not match the output schema at /Status.");
        expect(error.details?.errors).toBeUndefined();
        expect(error.details).toEqual({ faults: [{ pointer: '/Status', message: expect.any(String) }] });
      }
    }
  });

  test('is sent unchecked where that was asked for', () => {
    const unchecked = json(Decision, { validateOutput: false });
    expect(unchecked.encode(wrong)).toBe('{"Status":"secret","other":1}');
    expect(unchecked.toWire(wrong)).toBe(wrong);
  });

  test('is found by an asynchronous schema too', async () => {
    const later = json(z.string().refine(async (text) => text !== 'bad'));
    expect(await later.encode('good')).toBe('"good"');
    expect(await thrownBy(() => later.encode('bad'))).toMatchObject({
      code: 'EKIBEN_INVALID_OUTPUT',
      message: "The handler's result does not match the output schema at its root.",
    });
  });
});

describe('values that JSON does not have', () => {
  const anything = json(z.unknown());
  const circular: { self?: unknown } = {};
  circular.self = circular;
  let deep: unknown = null;
  for (let i = 0; i < 100_000; i++) deep = [deep];

  test('NaN and Infinity become null where the schema lets them through', async () => {
    expect(anything.encode([NaN, Infinity, -Infinity])).toBe('[null,null,null]');
    for (const numbers of [json(z.array(z.number())), json({ type: 'array', items: { type: 'number' } })]) {
      expect(await thrownBy(() => numbers.encode([NaN]))).toMatchObject({ code: 'EKIBEN_INVALID_OUTPUT' });
    }
  });

  test('a bigint becomes a number as long as that is exact', () => {
    expect(anything.encode({ label: 7n, most: BigInt(Number.MAX_SAFE_INTEGER) })).toBe(
      '{"label":7,"most":9007199254740991}',
    );
  });

  test.each([
    ['a bigint that is not exact', { label: 2n ** 53n }],
    ['undefined', undefined],
    ['a function', () => 1],
    ['a cycle', circular],
    ['nesting beyond the stack', deep],
  ])('%s is an invalid output', async (_what, value) => {
    expect(await thrownBy(() => anything.encode(value))).toMatchObject({ code: 'EKIBEN_INVALID_OUTPUT' });
  });
});
