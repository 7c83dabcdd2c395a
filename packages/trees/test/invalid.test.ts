// Trees that are none, and forests too large, are refused before anything is evaluated.
import { describe, expect, test } from '@jest/globals';
import { EkibenError } from '@ekiben/spec';
import fc from 'fast-check';
import { Forest, MAX_FEATURES, MAX_OUTPUTS, MAX_SHAP_DEPTH } from '../src/index.ts';
import type { Tree } from '../src/index.ts';

const tree: Tree = {
  left: [1, 3, -1, -1, -1],
  right: [2, 4, -1, -1, -1],
  feature: [0, 1, 0, 0, 0],
  threshold: [1, 2, 0, 0, 0],
  defaultLeft: [1, 0, 0, 0, 0],
  value: [0, 0, 1, 2, 3],
};
const build = (
  change: Partial<Tree>,
  init: { readonly numFeatures?: number; readonly numOutputs?: number; readonly vectorLeaf?: boolean } = {},
) => new Forest({ numFeatures: 2, ...init, trees: [tree, { ...tree, ...change }] });
const refused = (code: string, message: RegExp) =>
  expect.objectContaining({ code, message: expect.stringMatching(message) });

test.each<[string, RegExp, Partial<Tree>]>([
  ['no node', /^tree 1: it has no node/, { left: [] }],
  ['a child beyond the end', /^tree 1: node 1 has the child 5; the tree has 5 nodes/, { left: [1, 5, -1, -1, -1] }],
  ['a right child below 0', /node 0 has the child -1/, { right: [-1, 4, -1, -1, -1] }],
  ['half a child', /node 0 has the child 1.5/, { left: [1.5, 3, -1, -1, -1] }],
  [
    'a node that is its own child',
    /node 1 is reached twice, the second time from node 1/,
    { left: [1, 1, -1, -1, -1] },
  ],
  ['a way back to the root', /node 0 is reached twice/, { right: [2, 0, -1, -1, -1] }],
  ['a node with two parents', /node 2 is reached twice/, { right: [2, 2, -1, -1, -1] }],
  ['a feature that is not there', /node 1 splits on feature 2; there are 2 features/, { feature: [0, 2, 0, 0, 0] }],
  ['a feature below 0', /node 0 splits on feature -1/, { feature: [-1, 1, 0, 0, 0] }],
  ['a missing threshold', /`threshold` has 4 elements, `left` has 5/, { threshold: [1, 2, 0, 0] }],
  ['a value too few', /`value` has 4 elements instead of 5/, { value: [0, 0, 1, 2] }],
  ['cover of another length', /`cover` has 1 elements/, { cover: [1] }],
  ['an output that is not there', /adds to output 1; there are 1/, { output: 1 }],
  ['a category below 0', /node 0 tests for the category -1/, { categories: new Map([[0, [-1]]]) }],
  ['a category too large', /category 16777216/, { categories: new Map([[0, [2 ** 24]]]) }],
])('%s', (_name, message, change) => {
  expect(() => build(change)).toThrow(refused('EKIBEN_FOREST_INVALID', message));
});

test('nodes that no way leads to do not matter', () => {
  const pruned = new Forest({ numFeatures: 2, trees: [{ ...tree, left: [-1, 3, -1, -1, -1] }] });
  expect(Array.from(pruned.leafNodes(Float32Array.of(0, 0)))).toEqual([0]);
});

describe('a forest of', () => {
  test.each([
    ['too many features', { numFeatures: MAX_FEATURES + 1 }, 'EKIBEN_FOREST_TOO_LARGE'],
    ['too many outputs', { numOutputs: MAX_OUTPUTS + 1 }, 'EKIBEN_FOREST_TOO_LARGE'],
    ['no outputs', { numOutputs: 0 }, 'EKIBEN_FOREST_INVALID'],
    ['-1 features', { numFeatures: -1 }, 'EKIBEN_FOREST_INVALID'],
    ['half a feature', { numFeatures: 0.5 }, 'EKIBEN_FOREST_INVALID'],
    ['vectors that its trees do not have', { numOutputs: MAX_OUTPUTS, vectorLeaf: true }, 'EKIBEN_FOREST_INVALID'],
  ])('%s', (_name, init, code) => {
    expect(() => build({}, init)).toThrow(refused(code, /./));
  });

  test('large category sets, each of few bytes', () => {
    const categories = new Map([0, 1].map((node) => [node, [2 ** 24 - 1]] as const));
    const trees = Array.from({ length: 20 }, () => ({ ...tree, categories }));
    expect(() => new Forest({ numFeatures: 2, trees })).toThrow(
      refused('EKIBEN_FOREST_TOO_LARGE', /words of category sets/),
    );
  });
});

describe('an evaluation', () => {
  const forest = build({});

  test('of rows that do not fit the features', () => {
    expect(() => forest.addMargins(new Float32Array(3), new Float32Array(1))).toThrow(
      refused('EKIBEN_FOREST_SHAPE_MISMATCH', /3 values are no whole number of rows of 2 features/),
    );
    expect(() => forest.leafNodes(new Float32Array(1))).toThrow(refused('EKIBEN_FOREST_SHAPE_MISMATCH', /./));
  });

  test('into an array of another size', () => {
    expect(() => forest.addMargins(new Float32Array(4), new Float32Array(1))).toThrow(
      refused('EKIBEN_FOREST_SHAPE_MISMATCH', /2 rows give 2 values; the array for them has 1/),
    );
  });

  test.each([
    [-1, 1],
    [0, 3],
    [2, 1],
    [0.5, 1],
  ])('of the trees %s to %s', (begin, end) => {
    expect(() => forest.leafNodes(new Float32Array(2), { begin, end })).toThrow(
      refused('EKIBEN_FOREST_RANGE', /the forest has 2/),
    );
  });

  test('of contributions that the trees cannot give', () => {
    const noContributions = refused('EKIBEN_FOREST_NO_CONTRIBUTIONS', /./);
    expect(() => forest.contributions(new Float32Array(2))).toThrow(noContributions);
    const vectors = new Forest({ numFeatures: 2, vectorLeaf: true, trees: [tree] });
    expect(() => vectors.contributions(new Float32Array(2))).toThrow(noContributions);
  });

  test('of contributions of a tree too deep', () => {
    const deep = chain(MAX_SHAP_DEPTH + 1);
    expect(() => deep.contributions(new Float32Array(1))).toThrow(
      refused('EKIBEN_FOREST_TOO_LARGE', /501 levels deep/),
    );
    expect(chain(MAX_SHAP_DEPTH).contributions(new Float32Array(1))).toHaveLength(2);
  });

  test('of a very deep tree goes well', () => {
    expect(Array.from(chain(200_000).leafNodes(Float32Array.of(1)))).toEqual([399_999]);
  });

  /** A tree whose every left child is a leaf. */
  function chain(depth: number): Forest {
    const at = <T>(of: (node: number) => T) => Array.from({ length: 2 * depth + 1 }, (_, node) => of(node));
    const isSplit = (node: number) => node % 2 === 0 && node < 2 * depth;
    const left = at((node) => (isSplit(node) ? node + 1 : -1));
    const right = at((node) => (isSplit(node) ? node + 2 : -1));
    const chained: Tree = {
      left,
      right,
      feature: at(() => 0),
      threshold: at((node) => (node === 2 * depth - 2 ? 2 : 0)),
      defaultLeft: at(() => 0),
      value: at(() => 1),
      cover: at(() => 1),
    };
    return new Forest({ numFeatures: 1, trees: [chained] });
  }
});

test('random arrays make a forest or an error of ours, never a hang', () => {
  const child = fc.integer({ min: -2, max: 6 });
  const arrays = fc.record({
    left: fc.array(child, { maxLength: 6 }),
    right: fc.array(child, { maxLength: 6 }),
    feature: fc.array(child, { maxLength: 6 }),
  });
  fc.assert(
    fc.property(arrays, ({ left, right, feature }) => {
      const n = left.length;
      const zeros = new Float32Array(n);
      try {
        const built = new Forest({
          numFeatures: 3,
          trees: [
            {
              left,
              right: right.slice(0, n),
              feature: feature.slice(0, n),
              threshold: zeros,
              defaultLeft: zeros,
              value: zeros,
            },
          ],
        });
        built.leafNodes(new Float32Array(3));
      } catch (error) {
        if (!EkibenError.is(error)) throw error;
      }
    }),
    { numRuns: 2000 },
  );
});
