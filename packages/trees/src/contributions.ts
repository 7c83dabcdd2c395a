/**
 * TreeSHAP (Lundberg, Erion, Lee: Consistent individualized feature attribution for tree ensembles, algorithm 2), operation by
 * operation as XGBoost has it (src/predictor/treeshap.cc of 1.6 to 3.2), every intermediate value rounded to float32 as there:
 * the results have the same bits.
 */
import { EkibenError } from '@ekiben/spec';
import { STRIDE } from './flatten.ts';
import type { FlatForest } from './flatten.ts';
import type { Tree } from './forest.ts';
import { MAX_SHAP_DEPTH } from './limits.ts';
import { next, spread } from './walk.ts';

const f32 = Math.fround;

export function contributions(
  forest: FlatForest,
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
  const { numFeatures, numOutputs, outputs } = forest;
  const means = meanValues(forest, begin, end);
  const explainer = new Explainer(forest, begin, end);
  const columns = numFeatures + 1;
  const out = new Float32Array(numRows * numOutputs * columns);
  const ofTree = new Float32Array(columns);
  for (let row = 0; row < numRows; row++) {
    const lanes = spread(forest, rows, row, 1);
    for (let t = begin; t < end; t++) {
      ofTree.fill(0);
      ofTree[numFeatures] = means[t - begin]!;
      explainer.explain(t, lanes, ofTree);
      const weight = f32(forest.trees[t]!.weight ?? 1);
      const at = (row * numOutputs + outputs[t]!) * columns;
      for (let i = 0; i < columns; i++) out[at + i]! += f32(ofTree[i]! * weight);
    }
  }
  return out;
}

/** The mean of each tree's leaf values, weighted by cover. */
function meanValues(forest: FlatForest, begin: number, end: number): Float32Array {
  return Float32Array.from({ length: end - begin }, (_, i) => {
    const t = begin + i;
    const { left, right, value, cover } = forest.trees[t]!;
    if (cover === undefined) {
      throw new EkibenError(
        'EKIBEN_FOREST_NO_CONTRIBUTIONS',
        `tree ${t} does not say how much of the training data came through its nodes, which contributions are weighted by`,
      );
    }
    if (forest.depths[t]! > MAX_SHAP_DEPTH) {
      throw new EkibenError(
        'EKIBEN_FOREST_TOO_LARGE',
        `tree ${t} is ${forest.depths[t]} levels deep; contributions are computed up to ${MAX_SHAP_DEPTH}`,
      );
    }
    const mean = (node: number): number => {
      const l = left[node]!;
      const r = right[node]!;
      if (l < 0) return f32(value[node]!);
      return f32(f32(f32(mean(l) * f32(cover[l]!)) + f32(mean(r) * f32(cover[r]!))) / f32(cover[node]!));
    };
    return mean(0);
  });
}

/** Explains one tree at a time. Each level of the recursion has its copy of the decision path behind its parent's. */
class Explainer {
  readonly #forest: FlatForest;
  // Of the elements of paths: the feature, the fractions of paths that go through when it is absent and when it is present, the
  // permutation weight.
  readonly #feature: Int32Array;
  readonly #zero: Float32Array;
  readonly #one: Float32Array;
  readonly #weight: Float32Array;
  #tree: Tree;
  #lanes: Float32Array = new Float32Array(0);
  #phi: Float32Array = new Float32Array(0);

  constructor(forest: FlatForest, begin: number, end: number) {
    this.#forest = forest;
    const depth = forest.depths.subarray(begin, end).reduce((max, d) => Math.max(max, d), 0);
    const size = ((depth + 2) * (depth + 3)) / 2;
    this.#feature = new Int32Array(size);
    this.#zero = new Float32Array(size);
    this.#one = new Float32Array(size);
    this.#weight = new Float32Array(size);
    this.#tree = forest.trees[begin]!;
  }

  /** Adds the contributions of the features to `phi`. */
  explain(tree: number, lanes: Float32Array, phi: Float32Array): void {
    this.#tree = this.#forest.trees[tree]!;
    this.#lanes = lanes;
    this.#phi = phi;
    this.#descend(this.#forest.roots[tree]!, 0, 0, 1, 1, -1);
  }

  /** `node` is an offset in the forest, `parent` where the parent's path begins. */
  #descend(node: number, parentDepth: number, parent: number, zero: number, one: number, feature: number): void {
    const forest = this.#forest;
    let depth = parentDepth;
    const path = parent + depth + 1;
    this.#feature.copyWithin(path, parent, path);
    this.#zero.copyWithin(path, parent, path);
    this.#one.copyWithin(path, parent, path);
    this.#weight.copyWithin(path, parent, path);
    this.#extend(path, depth, zero, one, feature);

    const first = forest.nodes[node + 2]!;
    if (first === node) {
      const value = f32(this.#tree.value[forest.ids[node >> 2]!]!);
      for (let i = 1; i <= depth; i++) {
        const fraction = f32(this.#one[path + i]! - this.#zero[path + i]!);
        this.#phi[this.#feature[path + i]!]! += f32(f32(this.#unwoundSum(path, depth, i) * fraction) * value);
      }
      return;
    }
    const hot = next(forest, this.#lanes, 0, node);
    const cold = hot === first ? first + STRIDE : first;
    const lane = forest.nodes[node]!;
    const split = (lane >= 0 ? lane : forest.sets[~lane]!) >> 1;
    let zeroBefore = 1;
    let oneBefore = 1;
    // A feature that the path has split on before is undone, to be done again with this split.
    for (let i = 0; i <= depth; i++) {
      if (this.#feature[path + i] !== split) continue;
      zeroBefore = this.#zero[path + i]!;
      oneBefore = this.#one[path + i]!;
      this.#unwind(path, depth, i);
      depth--;
      break;
    }
    const hotZero = f32(this.#cover(hot) / this.#cover(node));
    const coldZero = f32(this.#cover(cold) / this.#cover(node));
    this.#descend(hot, depth + 1, path, f32(hotZero * zeroBefore), oneBefore, split);
    this.#descend(cold, depth + 1, path, f32(coldZero * zeroBefore), 0, split);
  }

  #cover(node: number): number {
    return f32(this.#tree.cover![this.#forest.ids[node >> 2]!]!);
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
