import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { DType } from '@ekiben/spec';
import { canCast, cast, reshape, tensor } from '../src/index.ts';

const DTYPES: readonly DType[] = ['bool', 'uint8', 'uint64', 'int8', 'int32', 'int64', 'float16', 'float64', 'string'];

test("casts what NumPy's same_kind casts", () => {
  // numpy 2.3: np.can_cast(from, to, casting='same_kind')
  const expected: Record<string, string> = {
    bool: 'bool uint8 uint64 int8 int32 int64 float16 float64',
    uint8: 'uint8 uint64 int8 int32 int64 float16 float64',
    uint64: 'uint8 uint64 int8 int32 int64 float16 float64',
    int8: 'int8 int32 int64 float16 float64',
    int32: 'int8 int32 int64 float16 float64',
    int64: 'int8 int32 int64 float16 float64',
    float16: 'float16 float64',
    float64: 'float16 float64',
    string: 'string',
  };
  for (const from of DTYPES) {
    expect([from, DTYPES.filter((to) => canCast(from, to)).join(' ')]).toEqual([from, expected[from]]);
  }
});

describe('cast', () => {
  test('gives back the tensor that has the dtype already', () => {
    const t = tensor([1, 2], [2], 'int8');
    expect(cast(t, 'int8')).toBe(t);
  });

  test('rounds floats and keeps integers exact', () => {
    expect(cast(tensor([0.1, 2 ** 200], [2], 'float64'), 'float32').data).toEqual(Float32Array.of(0.1, Infinity));
    expect(cast(tensor([1n, -5n], [2], 'int64'), 'int8').data).toEqual(Int8Array.of(1, -5));
    expect(cast(tensor([1, 255], [2], 'uint8'), 'int64').data).toEqual(BigInt64Array.of(1n, 255n));
    expect(cast(tensor([true, false], [2], 'bool'), 'float16').data).toEqual(Uint16Array.of(0x3c00, 0));
  });

  test('refuses what is not of the same kind', () => {
    expect(() => cast(tensor([1.5], [1], 'float32'), 'int32')).toThrow(/float32 is not cast to int32/);
    expect(() => cast(tensor(['1'], [1], 'string'), 'float32')).toThrow(/string is not cast to float32/);
  });

  test('names every element that does not fit, by its place', () => {
    const wide = tensor([1, 300, 2, -1], [2, 2], 'int32');
    expect(() => cast(wide, 'int8')).toThrow(
      expect.objectContaining({
        code: 'EKIBEN_TENSOR_VALUE',
        details: { errors: [{ pointer: '/0/1', message: 'expected int8, got 300' }] },
      }),
    );
  });
});

describe('reshape', () => {
  test('shares memory, and works out what is left', () => {
    const t = tensor([1, 2, 3, 4, 5, 6], [6], 'float32');
    expect(reshape(t, [-1, 3])).toEqual(tensor([1, 2, 3, 4, 5, 6], [2, 3], 'float32'));
    expect(reshape(t, [3, 2]).data).toBe(t.data);
    expect(reshape(tensor([], [0, 4], 'int8'), [-1, 2]).shape).toEqual([0, 2]);
  });

  test.each([[[4]], [[-1, 4]], [[-1, -1]], [[0, -1]], [[2.5, -1]], [[-2, -3]]])('6 elements are no %j', (shape) => {
    expect(() => reshape(tensor([1, 2, 3, 4, 5, 6], [6], 'int8'), shape)).toThrow(
      expect.objectContaining({ code: 'EKIBEN_TENSOR_SHAPE' }),
    );
  });

  test('there and back is the same tensor', () => {
    fc.assert(
      fc.property(fc.nat({ max: 5 }), fc.nat({ max: 5 }), fc.nat({ max: 5 }), (a, b, c) => {
        const t = tensor(
          new Int32Array(a * b * c).map((_, i) => i),
          [a, b, c],
          'int32',
        );
        expect(reshape(reshape(t, [a * b, c]), [a, b, c])).toEqual(t);
      }),
    );
  });
});
