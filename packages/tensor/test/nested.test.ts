import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { fromNested, toNested } from '../src/index.ts';
import { anyTensor, bits } from './arbitraries.ts';

test.each([
  ['numbers', [1, 2.5], 'float64'],
  ['bigints', [1n], 'int64'],
  ['booleans', [true], 'bool'],
  ['strings', ['a'], 'string'],
  ['nothing', [], 'float64'],
])('%s make %j a tensor of their own dtype', (_what, nested, dtype) => {
  expect(fromNested(nested).dtype).toBe(dtype);
});

test('a scalar is a tensor without axes', () => {
  expect(fromNested(7, 'int8')).toMatchObject({ shape: [], data: new Int8Array([7]) });
});

test('whole numbers of JSON fit int64', () => {
  expect(fromNested([1, -2], 'int64').data).toEqual(new BigInt64Array([1n, -2n]));
});

describe('names by JSON pointer', () => {
  test.each<[what: string, nested: unknown, errors: unknown[]]>([
    [
      'elements that do not fit',
      [
        [1, 'x'],
        [null, 2],
      ],
      [
        { pointer: '/0/1', message: 'expected float64, got string' },
        { pointer: '/1/0', message: 'expected float64, got null' },
      ],
    ],
    [
      'rows of another length',
      [[1, 2], [3], [4, 5]],
      [{ pointer: '/1', message: 'expected an array of 2, got an array of 1' }],
    ],
    ['a scalar among rows', [[1, 2], 3], [{ pointer: '/1', message: 'expected an array of 2, got 3' }]],
    ['a row among scalars', [1, [2]], [{ pointer: '/1', message: 'expected float64, got an array of 1' }]],
    [
      'rows at any depth',
      [[[1], [2]], [[3]], [[4], [5, 6]]],
      [
        { pointer: '/1', message: 'expected an array of 2, got an array of 1' },
        { pointer: '/2/1', message: 'expected an array of 1, got an array of 2' },
      ],
    ],
    ['an object', { a: 1 }, [{ pointer: '', message: 'expected float64, got object' }]],
  ])('%s', (_what, nested, errors) => {
    expect(() => fromNested(nested)).toThrow(
      expect.objectContaining({ code: 'EKIBEN_TENSOR_VALUE', details: { errors } }),
    );
  });
});

test('refuses arrays that nest deeper than a tensor has axes', () => {
  let nested: unknown = 1;
  for (let i = 0; i < 100_000; i++) nested = [nested];
  expect(() => fromNested(nested)).toThrow(expect.objectContaining({ code: 'EKIBEN_TENSOR_SHAPE' }));
});

test('allocates nothing for a small body whose first row makes a huge shape', () => {
  const row = Array<number>(100_000).fill(0);
  const thrown = expect.objectContaining({
    code: 'EKIBEN_TENSOR_VALUE',
    message: expect.stringContaining('(and 99 more)'),
  });
  expect(() => fromNested([row, ...row])).toThrow(thrown);
});

test('every tensor survives the round trip, unless it has no elements to show its shape', () => {
  fc.assert(
    fc.property(
      anyTensor.filter(({ data }) => data.length > 0),
      (t) => {
        expect(bits(fromNested(toNested(t), t.dtype))).toEqual(bits(t));
      },
    ),
  );
});
