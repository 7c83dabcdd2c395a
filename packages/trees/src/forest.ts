import { EkibenError } from '@ekiben/spec';
import { contributions } from './contributions.ts';
import { flatten } from './flatten.ts';
import type { FlatForest } from './flatten.ts';
import { addMargins, leafNodes } from './walk.ts';

/** A decision tree as parallel arrays, one element a node; node 0 is the root. All arrays have the same length. */
export interface Tree {
  /** Index of the left child, negative in a leaf. */
  readonly left: ArrayLike<number>;
  /** Index of the right child; not read in a leaf. */
  readonly right: ArrayLike<number>;
  /** The feature a node splits on; not read in a leaf. */
  readonly feature: ArrayLike<number>;
  /** float32: a value below it goes left, any other right. Not read in a leaf or where `categories` has the node. */
  readonly threshold: ArrayLike<number>;
  /** Where a missing value goes: non-zero is left. */
  readonly defaultLeft: ArrayLike<number>;
  /** Leaf values, float32: one a node, or `numOutputs` a node where `vectorLeaf` is set. Read in leaves only. */
  readonly value: ArrayLike<number>;
  /** By node: the categories that go right. Any other goes left, see `unknownCategory` too. */
  readonly categories?: ReadonlyMap<number, ArrayLike<number>> | undefined;
  /** Weight of the training rows that came through a node (XGBoost's `sum_hessian`), float32: needed for contributions only. */
  readonly cover?: ArrayLike<number> | undefined;
  /** The output that the tree adds to; not read where `vectorLeaf` is set. @default 0 */
  readonly output?: number | undefined;
  /** Factor of the leaf values, float32. @default 1 */
  readonly weight?: number | undefined;
}

export interface ForestInit {
  readonly numFeatures: number;
  /** @default 1 */
  readonly numOutputs?: number | undefined;
  /** Whether every leaf has a value for each output. @default false */
  readonly vectorLeaf?: boolean | undefined;
  /**
   * Where a number goes that is negative, or beyond the 32 numbers with the largest category that a node names: left as other
   * categories that it does not name, or as a missing value (XGBoost 1.6).
   * @default 'left'
   */
  readonly unknownCategory?: 'left' | 'missing' | undefined;
  readonly trees: readonly Tree[];
}

/** Half-open range of trees. */
export interface TreeRange {
  /** @default 0 */
  readonly begin?: number | undefined;
  /** @default all trees */
  readonly end?: number | undefined;
}

/** Decision trees, checked once and laid out for evaluation. */
export class Forest {
  /** What it was made of; not to be changed. */
  readonly init: ForestInit;
  readonly numFeatures: number;
  readonly numOutputs: number;
  readonly numTrees: number;
  readonly #flat: FlatForest;

  /**
   * @throws EKIBEN_FOREST_INVALID when the trees are no trees (a child or feature out of range, a node reached twice, arrays of
   * different lengths); EKIBEN_FOREST_TOO_LARGE above the limits of limits.ts
   */
  constructor(init: ForestInit) {
    this.#flat = flatten(init);
    this.init = init;
    this.numFeatures = this.#flat.numFeatures;
    this.numOutputs = this.#flat.numOutputs;
    this.numTrees = init.trees.length;
  }

  /**
   * Adds the leaf values of each row to `out`, in the order of the trees and rounding every sum to float32 as XGBoost does.
   * @param rows - row-major, `numFeatures` a row; float64 is rounded to float32 first; NaN is missing
   * @param out - row-major, `numOutputs` a row: what the sum starts from, such as the base score
   */
  addMargins(rows: Float32Array | Float64Array, out: Float32Array, range: TreeRange = {}): void {
    const numRows = this.#countRows(rows);
    if (out.length !== numRows * this.numOutputs) {
      throw new EkibenError(
        'EKIBEN_FOREST_SHAPE_MISMATCH',
        `${numRows} rows give ${numRows * this.numOutputs} values; the array for them has ${out.length}`,
      );
    }
    const [begin, end] = this.#checkRange(range);
    addMargins(this.#flat, rows, numRows, out, begin, end);
  }

  /** The leaf that each row reaches in each tree, as an index into that tree's arrays; row-major, one value a tree. */
  leafNodes(rows: Float32Array | Float64Array, range: TreeRange = {}): Int32Array {
    const numRows = this.#countRows(rows);
    const [begin, end] = this.#checkRange(range);
    return leafNodes(this.#flat, rows, numRows, begin, end);
  }

  /**
   * What each feature adds to each output of each row (TreeSHAP as XGBoost's `pred_contribs` computes it, in float32), followed
   * by the trees' mean output; row-major `[rows, numOutputs, numFeatures + 1]`. They sum to the margin without its start.
   * @throws EKIBEN_FOREST_NO_CONTRIBUTIONS for vector leaves and for trees without `cover`
   */
  contributions(rows: Float32Array | Float64Array, range: TreeRange = {}): Float32Array {
    const numRows = this.#countRows(rows);
    const [begin, end] = this.#checkRange(range);
    return contributions(this.#flat, rows, numRows, begin, end);
  }

  #countRows(rows: Float32Array | Float64Array): number {
    const count = rows.length / this.numFeatures;
    if (Number.isInteger(count)) return count;
    throw new EkibenError(
      'EKIBEN_FOREST_SHAPE_MISMATCH',
      `${rows.length} values are no whole number of rows of ${this.numFeatures} features`,
    );
  }

  #checkRange(range: TreeRange): readonly [number, number] {
    const begin = range.begin ?? 0;
    const end = range.end ?? this.numTrees;
    if (Number.isInteger(begin) && Number.isInteger(end) && 0 <= begin && begin <= end && end <= this.numTrees) {
      return [begin, end];
    }
    throw new EkibenError(
      'EKIBEN_FOREST_RANGE',
      `trees ${begin} to ${end} were asked for; the forest has ${this.numTrees}, numbered from 0`,
    );
  }
}
