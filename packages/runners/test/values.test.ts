import { describe, expect, test } from '@jest/globals';
import type { DType, Tensor } from '@ekiben/spec';
import { tensor } from '@ekiben/tensor';
import fc from 'fast-check';
import { FrameReader, FrameWriter } from '../src/frames.ts';
import { readValue, writeValue } from '../src/values.ts';

function roundTrip(value: unknown, chunkBytes = Infinity): unknown {
  const writer = new FrameWriter();
  writer.open(1, 1);
  writeValue(writer, value, 'the value');
  writer.close();
  const bytes = Buffer.concat(writer.take());
  const read: unknown[] = [];
  const reader = new FrameReader((_kind, _id, body) => {
    read.push(readValue(body));
    body.end();
  });
  for (let at = 0; at < bytes.length; at += chunkBytes) reader.push(bytes.subarray(at, at + chunkBytes));
  expect(read).toHaveLength(1);
  return read[0];
}

const plain = (value: Tensor) => ({ dtype: value.dtype, shape: value.shape, data: value.data });

const elements: { readonly [D in DType]: fc.Arbitrary<readonly unknown[]> } = {
  float16: fc.array(fc.integer({ min: -100, max: 100 })),
  float32: fc.array(fc.float()),
  float64: fc.array(fc.double()),
  int8: fc.array(fc.integer({ min: -128, max: 127 })),
  int16: fc.array(fc.integer({ min: -32768, max: 32767 })),
  int32: fc.array(fc.integer()),
  int64: fc.array(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
  uint8: fc.array(fc.integer({ min: 0, max: 255 })),
  uint16: fc.array(fc.integer({ min: 0, max: 65535 })),
  uint32: fc.array(fc.integer({ min: 0, max: 2 ** 32 - 1 })),
  uint64: fc.array(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })),
  bool: fc.array(fc.boolean()),
  string: fc.array(fc.string({ unit: 'binary' })),
};

const dtypes = Object.keys(elements) as DType[];

describe('values', () => {
  test('plain values come out as they went in, however the bytes are cut', () => {
    const leaf = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.double(),
      fc.bigInt(),
      fc.boolean(),
      fc.constantFrom(null, undefined),
      fc.date(),
      fc.uint8Array(),
      fc.float64Array(),
    );
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof({ maxDepth: 4 }, leaf, fc.array(tie('value')), fc.dictionary(fc.string(), tie('value'))),
    }));
    fc.assert(
      fc.property(value, fc.integer({ min: 1, max: 50 }), (input, chunkBytes) => {
        expect(roundTrip(input, chunkBytes)).toEqual(input);
      }),
    );
  });

  test.each(dtypes)('a tensor of %s keeps every bit', (dtype) => {
    fc.assert(
      fc.property(elements[dtype], fc.integer({ min: 1, max: 50 }), (values, chunkBytes) => {
        const input = tensor<DType>(values as never, [values.length], dtype);
        expect(plain(roundTrip(input, chunkBytes) as Tensor)).toEqual(plain(input));
      }),
    );
  });

  test('a large tensor in a record is used in place, wherever it stands in the frame', () => {
    const data = Float64Array.from({ length: 100_000 }, (_, i) => i / 3);
    for (const name of ['x', 'xy', 'xyz', 'abcdefg']) {
      const output = roundTrip({ [name]: tensor(data, [100, 1000], 'float64'), after: 'it' }, 65_536) as Record<
        string,
        Tensor
      >;
      expect(output[name]?.data).toEqual(data);
      expect(output['after']).toBe('it');
    }
  });

  test('-0, NaN and a key named __proto__ survive', () => {
    expect(Object.is(roundTrip(-0), -0)).toBe(true);
    expect(roundTrip(NaN)).toBeNaN();
    const output = roundTrip(JSON.parse('{"__proto__": {"admin": true}}')) as object;
    expect(Object.keys(output)).toEqual(['__proto__']);
    expect((output as { admin?: unknown }).admin).toBeUndefined();
  });

  test.each([
    ['an instance of a class', { rows: [{ when: new Map() }] }, '/rows/0/when', 'an instance of Map'],
    ['a function', [() => 1], '/0', 'a function'],
    ['a key with a slash', { 'a/b': Symbol('x') }, '/a~1b', 'a symbol'],
  ])('%s is refused by its place', (_, value, pointer, name) => {
    const code = 'EKIBEN_VALUE_NOT_TRANSFERABLE';
    expect(() => roundTrip(value)).toThrow(expect.objectContaining({ code, details: { pointer } }));
    expect(() => roundTrip(value)).toThrow(name);
  });

  test('a value that contains itself is refused', () => {
    const value: Record<string, unknown> = {};
    value['self'] = value;
    expect(() => roundTrip(value)).toThrow('nested deeper than');
  });
});
