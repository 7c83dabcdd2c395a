/**
 * TreeSHAP (Lundberg, Erion, Lee: Consistent individualized feature attribution for tree ensembles, algorithm 2), operation by
 * operation as XGBoost has it (src/predictor/treeshap.cc of 1.6 to 3.2), every intermediate value rounded to float32 as there:
 * the results have the same bits.
 */
import { EkibenError } from '@ekiben/spec';
import type { Forest, Tree } from './forest.ts';
import { MAX_SHAP_DEPTH } from './limits.ts';

const f32 = Math.fround;

export function contributions(
  forest: Forest,
  rows: Float32Array | Float64Array,
  numRows: number,
  begin: number,
  end: number,
): Float32Array {
  if (forest.vectorLeaf) {
    throw new EkibenError(
      'EKIBEN_FOREST_NO_CONTRIBUTIONS',
      'contributions are not defined for trees with vector leaves',
    );
  }
  const { numFeatures, numOutputs } = forest;
  const columns = numFeatures + 1;
  const out = new Float32Array(numRows * numOutputs * columns);
  const ofTree = new Float32Array(columns);
  for (let t = begin; t < end; t++) {
    const tree = forest.trees[t]!;
    const depth = forest.depths[t]!;
    if (depth > MAX_SHAP_DEPTH) {
      throw new EkibenError(
        'EKIBEN_FOREST_TOO_LARGE',
        `tree ${t} is ${depth} levels deep; contributions are computed up to ${MAX_SHAP_DEPTH}`,
      );
    }
    const mean = meanValue(tree, t);
    const explainer = new TreeExplainer(tree, forest.depths[t]!);
    const weight = f32(tree.weight ?? 1);
    for (let row = 0; row < numRows; row++) {
      ofTree.fill(0);
      ofTree[numFeatures] = mean;
      explainer.explain(rows, row * numFeatures, ofTree);
      const at = (row * numOutputs + forest.outputs[t]!) * columns;
      for (let i = 0; i < columns; i++) out[at + i]! += f32(ofTree[i]! * weight);
    }
  }
  return out;
}

/** The mean of a tree's leaf values, weighted by cover. */
function meanValue(tree: Tree, index: number): number {
  const cover = tree.cover;
  if (cover === undefined) {
    throw new EkibenError(
      'EKIBEN_FOREST_NO_CONTRIBUTIONS',
      `tree ${index} does not say how many training rows came through each node, which contributions are weighted by`,
    );
  }
  const of = (node: number): number => {
    if (tree.left[node]! < 0) return f32(tree.value[node]!);
    const left = tree.left[node]!;
    const right = tree.right[node]!;
    const sum = f32(f32(of(left) * f32(cover[left]!)) + f32(of(right) * f32(cover[right]!)));
    return f32(sum / f32(cover[node]!));
  };
  return of(0);
}

/** Whether a value goes to the left child of a node. */
function goesLeft(tree: Tree, node: number, x: number): boolean {
  if (Number.isNaN(x)) return tree.defaultLeft[node] !== 0;
  const categories = tree.categories?.get(node);
  if (categories === undefined) return x < f32(tree.threshold[node]!);
  return !(x >= 0 && Array.prototype.includes.call(categories, Math.floor(x)));
}

/** One tree with the memory for its decision paths: each level of the recursion has its copy behind its parent's. */
class TreeExplainer {
  readonly #tree: Tree;
  // Path elements: the feature, the fractions of paths that flow through when it is absent and present, the permutation weight.
  readonly #feature: Int32Array;
  readonly #zero: Float32Array;
  readonly #one: Float32Array;
  readonly #weight: Float32Array;
  #rows: Float32Array | Float64Array = new Float32Array(0);
  #start = 0;
  #phi: Float32Array = new Float32Array(0);

  constructor(tree: Tree, depth: number) {
    this.#tree = tree;
    const size = ((depth + 2) * (depth + 3)) / 2;
    this.#feature = new Int32Array(size);
    this.#zero = new Float32Array(size);
    this.#one = new Float32Array(size);
    this.#weight = new Float32Array(size);
  }

  /** Adds the contributions of the features of the row at `start` to `phi`. */
  explain(rows: Float32Array | Float64Array, start: number, phi: Float32Array): void {
    this.#rows = rows;
    this.#start = start;
    this.#phi = phi;
    this.#descend(0, 0, 0, 1, 1, -1);
  }

  #descend(node: number, parentDepth: number, parent: number, zero: number, one: number, feature: number): void {
    const tree = this.#tree;
    let depth = parentDepth;
    const path = parent + depth + 1;
    for (const array of [this.#feature, this.#zero, this.#one, this.#weight]) array.copyWithin(path, parent, path);
    this.#extend(path, depth, zero, one, feature);

    const left = tree.left[node]!;
    if (left < 0) {
      const value = f32(tree.value[node]!);
      for (let i = 1; i <= depth; i++) {
        const weight = this.#unwoundSum(path, depth, i);
        const gain = f32(f32(weight * f32(this.#one[path + i]! - this.#zero[path + i]!)) * value);
        this.#phi[this.#feature[path + i]!]! += gain;
      }
      return;
    }
    const split = tree.feature[node]!;
    const cover = tree.cover!;
    const right = tree.right[node]!;
    const toLeft = goesLeft(tree, node, f32(this.#rows[this.#start + split]!));
    const hot = toLeft ? left : right;
    const cold = toLeft ? right : left;
    const all = f32(cover[node]!);
    const hotZero = f32(f32(cover[hot]!) / all);
    const coldZero = f32(f32(cover[cold]!) / all);
    let zeroBefore = 1;
    let oneBefore = 1;
    // A feature that the path has already split on is undone, and done again with this split.
    for (let i = 0; i <= depth; i++) {
      if (this.#feature[path + i] !== split) continue;
      zeroBefore = this.#zero[path + i]!;
      oneBefore = this.#one[path + i]!;
      this.#unwind(path, depth, i);
      depth--;
      break;
    }
    this.#descend(hot, depth + 1, path, f32(hotZero * zeroBefore), oneBefore, split);
    this.#descend(cold, depth + 1, path, f32(coldZero * zeroBefore), 0, split);
  }

  #extend(path: number, depth: number, zero: number, one: number, feature: number): void {
    const weight = this.#weight;
    this.#feature[path + depth] = feature;
    this.#zero[path + depth] = zero;
    this.#one[path + depth] = one;
    weight[path + depth] = depth === 0 ? 1 : 0;
    for (let i = depth - 1; i >= 0; i--) {
      const w = weight[path + i]!;
      weight[path + i + 1]! += f32(f32(f32(one * w) * (i + 1)) / (depth + 1));
      weight[path + i] = f32(f32(zero * w) * (depth - i)) / (depth + 1);
    }
  }

  #unwind(path: number, depth: number, index: number): void {
    const weight = this.#weight;
    const one = this.#one[path + index]!;
    const zero = this.#zero[path + index]!;
    let next = weight[path + depth]!;
    for (let i = depth - 1; i >= 0; i--) {
      const w = weight[path + i]!;
      if (one !== 0) {
        weight[path + i] = f32(next * (depth + 1)) / f32((i + 1) * one);
        next = f32(w - f32(f32(f32(weight[path + i]! * zero) * (depth - i)) / (depth + 1)));
      } else {
        weight[path + i] = f32(w * (depth + 1)) / f32(zero * (depth - i));
      }
    }
    for (let i = path + index; i < path + depth; i++) {
      this.#feature[i] = this.#feature[i + 1]!;
      this.#zero[i] = this.#zero[i + 1]!;
      this.#one[i] = this.#one[i + 1]!;
    }
  }

  /** The sum of the weights that #unwind would leave. */
  #unwoundSum(path: number, depth: number, index: number): number {
    const weight = this.#weight;
    const one = this.#one[path + index]!;
    const zero = this.#zero[path + index]!;
    let next = weight[path + depth]!;
    let total = 0;
    for (let i = depth - 1; i >= 0; i--) {
      if (one !== 0) {
        const w = f32(f32(next * (depth + 1)) / f32((i + 1) * one));
        total = f32(total + w);
        next = f32(weight[path + i]! - f32(f32(w * zero) * f32((depth - i) / (depth + 1))));
      } else if (zero !== 0) {
        total = f32(total + f32(f32(weight[path + i]! / zero) / f32((depth - i) / (depth + 1))));
      }
    }
    return total;
  }
}
