// A forest evaluated as naively as one can, to compare with; and forests at random.
import fc from 'fast-check';
import type { ForestInit, Tree } from '../src/index.ts';

/** The node that a row ends in. */
export function leafOf(init: ForestInit, tree: Tree, row: ArrayLike<number>): number {
  let node = 0;
  while (tree.left[node]! >= 0) {
    const x = Math.fround(row[tree.feature[node]!]!);
    node = goesLeft(init, tree, node, x) ? tree.left[node]! : tree.right[node]!;
  }
  return node;
}

function goesLeft(init: ForestInit, tree: Tree, node: number, x: number): boolean {
  const defaultLeft = tree.defaultLeft[node] !== 0;
  if (Number.isNaN(x)) return defaultLeft;
  const categories = tree.categories?.get(node);
  if (categories === undefined) return x < Math.fround(tree.threshold[node]!);
  const inReach = x >= 0 && Math.floor(x / 32) <= Math.floor(Math.max(0, ...Array.from(categories)) / 32);
  if (!inReach && init.unknownCategory === 'missing') return defaultLeft;
  return !Array.from(categories).includes(Math.trunc(x)) || x < 0;
}

/** Sums in float32, tree after tree. */
export function marginsOf(init: ForestInit, row: ArrayLike<number>, start: ArrayLike<number>): Float32Array {
  const { numOutputs = 1 } = init;
  const sums = Float32Array.from(start);
  for (const tree of init.trees) {
    const node = leafOf(init, tree, row);
    const weight = Math.fround(tree.weight ?? 1);
    const value = (i: number) => Math.fround(Math.fround(tree.value[i]!) * weight);
    if (init.vectorLeaf) sums.forEach((sum, k) => (sums[k] = sum + value(node * numOutputs + k)));
    else sums[tree.output ?? 0]! += value(node);
  }
  return sums;
}

const LARGEST_FLOAT32 = (2 - 2 ** -23) * 2 ** 127;

/** Few different numbers, so that thresholds are met exactly. */
const number = fc.constantFrom(
  -Infinity,
  -LARGEST_FLOAT32,
  -1.5,
  -1,
  -1e-45,
  -0,
  0,
  1e-45,
  0.1,
  1,
  2,
  33,
  2 ** 24,
  LARGEST_FLOAT32,
  Infinity,
  NaN,
);
const threshold = fc.oneof(number, fc.float());
const category = fc.nat(70);

/** A tree of up to 31 nodes: its shape is drawn, then what is in the nodes. */
const treeOf = (
  numFeatures: number,
  numOutputs: number,
  vectorLeaf: boolean,
  withCategories: boolean,
): fc.Arbitrary<Tree> =>
  fc.array(fc.nat(), { maxLength: 15 }).chain((splits) => {
    const left = [-1];
    const right = [-1];
    for (const choice of splits) {
      const leaves = left.flatMap((child, node) => (child < 0 ? [node] : []));
      const node = leaves[choice % leaves.length]!;
      // Children in either order, and not side by side.
      [left[node], right[node]] = choice % 2 === 0 ? [left.length, left.length + 1] : [left.length + 1, left.length];
      left.push(-1, -1);
      right.push(-1, -1);
    }
    const n = left.length;
    const each = <T>(arbitrary: fc.Arbitrary<T>, count = n) =>
      fc.array(arbitrary, { minLength: count, maxLength: count });
    return fc.record({
      left: fc.constant(left),
      right: fc.constant(right),
      feature: each(fc.nat(numFeatures - 1)),
      threshold: each(threshold),
      defaultLeft: each(fc.nat(1)),
      value: each(fc.float({ noNaN: true, min: -100, max: 100 }), vectorLeaf ? n * numOutputs : n),
      output: fc.nat(numOutputs - 1),
      weight: fc.constantFrom(undefined, 0.3, 1),
      categories: withCategories
        ? fc.array(fc.tuple(fc.nat(n - 1), fc.array(category, { maxLength: 5 }))).map((sets) => new Map(sets))
        : fc.constant(undefined),
    });
  });

export const forest: fc.Arbitrary<ForestInit> = fc
  .record({
    numFeatures: fc.integer({ min: 1, max: 5 }),
    numOutputs: fc.integer({ min: 1, max: 3 }),
    vectorLeaf: fc.boolean(),
    withCategories: fc.boolean(),
    unknownCategory: fc.constantFrom('left' as const, 'missing' as const, undefined),
  })
  .chain(({ withCategories, ...rest }) =>
    fc
      .array(treeOf(rest.numFeatures, rest.numOutputs, rest.vectorLeaf, withCategories), { maxLength: 11 })
      .map((trees) => ({ ...rest, trees })),
  );

export const rowsOf = (numFeatures: number, maxRows: number): fc.Arbitrary<number[][]> => {
  const value = fc.oneof(
    number,
    fc.float(),
    category.map((c) => c + 0.5),
    fc.double(),
  );
  return fc.array(fc.array(value, { minLength: numFeatures, maxLength: numFeatures }), { maxLength: maxRows });
};
