import { describe, expect, test } from '@jest/globals';
import type { DType } from '@ekiben/spec';
import fc from 'fast-check';
import { concat, fromNested, split, tensor, toNested } from '../src/index.ts';
import { anyTensor, bits, dtypes, shapes, tensorOf } from './arbitraries.ts';

const rows = fromNested([
  [1, 2, 3],
  [4, 5, 6],
]);

test('joins along the first axis', () => {
  expect(toNested(concat([rows, rows]))).toEqual([
    [1, 2, 3],
    [4, 5, 6],
    [1, 2, 3],
    [4, 5, 6],
  ]);
});

test('joins along the last axis, which is also -1', () => {
  const other = fromNested([[7], [8]]);
  const expected = [
    [1, 2, 3, 7],
    [4, 5, 6, 8],
  ];
  expect(toNested(concat([rows, other], 1))).toEqual(expected);
  expect(toNested(concat([rows, other], -1))).toEqual(expected);
});

test('one tensor alone is not copied', () => {
  expect(concat([rows])).toBe(rows);
});

test('parts along the first axis share the memory', () => {
  const rows = fromNested(
    [
      [1, 2, 3],
      [4, 5, 6],
    ],
    'float64',
  );
  const [, second] = split(rows, [1, 1]);
  expect(second).toMatchObject({ shape: [1, 3], data: new Float64Array([4, 5, 6]) });
  rows.data[3] = 40;
  expect(second?.item(0)).toBe(40);
});

test('cuts along the last axis', () => {
  expect(split(rows, [1, 2], 1).map(toNested)).toEqual([
    [[1], [4]],
    [
      [2, 3],
      [5, 6],
    ],
  ]);
});

test('parts may be empty', () => {
  expect(split(rows, [0, 2, 0]).map(({ shape }) => shape)).toEqual([
    [0, 3],
    [2, 3],
    [0, 3],
  ]);
});

describe('refuses', () => {
  const refused: [what: string, run: () => unknown, message: RegExp][] = [
    ['nothing to join', () => concat([]), /no tensors/],
    [
      'another length in another axis',
      () => concat([rows, fromNested([[1]])]),
      /tensor 1, float64\[1, 1\].*float64\[2, 3\]/,
    ],
    ['another rank', () => concat([rows, fromNested([1, 2, 3])]), /tensor 1/],
    ['another dtype', () => concat<DType>([rows, tensor([0, 0, 0], [1, 3], 'float32')]), /float32\[1, 3\]/],
    ['an axis that is not there', () => concat([rows, rows], 2), /no axis 2/],
    ['an axis of a scalar', () => split(tensor([1], [], 'int8'), [1]), /no axis 0/],
    ['parts that do not add up', () => split(rows, [1, 2]), /parts of \[1, 2\] .* length 2/],
    ['a negative part', () => split(rows, [3, -1]), /\[3, -1\]/],
    ['a fractional part', () => split(rows, [0.5, 1.5]), /\[0.5, 1.5\]/],
  ];
  test.each(refused)('%s', (_what, run, message) => {
    expect(run).toThrow(
      expect.objectContaining({ code: 'EKIBEN_TENSOR_MISMATCH', message: expect.stringMatching(message) }),
    );
  });
});

/** A dtype, a shape with an axis to join along, and tensors that differ in length there. */
const joinable = fc
  .record({
    dtype: fc.constantFrom(...dtypes),
    shape: shapes({ minLength: 1 }),
    lengths: fc.array(fc.nat({ max: 40 }), { minLength: 1, maxLength: 4 }),
  })
  .chain(({ dtype, shape, lengths }) =>
    fc
      .record({
        axis: fc.nat({ max: shape.length - 1 }),
        lengths: fc.constant(lengths),
      })
      .chain(({ axis }) =>
        fc.record({
          axis: fc.constant(axis),
          tensors: fc.tuple(...lengths.map((length) => tensorOf(dtype, shape.with(axis, length)))),
        }),
      ),
  );

test('what was joined comes apart again', () => {
  fc.assert(
    fc.property(joinable, ({ axis, tensors }) => {
      const lengths = tensors.map(({ shape }) => shape[axis] ?? 0);
      expect(split(concat(tensors, axis), lengths, axis).map(bits)).toEqual(tensors.map(bits));
    }),
  );
});

test('joining is what joining nested arrays is', () => {
  fc.assert(
    fc.property(joinable, ({ axis, tensors }) => {
      const join = (nested: unknown[], depth: number): unknown =>
        depth === 0
          ? nested.flat()
          : (nested[0] as unknown[]).map((_, i) =>
              join(
                nested.map((part) => (part as unknown[])[i]),
                depth - 1,
              ),
            );
      expect(toNested(concat(tensors, axis))).toEqual(
        join(
          tensors.map((part) => toNested(part)),
          axis,
        ),
      );
    }),
  );
});

test('joining is associative', () => {
  fc.assert(
    fc.property(
      anyTensor.filter(({ shape }) => shape.length > 0),
      fc.nat(),
      (t, seed) => {
        const axis = seed % t.shape.length;
        const left = concat([concat([t, t], axis), t], axis);
        expect(bits(left)).toEqual(bits(concat([t, concat([t, t], axis)], axis)));
      },
    ),
  );
});
