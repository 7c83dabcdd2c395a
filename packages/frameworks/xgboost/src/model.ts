// A model document, checked and turned into what prediction needs. Layout of the documents: XGBoost's doc/model.schema and the
// LoadModel functions of learner.cc, gbtree_model.cc, tree_model.cc, multi_target_tree_model.cc and gblinear_model.cc.
import { Forest, MAX_FEATURES, MAX_OUTPUTS } from '@ekiben/trees';
import type { Tree } from '@ekiben/trees';
import { Field } from './field.ts';
import type { Value } from './ubjson.ts';

export interface Model {
  /** Of the XGBoost that wrote it, such as `3.2.0`. */
  readonly version: string;
  readonly numFeatures: number;
  /** Classes or targets, at least 1. */
  readonly numOutputs: number;
  /** 0 unless the objective is one of several classes. */
  readonly numClasses: number;
  readonly objective: string;
  /** As written, before the objective's link; one an output. */
  readonly baseScores: Float32Array;
  readonly featureNames: readonly string[];
  readonly featureTypes: readonly string[];
  readonly attributes: Readonly<Record<string, string>>;
  readonly booster: TreeBooster | LinearBooster;
}

export interface TreeBooster {
  readonly name: 'gbtree' | 'dart';
  readonly forest: Forest;
  /** Where the trees of each boosting round begin, and behind the last where they end. */
  readonly rounds: Int32Array;
  /** By tree; of dart only. */
  readonly weights: Float32Array | undefined;
}

export interface LinearBooster {
  readonly name: 'gblinear';
  /** `[numFeatures + 1, numOutputs]`, the last row being the bias. */
  readonly weights: Float32Array;
}

/** @throws EKIBEN_XGBOOST_MODEL_INVALID naming the field; EKIBEN_FOREST_INVALID naming the tree */
export function readModel(document: Value): Model {
  const root = new Field(document, '');
  const learner = root.get('learner');
  const params = learner.get('learner_model_param');
  const numFeatures = count(params.get('num_feature'), MAX_FEATURES);
  const numClasses = count(params.get('num_class'), MAX_OUTPUTS);
  const targets = params.get('num_target');
  const numOutputs = Math.max(1, numClasses, targets.exists ? count(targets, MAX_OUTPUTS) : 1);
  return {
    version: root
      .get('version')
      .list()
      .map((part) => part.integer())
      .join('.'),
    numFeatures,
    numOutputs,
    numClasses,
    objective: learner.get('objective').get('name').string(),
    baseScores: readBaseScores(params.get('base_score'), numOutputs),
    featureNames: strings(learner.get('feature_names')),
    featureTypes: strings(learner.get('feature_types')),
    attributes: readAttributes(learner.get('attributes')),
    booster: readBooster(learner.get('gradient_booster'), numFeatures, numOutputs),
  };
}

function readBooster(field: Field, numFeatures: number, numOutputs: number): TreeBooster | LinearBooster {
  const name = field.get('name').string();
  if (name === 'gbtree') return { name, ...readTrees(field.get('model'), numFeatures, numOutputs), weights: undefined };
  if (name === 'dart') {
    const weights = field.get('weight_drop').floats();
    const trees = readTrees(field.get('gbtree').get('model'), numFeatures, numOutputs, weights);
    return { name, ...trees, weights };
  }
  if (name === 'gblinear') {
    const weights = field.get('model').get('weights');
    const expected = (numFeatures + 1) * numOutputs;
    if (weights.floats().length !== expected) throw weights.fault(`an array of ${expected} numbers`);
    return { name, weights: weights.floats() };
  }
  throw field.get('name').fault("'gbtree', 'dart' or 'gblinear'");
}

function readTrees(model: Field, numFeatures: number, numOutputs: number, weights?: Float32Array) {
  const list = model.get('trees').list();
  const outputs = model.get('tree_info').integers();
  if (outputs.length !== list.length) throw model.get('tree_info').fault(`an array of ${list.length} integers`);
  if (weights !== undefined && weights.length !== list.length) {
    throw model.fault(`as long as \`weight_drop\`, which has ${weights.length} elements for ${list.length} trees`);
  }
  const trees = new Array<Tree | undefined>(list.length);
  let vectorLeaf = false;
  for (const [i, field] of list.entries()) {
    const idField = field.get('id');
    const id = idField.exists ? idField.integer() : i;
    if (!(id >= 0 && id < list.length) || trees[id] !== undefined) {
      throw idField.fault(`a number of its own below ${list.length}`);
    }
    const leafSize = field.get('tree_param').get('size_leaf_vector');
    const isVector = leafSize.exists && leafSize.integer() > 1;
    if (isVector && leafSize.integer() !== numOutputs) throw leafSize.fault(`the number of outputs, ${numOutputs}`);
    if (i > 0 && isVector !== vectorLeaf) throw leafSize.fault('the same in all trees');
    vectorLeaf = isVector;
    trees[id] = {
      ...readTree(field, isVector ? numOutputs : 1),
      output: isVector ? 0 : outputs[id]!,
      weight: weights?.[id],
    };
  }
  const forest = new Forest({ numFeatures, numOutputs, vectorLeaf, trees: trees as Tree[] });
  return { forest, rounds: readRounds(model, list.length, outputs) };
}

function readTree(field: Field, leafSize: number): Tree {
  const left = field.get('left_children').integers();
  const right = field.get('right_children').integers();
  const threshold = field.get('split_conditions').floats();
  return {
    left,
    right,
    threshold,
    feature: field.get('split_indices').integers(),
    defaultLeft: field.get('default_left').numbers(),
    cover: field.get('sum_hessian').floats(),
    // A scalar leaf keeps its value where a split keeps its threshold.
    value: leafSize === 1 ? threshold : readLeafVectors(field, left, right, leafSize),
    categories: readCategories(field),
  };
}

/** From 3.2 on, leaves have their vectors in an array of their own and say which in `right_children`; before, nodes have them. */
function readLeafVectors(field: Field, left: Int32Array, right: Int32Array, size: number): Float32Array {
  const ofLeaves = field.get('leaf_weights');
  if (!ofLeaves.exists) return field.get('base_weights').floats();
  const vectors = ofLeaves.floats();
  const values = new Float32Array(left.length * size);
  for (let node = 0; node < left.length; node++) {
    if (left[node]! >= 0) continue;
    const leaf = right[node] ?? -1;
    if (!(leaf >= 0 && (leaf + 1) * size <= vectors.length))
      throw ofLeaves.fault(`long enough for leaf ${leaf} of node ${node}`);
    values.set(vectors.subarray(leaf * size, (leaf + 1) * size), node * size);
  }
  return values;
}

/** The categories that go right at each node that tests for some. */
function readCategories(field: Field): Map<number, ArrayLike<number>> | undefined {
  const types = field.get('split_type');
  if (!types.exists) return undefined;
  const categories = new Map<number, ArrayLike<number>>();
  const splitTypes = types.numbers();
  for (let node = 0; node < splitTypes.length; node++) {
    if (splitTypes[node] === 1) categories.set(node, []);
  }
  const nodes = field.get('categories_nodes').integers();
  const begins = field.get('categories_segments').numbers();
  const sizes = field.get('categories_sizes').numbers();
  const all = field.get('categories').integers();
  if (begins.length !== nodes.length || sizes.length !== nodes.length) {
    throw field.get('categories_nodes').fault('as long as categories_segments and categories_sizes');
  }
  for (const [i, node] of nodes.entries()) {
    const end = begins[i]! + sizes[i]!;
    if (!(begins[i]! >= 0 && sizes[i]! >= 0 && end <= all.length)) {
      throw field.get('categories_segments').fault(`within the ${all.length} categories`);
    }
    if (categories.has(node)) categories.set(node, all.subarray(begins[i], end));
  }
  return categories.size === 0 ? undefined : categories;
}

/** Models before 1.? have no `iteration_indptr`: every round then has as many trees. */
function readRounds(model: Field, numTrees: number, outputs: Int32Array): Int32Array {
  const given = model.get('iteration_indptr');
  if (given.exists) {
    const rounds = given.integers();
    const rising = rounds.every((begin, i) => begin >= (i === 0 ? 0 : rounds[i - 1]!));
    if (!rising || rounds[0] !== 0 || rounds.at(-1) !== numTrees) throw given.fault(`rising from 0 to ${numTrees}`);
    return rounds;
  }
  const parallel = model.get('gbtree_model_param').get('num_parallel_tree');
  const groups = outputs.reduce((most, output) => Math.max(most, output + 1), 1);
  const perRound = Math.max(1, parallel.exists ? parallel.integer() : 1) * groups;
  return Int32Array.from({ length: Math.floor(numTrees / perRound) + 1 }, (_, round) => round * perRound);
}

/** One number before XGBoost 3.1, such as `5E-1`; a list since, such as `[5E-1]`. */
function readBaseScores(field: Field, numOutputs: number): Float32Array {
  const parts = field
    .string()
    .replace(/^\[(.*)\]$/s, '$1')
    .split(',');
  const scores = Float32Array.from(parts, (part) => (part.trim() === '' ? NaN : Number(part)));
  if (scores.some((score) => !Number.isFinite(score))) throw field.fault('a number or a list of numbers');
  if (scores.length === numOutputs) return scores;
  if (scores.length !== 1) throw field.fault(`a list of ${numOutputs} numbers`);
  return new Float32Array(numOutputs).fill(scores[0]!);
}

function readAttributes(field: Field): Readonly<Record<string, string>> {
  if (!field.exists) return {};
  const value = field.value;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw field.fault('an object');
  return Object.fromEntries(Object.keys(value).map((key) => [key, field.get(key).string()]));
}

function strings(field: Field): string[] {
  return field.exists ? field.list().map((element) => element.string()) : [];
}

function count(field: Field, limit: number): number {
  const value = field.integer();
  if (value >= 0 && value <= limit) return value;
  throw field.fault(`a whole number up to ${limit}`);
}
