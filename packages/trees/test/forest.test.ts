// What a forest computes.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Forest } from '../src/index.ts';
import type { Tree } from '../src/index.ts';
import { forest, leafOf, marginsOf, rowsOf } from './reference.ts';

/** Feature 0 below 2.5 goes left, to leaf 1. */
const stump: Tree = {
  left: [1, -1, -1],
  right: [2, -1, -1],
  feature: [0, 0, 0],
  threshold: [2.5, 0, 0],
  defaultLeft: [0, 0, 0],
  value: [0, -1, 1],
  cover: [10, 4, 6],
};
const leavesOf = (tree: Tree, ...values: number[]) =>
  Array.from(new Forest({ numFeatures: 1, trees: [tree] }).leafNodes(Float64Array.from(values)));

describe('a split', () => {
  test('sends what is below its threshold left, the threshold itself right', () => {
    expect(leavesOf(stump, 2.4999998, 2.5, 2.5000002, -Infinity, Infinity)).toEqual([1, 2, 2, 1, 2]);
    expect(leavesOf({ ...stump, defaultLeft: [1, 0, 0] }, 2.4999998, 2.5, 2.5000002, -Infinity, Infinity)).toEqual([
      1, 2, 2, 1, 2,
    ]);
  });

  test('compares in float32', () => {
    // 0.1 rounds up in float32, and so does a double that is below it by less than that.
    expect(leavesOf({ ...stump, threshold: [0.1, 0, 0] }, 0.1, 0.0999999999, 0.09999999)).toEqual([2, 2, 1]);
  });

  test('sends a missing value to its default', () => {
    expect(leavesOf(stump, NaN)).toEqual([2]);
    expect(leavesOf({ ...stump, defaultLeft: [1, 0, 0] }, NaN)).toEqual([1]);
  });

  test('tells 0 from the smallest number, but not from -0', () => {
    for (const defaultLeft of [0, 1]) {
      const zero = { ...stump, threshold: [0, 0, 0], defaultLeft: [defaultLeft, 0, 0] };
      expect(leavesOf(zero, -0, 0, -(2 ** -149), 2 ** -149)).toEqual([2, 2, 1, 2]);
      expect(leavesOf({ ...zero, threshold: [2 ** -149, 0, 0] }, -0, 0, 2 ** -149)).toEqual([1, 1, 2]);
    }
  });

  test('may only ask whether the value is there: the threshold -Infinity, or NaN', () => {
    for (const threshold of [-Infinity, NaN]) {
      const present = { ...stump, threshold: [threshold, 0, 0], defaultLeft: [1, 0, 0] };
      expect(leavesOf(present, NaN, 0, -Infinity, Infinity, -3.4e38)).toEqual([1, 2, 2, 2, 2]);
    }
  });

  test('tells -Infinity from the smallest finite number, and Infinity from the largest', () => {
    const largest = (2 - 2 ** -23) * 2 ** 127;
    for (const defaultLeft of [0, 1]) {
      const extreme = (threshold: number) => ({
        ...stump,
        threshold: [threshold, 0, 0],
        defaultLeft: [defaultLeft, 0, 0],
      });
      expect(leavesOf(extreme(-largest), -Infinity, -largest, 0)).toEqual([1, 2, 2]);
      expect(leavesOf(extreme(largest), -largest, largest, Infinity)).toEqual([1, 2, 2]);
      expect(leavesOf(extreme(Infinity), -Infinity, largest, Infinity)).toEqual([1, 1, 2]);
    }
  });

  test('by categories sends those it names right, and fractions with their whole number', () => {
    const tree = { ...stump, categories: new Map([[0, [0, 3, 40]]]) };
    expect(leavesOf(tree, 0, 1, 3, 3.9, 4, 40, 41, 64, 1e6, -1, -0.5, Infinity, NaN)).toEqual([
      2, 1, 2, 2, 1, 2, 1, 1, 1, 1, 1, 1, 2,
    ]);
    expect(leavesOf({ ...tree, categories: new Map([[0, []]]) }, 0, 5, NaN)).toEqual([1, 1, 2]);
  });

  test('by categories may take an unknown one for missing', () => {
    const trees = [{ ...stump, categories: new Map([[0, [3]]]) }];
    const known = new Forest({ numFeatures: 1, unknownCategory: 'missing', trees });
    expect(Array.from(known.leafNodes(Float32Array.of(3, 4, 31, 32, -1, NaN)))).toEqual([2, 1, 1, 2, 2, 2]);
  });
});

test('sums are rounded after each tree, in their order', () => {
  const constant = (value: number): Tree => ({ ...stump, value: [0, value, value] });
  const big = new Forest({ numFeatures: 1, trees: [2 ** 24, 1, 1, -(2 ** 24), 1].map(constant) });
  const out = new Float32Array(1);
  big.addMargins(new Float32Array(1), out);
  expect(out[0]).toBe(1); // 2^24 + 1 rounds to 2^24, twice
});

test('a range of trees adds only those', () => {
  const trees = [1, 10, 100, 1000, 10000, 100000].map((value) => ({ ...stump, value: [0, value, value] }));
  const some = new Forest({ numFeatures: 1, trees });
  const out = new Float32Array(1);
  some.addMargins(new Float32Array(1), out, { begin: 1, end: 5 });
  expect(out[0]).toBe(11110);
  expect(some.leafNodes(new Float32Array(1), { begin: 2 })).toHaveLength(4);
});

const bits = (values: Float32Array) => Array.from(new Uint32Array(values.slice().buffer));

test('margins are those of the naive walk, of any number of rows, to the last bit', () => {
  const cases = forest.chain((init) => fc.tuple(fc.constant(init), rowsOf(init.numFeatures, 9), fc.boolean()));
  fc.assert(
    fc.property(cases, ([init, rows, asDoubles]) => {
      const built = new Forest(init);
      const flat = asDoubles ? Float64Array.from(rows.flat()) : Float32Array.from(rows.flat());
      const start = Float32Array.from({ length: built.numOutputs }, (_, k) => 0.1 * k);
      const out = new Float32Array(rows.length * built.numOutputs);
      rows.forEach((_, r) => out.set(start, r * built.numOutputs));
      built.addMargins(flat, out);
      const expected = rows.map((row) => bits(marginsOf(init, row, start)));
      expect(bits(out)).toEqual(expected.flat());
    }),
    { numRuns: 500 },
  );
});

test('leaves are those of the naive walk', () => {
  const cases = forest.chain((init) => fc.tuple(fc.constant(init), rowsOf(init.numFeatures, 3)));
  fc.assert(
    fc.property(cases, ([init, rows]) => {
      const leaves = new Forest(init).leafNodes(Float64Array.from(rows.flat()));
      expect(Array.from(leaves)).toEqual(rows.flatMap((row) => init.trees.map((tree) => leafOf(init, tree, row))));
    }),
  );
});

test('rows come in blocks, whatever their number and width', () => {
  for (const [numFeatures, numRows] of [
    [3, 200],
    [3000, 5],
    [20000, 2],
  ] as const) {
    const wide: Tree = { ...stump, feature: [numFeatures - 1, 0, 0] };
    const rows = Float32Array.from({ length: numRows * numFeatures }, (_, i) => (i * 7) % 5);
    const out = new Float32Array(numRows);
    new Forest({ numFeatures, trees: [wide] }).addMargins(rows, out);
    const expected = Array.from({ length: numRows }, (_, r) => (rows[(r + 1) * numFeatures - 1]! < 2.5 ? -1 : 1));
    expect(Array.from(out)).toEqual(expected);
  }
});

describe('contributions', () => {
  test('of a stump: the leaf less the mean, and the mean', () => {
    const contributions = new Forest({ numFeatures: 2, trees: [stump] }).contributions(Float32Array.of(1, 0, 9, 0));
    const mean = (-1 * 4 + 1 * 6) / 10;
    [-1 - mean, 0, mean, 1 - mean, 0, mean].forEach((value, i) => expect(contributions[i]).toBeCloseTo(value, 6));
  });

  test('sum to the margin', () => {
    const cases = forest
      .filter(({ vectorLeaf }) => !vectorLeaf)
      .chain((init) => fc.tuple(fc.constant(init), rowsOf(init.numFeatures, 2)));
    fc.assert(
      fc.property(cases, ([init, rows]) => {
        const built = new Forest({ ...init, trees: init.trees.map((tree) => ({ ...tree, cover: coverOf(tree) })) });
        const flat = Float64Array.from(rows.flat());
        const contributions = built.contributions(flat);
        const margins = new Float32Array(rows.length * built.numOutputs);
        built.addMargins(flat, margins);
        const columns = built.numFeatures + 1;
        margins.forEach((margin, i) => {
          const sum = contributions.subarray(i * columns, (i + 1) * columns).reduce((total, part) => total + part, 0);
          expect(Math.abs(sum - margin)).toBeLessThan(0.01); // leaves are up to 100, float32 has 7 digits
        });
      }),
    );
  });

  /** As many rows in each leaf as its number says. */
  function coverOf(tree: Tree): number[] {
    const cover = (node: number): number =>
      tree.left[node]! < 0 ? node + 1 : cover(tree.left[node]!) + cover(tree.right[node]!);
    return Array.from(tree.left, (_, node) => cover(node));
  }
});
