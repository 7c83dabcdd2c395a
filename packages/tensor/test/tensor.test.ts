import { describe, expect, test } from '@jest/globals';
import type { DType, Tensor } from '@ekiben/spec';
import { DenseTensor, isTensor, tensor } from '../src/index.ts';

const coded = (code: string, message?: RegExp) => {
  const expected = { code };
  return message === undefined
    ? expect.objectContaining(expected)
    : expect.objectContaining({ ...expected, message: expect.stringMatching(message) });
};

test('keeps typed arrays without copying them', () => {
  const data = new Float32Array([1, 2, 3, 4, 5, 6]);
  const t = tensor(data, [2, 3], 'float32');
  expect(t.data).toBe(data);
  expect(t.item(5)).toBe(6);
});

test('converts plain elements to the storage of the dtype', () => {
  expect(tensor([1.5, -2], [2], 'float16').data).toEqual(new Uint16Array([0x3e00, 0xc000]));
  expect(tensor([true, false], [2], 'bool').data).toEqual(new Uint8Array([1, 0]));
  expect(tensor([2n ** 62n], [1], 'int64').data).toEqual(new BigInt64Array([2n ** 62n]));
  expect(tensor(['a', 'b'], [2], 'string').data).toEqual(['a', 'b']);
});

test('items are what the dtype means, not how it is stored', () => {
  expect(tensor(new Uint16Array([0x3e00]), [], 'float16').item(0)).toBe(1.5);
  expect(tensor(new Uint8Array([1]), [], 'bool').item(0)).toBe(true);
  expect(tensor(new BigUint64Array([2n ** 63n]), [], 'uint64').item(0)).toBe(2n ** 63n);
});

test.each([-1, 2, 0.5, NaN])('item(%d) of two elements is out of range', (index) => {
  expect(() => tensor([1, 2], [2], 'float64').item(index)).toThrow(coded('EKIBEN_INDEX_OUT_OF_RANGE'));
});

describe('refuses', () => {
  const refused: [what: string, make: () => unknown, code: string, message: RegExp][] = [
    [
      'data of another length than its shape',
      () => tensor([1, 2], [3], 'int8'),
      'EKIBEN_TENSOR_SHAPE',
      /\[3\] holds 3/,
    ],
    ['a negative length', () => tensor([], [-1, 0], 'int8'), 'EKIBEN_TENSOR_SHAPE', /axis 0 has length -1/],
    ['a fractional length', () => tensor([1], [0.5, 2], 'int8'), 'EKIBEN_TENSOR_SHAPE', /axis 0/],
    ['65 axes', () => tensor([1], Array<number>(65).fill(1), 'int8'), 'EKIBEN_TENSOR_SHAPE', /at most 64/],
    ['a product beyond a double', () => tensor([], [2 ** 52, 2 ** 52], 'int8'), 'EKIBEN_TENSOR_SHAPE', /holds/],
    ['a billion rows of nothing', () => tensor([], [1e9, 0], 'int8'), 'EKIBEN_TENSOR_SHAPE', /rows of nothing/],
    [
      'storage of another dtype',
      () => tensor(new Float64Array(1) as never, [1], 'float32'),
      'EKIBEN_TENSOR_DTYPE',
      /Float32Array/,
    ],
    ['no array at all', () => tensor('x' as never, [1], 'string'), 'EKIBEN_TENSOR_DTYPE', /array of strings/],
    [
      'an unknown dtype',
      () => tensor([1], [1], 'complex64' as DType),
      'EKIBEN_TENSOR_DTYPE',
      /complex64, only float16/,
    ],
    [
      'a name that objects inherit',
      () => tensor([1], [1], 'constructor' as DType),
      'EKIBEN_TENSOR_DTYPE',
      /constructor/,
    ],
    [
      'a bool that is neither 0 nor 1',
      () => tensor(new Uint8Array([0, 2]), [2], 'bool'),
      'EKIBEN_TENSOR_VALUE',
      /element 1/,
    ],
    [
      'a string tensor with a number in it',
      () => tensor(['a', 1 as never], [2], 'string'),
      'EKIBEN_TENSOR_VALUE',
      /element 1/,
    ],
    ['a value that would wrap', () => tensor([256], [1], 'uint8'), 'EKIBEN_TENSOR_VALUE', /expected uint8, got 256/],
    ['a fraction for an integer', () => tensor([0.5], [1], 'int32'), 'EKIBEN_TENSOR_VALUE', /expected int32, got 0.5/],
    ['an integer that is not exact', () => tensor([(2 ** 53) as never], [1], 'int64'), 'EKIBEN_TENSOR_VALUE', /int64/],
    ['a bigint beyond 64 bits', () => tensor([2n ** 63n], [1], 'int64'), 'EKIBEN_TENSOR_VALUE', /int64/],
    ['a numeric string', () => tensor(['1' as never], [1], 'float64'), 'EKIBEN_TENSOR_VALUE', /got string/],
  ];
  test.each(refused)('%s', (_what, make, code, message) => {
    expect(make).toThrow(coded(code, message));
  });
});

test('names every element that does not fit, up to a bound', () => {
  const bad = Array<number>(1000).fill(-1);
  expect(() => tensor([1, -1, 2, -2], [4], 'uint8')).toThrow(
    expect.objectContaining({
      details: {
        errors: [
          { pointer: '/1', message: 'expected uint8, got -1' },
          { pointer: '/3', message: 'expected uint8, got -2' },
        ],
      },
    }),
  );
  const thrown = catchError(() => tensor(bad, [1000], 'uint8')) as { details: { errors: unknown[] } };
  expect(thrown.details.errors).toHaveLength(100);
});

test('every tensor has the same shape of object, so that hot code stays monomorphic', () => {
  const tensors: Tensor[] = [tensor([1], [1], 'float32'), tensor(['a'], [], 'string'), tensor([1n], [1, 1], 'int64')];
  for (const t of tensors) {
    expect(t).toBeInstanceOf(DenseTensor);
    expect(Object.keys(t)).toEqual(['dtype', 'shape', 'data']);
  }
});

test('knows a tensor by its shape, whoever made it', () => {
  const ours = tensor([1, 2], [2], 'int8');
  const theirs: Tensor = { dtype: 'int8', shape: [2], data: ours.data, item: (index) => ours.item(index) };
  expect([ours, theirs].map(isTensor)).toEqual([true, true]);
  expect([null, [1, 2], ours.data, { dtype: 'int8', shape: [2] }, 'int8'].map(isTensor)).not.toContain(true);
});

function catchError(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}
