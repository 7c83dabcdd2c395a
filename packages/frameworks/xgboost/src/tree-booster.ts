// The trees of gbtree and dart: gbtree_model.cc, tree_model.cc and multi_target_tree_model.cc of XGBoost.
import { Forest } from '@ekiben/trees';
import type { Tree } from '@ekiben/trees';
import type { Field } from './field.ts';

export interface TreeBooster {
  readonly name: 'gbtree' | 'dart';
  readonly forest: Forest;
  /** The tree with which each boosting round begins, and at last the number of trees. */
  readonly rounds: Int32Array;
}

/** What a booster takes from the document around it. */
export interface Dimensions {
  readonly version: string;
  readonly numFeatures: number;
  readonly numOutputs: number;
}

/**
 * Reads the `model` of a tree booster.
 * @param dartWeights - `weight_drop` of dart: a factor for each tree
 */
export function readTrees(model: Field, dimensions: Dimensions, dartWeights?: Field): Omit<TreeBooster, 'name'> {
  const { version, numFeatures, numOutputs } = dimensions;
  const fields = byId(model.get('trees'));
  const outputs = model.get('tree_info').ofLength(fields.length).integers();
  const weights = dartWeights?.ofLength(fields.length).floats();
  const leafSizes = new Set(fields.map((field) => readLeafSize(field, numOutputs)));
  if (leafSizes.size > 1) throw model.get('trees').fault('trees with the same size_leaf_vector');
  const vectorLeaf = [...leafSizes].some((size) => size > 1);
  const trees = fields.map((field, i) => ({
    ...readTree(field, vectorLeaf ? numOutputs : 1),
    output: vectorLeaf ? 0 : outputs[i],
    weight: weights?.[i],
  }));
  const unknownCategory = version.startsWith('1.6.') ? 'missing' : 'left'; // common/categorical.h, Decision
  const forest = new Forest({ numFeatures, numOutputs, vectorLeaf, unknownCategory, trees });
  return { forest, rounds: readRounds(model, trees.length, outputs) };
}

/** The trees in the order of their ids, which is that of the sums. */
function byId(list: Field): Field[] {
  const trees = new Map(list.list().map((tree) => [tree.get('id').integer(), tree] as const));
  return list.list().map((_, id) => {
    const tree = trees.get(id);
    if (tree === undefined) throw list.fault(`trees with the ids from 0 on, and none has ${id}`);
    return tree;
  });
}

/** 1 when each output has trees of its own, else the number of outputs. */
function readLeafSize(tree: Field, numOutputs: number): number {
  const field = tree.get('tree_param').get('size_leaf_vector');
  const size = field.exists ? Math.max(1, field.integer()) : 1; // some versions write 0 for 1
  if (size !== 1 && size !== numOutputs) throw field.fault(`1 or the number of outputs, ${numOutputs}`);
  return size;
}

function readTree(field: Field, leafSize: number): Tree {
  const left = field.get('left_children').integers();
  const threshold = field.get('split_conditions').floats();
  const cover = field.get('sum_hessian');
  return {
    left,
    right: field.get('right_children').integers(),
    feature: field.get('split_indices').integers(),
    threshold,
    defaultLeft: field.get('default_left').numbers(),
    // A scalar leaf keeps its value where a split keeps its threshold.
    value: leafSize === 1 ? threshold : readLeafVectors(field, left, leafSize),
    categories: readCategories(field),
    cover: cover.exists ? cover.floats() : undefined, // vector trees have it since 3.2
  };
}

/** Since 3.2, vectors are by leaf, and `right_children` says which leaf a node is; before, they were by node. */
function readLeafVectors(field: Field, left: Int32Array, size: number): Float32Array {
  const byLeaf = field.get('leaf_weights');
  if (!byLeaf.exists) return field.get('base_weights').floats();
  const vectors = byLeaf.floats();
  // Of n nodes, (n + 1) / 2 are leaves; a file of a few bytes shall not ask for more than it holds.
  if (left.length * size > 2 * vectors.length) throw byLeaf.fault(`long enough for the leaves of ${left.length} nodes`);
  const values = new Float32Array(left.length * size);
  for (const [node, leaf] of field.get('right_children').integers().entries()) {
    const isLeaf = (left[node] ?? 0) < 0;
    if (!isLeaf) continue;
    if (leaf < 0 || (leaf + 1) * size > vectors.length) throw byLeaf.fault(`long enough for leaf ${leaf}`);
    values.set(vectors.subarray(leaf * size, (leaf + 1) * size), node * size);
  }
  return values;
}

/** By node that tests for categories: those that go right. */
function readCategories(field: Field): Map<number, Int32Array> | undefined {
  const types = field.get('split_type');
  if (!types.exists) return undefined;
  const sets = new Map<number, Int32Array>();
  for (const [node, type] of types.numbers().entries()) {
    if (type === 1) sets.set(node, new Int32Array());
  }
  const nodes = field.get('categories_nodes').integers();
  const begins = field.get('categories_segments').ofLength(nodes.length).integers();
  const sizes = field.get('categories_sizes').ofLength(nodes.length).integers();
  const categories = field.get('categories').integers();
  for (const [i, node] of nodes.entries()) {
    const begin = begins[i] ?? -1;
    const end = begin + (sizes[i] ?? -1);
    if (begin < 0 || end < begin || end > categories.length) {
      throw field.get('categories_segments').fault(`parts of the ${categories.length} categories`);
    }
    if (sets.has(node)) sets.set(node, categories.subarray(begin, end));
  }
  return sets.size === 0 ? undefined : sets;
}

/** Models from before 2.0 have no `iteration_indptr`: there, all rounds have as many trees. */
function readRounds(model: Field, numTrees: number, outputs: Int32Array): Int32Array {
  const field = model.get('iteration_indptr');
  if (field.exists) {
    const rounds = field.integers();
    const rises = rounds.every((begin, i) => begin >= (rounds[i - 1] ?? 0));
    if (!rises || rounds[0] !== 0 || rounds.at(-1) !== numTrees) throw field.fault(`rising from 0 to ${numTrees}`);
    return rounds;
  }
  const parallel = Math.max(1, model.get('gbtree_model_param').get('num_parallel_tree').integer());
  const perRound = parallel * outputs.reduce((groups, output) => Math.max(groups, output + 1), 1);
  return Int32Array.from({ length: Math.floor(numTrees / perRound) + 1 }, (_, round) => round * perRound);
}
