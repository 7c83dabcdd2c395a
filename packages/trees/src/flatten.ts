// Checks trees and lays them out as forest.ts draws it. Nothing behind this reads an index that was not checked here.
import { EkibenError } from '@ekiben/spec';
import type { ForestInit, Tree } from './forest.ts';
import { MAX_CATEGORY, MAX_CATEGORY_WORDS, MAX_FEATURES, MAX_NODES, MAX_OUTPUTS } from './limits.ts';

/** Words of a node. */
export const STRIDE = 4;

export interface FlatForest {
  readonly nodes: Int32Array<ArrayBuffer>;
  readonly roots: Int32Array;
  readonly depths: Int32Array;
  readonly outputs: Int32Array;
  readonly ids: Int32Array;
  readonly leafVectors: Float32Array;
  readonly sets: Int32Array;
  readonly bits: Uint32Array;
}

export function flatten(init: ForestInit): FlatForest {
  const { trees, numFeatures, numOutputs = 1, vectorLeaf = false } = init;
  checkCount('features', numFeatures, MAX_FEATURES);
  checkCount('outputs', numOutputs, MAX_OUTPUTS);
  const numNodes = trees.reduce((sum, tree) => sum + tree.left.length, 0);
  if (numNodes > MAX_NODES) throw tooLarge(`${numNodes} nodes`, MAX_NODES);

  const nodes = new Int32Array(numNodes * STRIDE);
  const floats = new Float32Array(nodes.buffer);
  const ids = new Int32Array(numNodes);
  const roots = new Int32Array(trees.length);
  const depths = new Int32Array(trees.length);
  const outputs = new Int32Array(trees.length);
  const leafVectors: number[] = [];
  const sets: number[] = [];
  const bits: number[] = [];

  let offset = 0; // in nodes
  for (const [t, tree] of trees.entries()) {
    checkTree(tree, t, numOutputs, vectorLeaf);
    roots[t] = offset * STRIDE;
    outputs[t] = vectorLeaf ? 0 : (tree.output ?? 0);
    const count = tree.left.length;
    const seen = new Uint8Array(count);
    const weight = Math.fround(tree.weight ?? 1);
    // Breadth first: `ids` from `offset` on is the queue, and a node's place in it is its place in the forest.
    let end = offset;
    let depth = 0;
    let levelEnd = offset + 1;
    const place = (node: number, parent: number): void => {
      if (!(node >= 0 && node < count) || !Number.isInteger(node)) {
        throw invalid(t, `node ${parent} has the child ${node}; the tree has ${count} nodes`);
      }
      if (seen[node] !== 0) throw invalid(t, `node ${node} is reached twice, the second time from node ${parent}`);
      seen[node] = 1;
      ids[end++] = node;
    };
    place(0, 0);
    for (let at = offset; at < end; at++) {
      if (at === levelEnd) {
        depth++;
        levelEnd = end;
      }
      const node = ids[at]!;
      const word = at * STRIDE;
      if (tree.left[node]! < 0) {
        nodes[word] = 0;
        floats[word + 1] = NaN;
        nodes[word + 2] = word;
        if (vectorLeaf) {
          nodes[word + 3] = leafVectors.length;
          for (let k = 0; k < numOutputs; k++)
            leafVectors.push(Math.fround(tree.value[node * numOutputs + k]!) * weight);
        } else {
          floats[word + 3] = Math.fround(tree.value[node]!) * weight;
        }
        continue;
      }
      const feature = tree.feature[node]!;
      if (!(feature >= 0 && feature < numFeatures) || !Number.isInteger(feature)) {
        throw invalid(t, `node ${node} splits on feature ${feature}; there are ${numFeatures} features`);
      }
      const defaultLeft = tree.defaultLeft[node] !== 0;
      nodes[word + 2] = end * STRIDE;
      place(defaultLeft ? tree.left[node]! : tree.right[node]!, node);
      place(defaultLeft ? tree.right[node]! : tree.left[node]!, node);
      const categories = tree.categories?.get(node);
      if (categories !== undefined) {
        nodes[word] = ~sets.length;
        const set = bitset(categories, t, node);
        if (bits.length + set.length > MAX_CATEGORY_WORDS) throw tooLarge('category sets', MAX_CATEGORY_WORDS);
        sets.push(feature * 2, bits.length, set.length, defaultLeft ? 1 : 0);
        for (const word of set) bits.push(word);
      } else if (defaultLeft) {
        nodes[word] = feature * 2 + 1;
        floats[word + 1] = -below(tree.threshold[node]!);
      } else {
        nodes[word] = feature * 2;
        floats[word + 1] = tree.threshold[node]!;
      }
    }
    depths[t] = depth;
    offset = end;
  }
  return {
    nodes,
    ids,
    roots,
    depths,
    outputs,
    leafVectors: Float32Array.from(leafVectors),
    sets: Int32Array.from(sets),
    bits: Uint32Array.from(bits),
  };
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

function bitset(categories: ArrayLike<number>, t: number, node: number): Uint32Array {
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

/** The greatest float32 below `value`; -Infinity for itself and for NaN, which no value is below either. */
function below(value: number): number {
  scratch[0] = value;
  const bits = scratchBits[0]!;
  if (Number.isNaN(scratch[0]) || scratch[0] === -Infinity) return -Infinity;
  if (scratch[0] === 0) return -(2 ** -149);
  scratchBits[0] = bits > 0 ? bits - 1 : bits + 1;
  return scratch[0];
}

function checkCount(what: string, count: number, limit: number): void {
  if (!Number.isInteger(count) || count < 0 || (what === 'outputs' && count === 0)) {
    throw new EkibenError('EKIBEN_FOREST_INVALID', `a forest with ${count} ${what}; it takes a whole number of them`);
  }
  if (count > limit) throw tooLarge(`${count} ${what}`, limit);
}

function invalid(tree: number, message: string): EkibenError {
  return new EkibenError('EKIBEN_FOREST_INVALID', `tree ${tree}: ${message}`, { details: { tree } });
}

function tooLarge(what: string, limit: number): EkibenError {
  return new EkibenError('EKIBEN_FOREST_TOO_LARGE', `the forest has too many of something: ${what}; at most ${limit}`);
}
