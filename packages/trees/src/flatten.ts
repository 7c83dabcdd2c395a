// Checks trees and lays them out for the walks of walk.ts. Nothing behind this reads an index that was not checked here.
import { EkibenError } from '@ekiben/spec';
import type { ForestInit, Tree } from './forest.ts';
import { MAX_CATEGORY, MAX_CATEGORY_WORDS, MAX_FEATURES, MAX_NODES, MAX_OUTPUTS } from './limits.ts';

const f32 = Math.fround;

/** Words of a node. */
export const STRIDE = 4;

/** The length of a bitset that stands for none: the test is whether there is a value at all. */
export const ANY_VALUE = -1;

/**
 * A forest in flat arrays.
 *
 * ```
 * nodes, floats: the same memory
 * ┌───────┬───────────┬───────┬───────┐
 * │ lane  │ threshold │ first │ value │  A node compares what is in its lane with its threshold, and goes on to its second child
 * │ int32 │  float32  │ int32 │   *   │  if that is less, else to its first. The second child stands right behind the first.
 * └───────┴───────────┴───────┴───────┘
 * ```
 * A row has two lanes a feature, x and -x. A comparison with NaN is false, so that a missing value goes to the first child:
 * where the default is right, that is the right one, and the node asks `x < t`; where it is left, that is the left one, and the
 * node asks for `x >= t` by `-x < -u`, u being the greatest float32 below t. No node has to look for missing values.
 *
 * A leaf is its own first child and has the threshold NaN. A walk may so go on past its end, and several go in step without a
 * branch that depends on data. Its value is a float32, or with `vectorLeaf` an int32: where its vector starts in `leafVectors`.
 *
 * A node that tests for categories has the lane ~i; the test begins at `sets[i]`. So does one that sends a missing value left and
 * any other right, as `x < -Infinity` does: no threshold is above both infinities.
 */
export interface FlatForest {
  readonly trees: readonly Tree[];
  readonly numFeatures: number;
  readonly numOutputs: number;
  readonly vectorLeaf: boolean;
  readonly unknownIsMissing: boolean;
  readonly nodes: Int32Array;
  readonly floats: Float32Array;
  /** By tree: the offset of its root in `nodes`, its depth in steps, the output it adds to. */
  readonly roots: Int32Array;
  readonly depths: Int32Array;
  readonly outputs: Int32Array;
  /** By node: its index in its tree as given. */
  readonly ids: Int32Array;
  readonly leafVectors: Float32Array;
  /** Of each category test: the lane, offset and length of its bitset in `bits`, 1 if the second child is the right one. */
  readonly sets: Int32Array;
  readonly bits: Uint32Array;
  /** Memory for the lanes of rows; grows to what is needed. */
  lanes: Float32Array;
}

export function flatten(init: ForestInit): FlatForest {
  const flattener = new Flattener(init);
  for (let t = 0; t < init.trees.length; t++) flattener.add(t);
  return flattener.result();
}

class Flattener {
  readonly #trees: readonly Tree[];
  readonly #numFeatures: number;
  readonly #numOutputs: number;
  readonly #vectorLeaf: boolean;
  readonly #unknownIsMissing: boolean;

  readonly #nodes: Int32Array;
  readonly #floats: Float32Array;
  readonly #ids: Int32Array;
  readonly #roots: Int32Array;
  readonly #depths: Int32Array;
  readonly #outputs: Int32Array;
  readonly #leafVectors: Float32Array;
  readonly #sets: number[] = [];
  readonly #bitsets: Uint32Array[] = [];
  /** Nodes placed so far, and their leaf vectors and bitsets. */
  #end = 0;
  #leafVectorsEnd = 0;
  #bitsEnd = 0;

  constructor({ trees, numFeatures, numOutputs = 1, vectorLeaf = false, unknownCategory }: ForestInit) {
    checkCount('features', numFeatures, 0, MAX_FEATURES);
    checkCount('outputs', numOutputs, 1, MAX_OUTPUTS);
    for (const [t, tree] of trees.entries()) checkTree(tree, t, numOutputs, vectorLeaf);
    const numNodes = trees.reduce((sum, tree) => sum + tree.left.length, 0);
    checkCount('nodes', numNodes, 0, MAX_NODES);
    this.#trees = trees;
    this.#numFeatures = numFeatures;
    this.#numOutputs = numOutputs;
    this.#vectorLeaf = vectorLeaf;
    this.#unknownIsMissing = unknownCategory === 'missing';
    this.#nodes = new Int32Array(numNodes * STRIDE);
    this.#floats = new Float32Array(this.#nodes.buffer);
    this.#ids = new Int32Array(numNodes);
    this.#roots = new Int32Array(trees.length);
    this.#depths = new Int32Array(trees.length);
    this.#outputs = Int32Array.from(trees, (tree) => (vectorLeaf ? 0 : (tree.output ?? 0)));
    this.#leafVectors = new Float32Array(vectorLeaf ? numNodes * numOutputs : 0);
  }

  result(): FlatForest {
    const bits = new Uint32Array(this.#bitsEnd);
    let at = 0;
    for (const bitset of this.#bitsets) {
      bits.set(bitset, at);
      at += bitset.length;
    }
    return {
      trees: this.#trees,
      numFeatures: this.#numFeatures,
      numOutputs: this.#numOutputs,
      vectorLeaf: this.#vectorLeaf,
      unknownIsMissing: this.#unknownIsMissing,
      nodes: this.#nodes,
      floats: this.#floats,
      roots: this.#roots,
      depths: this.#depths,
      outputs: this.#outputs,
      ids: this.#ids,
      leafVectors: this.#leafVectors,
      sets: Int32Array.from(this.#sets),
      bits,
      lanes: new Float32Array(0),
    };
  }

  /** Adds a tree breadth first: `ids` is the queue, and a node's place in it is its place in the forest. */
  add(t: number): void {
    const tree = this.#trees[t]!;
    const seen = new Uint8Array(tree.left.length);
    this.#roots[t] = this.#end * STRIDE;
    let at = this.#end;
    this.#place(t, seen, 0, 0);
    for (let depth = 0; at < this.#end; depth++) {
      this.#depths[t] = depth;
      for (const levelEnd = this.#end; at < levelEnd; at++) {
        const node = this.#ids[at]!;
        if (tree.left[node]! < 0) this.#addLeaf(tree, node, at * STRIDE);
        else this.#addSplit(t, seen, node, at * STRIDE);
      }
    }
  }

  #place(t: number, seen: Uint8Array, node: number, parent: number): void {
    if (!(node >= 0 && node < seen.length) || !Number.isInteger(node)) {
      throw invalid(t, `node ${parent} has the child ${node}; the tree has ${seen.length} nodes`);
    }
    if (seen[node] !== 0) throw invalid(t, `node ${node} is reached twice, the second time from node ${parent}`);
    seen[node] = 1;
    this.#ids[this.#end++] = node;
  }

  #addLeaf(tree: Tree, node: number, word: number): void {
    const weight = f32(tree.weight ?? 1);
    this.#floats[word + 1] = NaN;
    this.#nodes[word + 2] = word;
    if (!this.#vectorLeaf) {
      this.#floats[word + 3] = f32(tree.value[node]!) * weight;
      return;
    }
    this.#nodes[word + 3] = this.#leafVectorsEnd;
    for (let k = node * this.#numOutputs; k < (node + 1) * this.#numOutputs; k++) {
      this.#leafVectors[this.#leafVectorsEnd++] = f32(tree.value[k]!) * weight;
    }
  }

  #addSplit(t: number, seen: Uint8Array, node: number, word: number): void {
    const tree = this.#trees[t]!;
    const feature = tree.feature[node]!;
    if (!(feature >= 0 && feature < this.#numFeatures) || !Number.isInteger(feature)) {
      throw invalid(t, `node ${node} splits on feature ${feature}; there are ${this.#numFeatures} features`);
    }
    const defaultLeft = tree.defaultLeft[node] !== 0;
    this.#nodes[word + 2] = this.#end * STRIDE;
    this.#place(t, seen, defaultLeft ? tree.left[node]! : tree.right[node]!, node);
    this.#place(t, seen, defaultLeft ? tree.right[node]! : tree.left[node]!, node);

    const categories = tree.categories?.get(node);
    const threshold = f32(tree.threshold[node]!);
    if (categories !== undefined) {
      this.#nodes[word] = ~this.#sets.length;
      this.#addSet(bitsetOf(categories, t, node), feature, defaultLeft);
    } else if (!defaultLeft) {
      this.#nodes[word] = feature * 2;
      this.#floats[word + 1] = threshold;
    } else if (threshold > -Infinity) {
      this.#nodes[word] = feature * 2 + 1;
      this.#floats[word + 1] = -below(threshold);
    } else {
      this.#nodes[word] = ~this.#sets.length;
      this.#sets.push(feature * 2, 0, ANY_VALUE, 1);
    }
  }

  #addSet(bitset: Uint32Array, feature: number, defaultLeft: boolean): void {
    this.#sets.push(feature * 2, this.#bitsEnd, bitset.length, Number(defaultLeft));
    this.#bitsets.push(bitset);
    this.#bitsEnd += bitset.length;
    checkCount('words of category sets', this.#bitsEnd, 0, MAX_CATEGORY_WORDS);
  }
}

function checkTree(tree: Tree, t: number, numOutputs: number, vectorLeaf: boolean): void {
  const count = tree.left.length;
  if (count === 0) throw invalid(t, 'it has no node');
  for (const name of ['right', 'feature', 'threshold', 'defaultLeft', 'cover'] as const) {
    const array = tree[name];
    if (array !== undefined && array.length !== count) {
      throw invalid(t, `\`${name}\` has ${array.length} elements, \`left\` has ${count}`);
    }
  }
  const values = vectorLeaf ? count * numOutputs : count;
  if (tree.value.length !== values)
    throw invalid(t, `\`value\` has ${tree.value.length} elements instead of ${values}`);
  const output = tree.output ?? 0;
  if (!(output >= 0 && output < numOutputs) || !Number.isInteger(output)) {
    throw invalid(t, `it adds to output ${output}; there are ${numOutputs} outputs`);
  }
}

function bitsetOf(categories: ArrayLike<number>, t: number, node: number): Uint32Array {
  let last = 0;
  for (let i = 0; i < categories.length; i++) {
    const category = categories[i]!;
    if (!(category >= 0 && category < MAX_CATEGORY) || !Number.isInteger(category)) {
      throw invalid(
        t,
        `node ${node} tests for the category ${category}; categories are whole numbers from 0 to 2^24 - 1`,
      );
    }
    if (category > last) last = category;
  }
  const set = new Uint32Array((last >>> 5) + 1);
  for (let i = 0; i < categories.length; i++) set[categories[i]! >>> 5]! |= 1 << (categories[i]! & 31);
  return set;
}

const scratch = new Float32Array(1);
const scratchBits = new Int32Array(scratch.buffer);

/** The greatest float32 below `value`, a float32 greater than -Infinity. */
function below(value: number): number {
  scratch[0] = value;
  const bits = scratchBits[0]!;
  if (value === 0) return -(2 ** -149);
  scratchBits[0] = bits > 0 ? bits - 1 : bits + 1;
  return scratch[0];
}

function checkCount(what: string, count: number, least: number, most: number): void {
  if (!Number.isInteger(count) || count < least) {
    throw new EkibenError(
      'EKIBEN_FOREST_INVALID',
      `a forest has a whole number of ${what} from ${least} on, not ${count}`,
    );
  }
  if (count > most) {
    throw new EkibenError('EKIBEN_FOREST_TOO_LARGE', `the forest has ${count} ${what}; at most ${most} are taken`);
  }
}

function invalid(tree: number, message: string): EkibenError {
  return new EkibenError('EKIBEN_FOREST_INVALID', `tree ${tree}: ${message}`, { details: { tree } });
}
