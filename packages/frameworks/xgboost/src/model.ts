// A model document, checked and turned into what prediction needs. The documents are described by XGBoost's doc/model.schema and
// the LoadModel functions of learner.cc, gbtree.cc and gblinear_model.cc.
import { MAX_FEATURES, MAX_OUTPUTS } from '@ekiben/trees';
import { Field } from './field.ts';
import type { LinearBooster } from './linear.ts';
import { readTrees } from './tree-booster.ts';
import type { Dimensions, TreeBooster } from './tree-booster.ts';
import type { Value } from './ubjson.ts';

export interface Model {
  /** Of the XGBoost that wrote it, such as `3.2.0`. */
  readonly version: string;
  readonly numFeatures: number;
  /** Classes or targets, at least 1. */
  readonly numOutputs: number;
  /** 0 unless the objective is `multi:…`. */
  readonly numClasses: number;
  readonly objective: string;
  /** One an output, before the objective's link. */
  readonly baseScores: Float32Array;
  readonly featureNames: readonly string[];
  readonly featureTypes: readonly string[];
  readonly attributes: Readonly<Record<string, string>>;
  readonly booster: TreeBooster | LinearBooster;
}

/** @throws EKIBEN_XGBOOST_MODEL_INVALID naming the field; EKIBEN_FOREST_INVALID, EKIBEN_FOREST_TOO_LARGE naming the tree */
export function readModel(document: Value): Model {
  const root = new Field(document, '');
  const version = root.get('version').integers().join('.');
  const learner = root.get('learner');
  const params = learner.get('learner_model_param');
  const numFeatures = readCount(params.get('num_feature'), MAX_FEATURES);
  const numClasses = readCount(params.get('num_class'), MAX_OUTPUTS);
  const targets = params.get('num_target'); // since 1.6
  const numOutputs = Math.max(1, numClasses, targets.exists ? readCount(targets, MAX_OUTPUTS) : 1);
  const attributes = learner.get('attributes');
  return {
    version,
    numFeatures,
    numOutputs,
    numClasses,
    objective: learner.get('objective').get('name').string(),
    baseScores: readBaseScores(params.get('base_score'), numOutputs),
    featureNames: readStrings(learner.get('feature_names')),
    featureTypes: readStrings(learner.get('feature_types')),
    attributes: Object.fromEntries(attributes.keys().map((key) => [key, attributes.get(key).string()])),
    booster: readBooster(learner.get('gradient_booster'), { version, numFeatures, numOutputs }),
  };
}

function readBooster(field: Field, dimensions: Dimensions): TreeBooster | LinearBooster {
  const name = field.get('name').string();
  if (name === 'gbtree') return { name, ...readTrees(field.get('model'), dimensions) };
  if (name === 'dart') {
    return { name, ...readTrees(field.get('gbtree').get('model'), dimensions, field.get('weight_drop')) };
  }
  if (name === 'gblinear') {
    const length = (dimensions.numFeatures + 1) * dimensions.numOutputs;
    return { name, weights: field.get('model').get('weights').ofLength(length).floats() };
  }
  throw field.get('name').fault(`'gbtree', 'dart' or 'gblinear'`);
}

/** A number such as `5E-1`; since 3.1 a list such as `[5E-1]`. */
function readBaseScores(field: Field, numOutputs: number): Float32Array {
  const [, list] = /^\[?([^\]]*)\]?$/.exec(field.string()) ?? [];
  const scores = Float32Array.from((list ?? '').split(','), (number) => (number.trim() === '' ? NaN : Number(number)));
  if (!scores.every(Number.isFinite)) throw field.fault('a number or a list of numbers');
  const [first = 0] = scores;
  if (scores.length !== 1 && scores.length !== numOutputs) throw field.fault(`a list of ${numOutputs} numbers`);
  return scores.length === numOutputs ? scores : new Float32Array(numOutputs).fill(first);
}

function readStrings(field: Field): string[] {
  return field.exists ? field.list().map((element) => element.string()) : [];
}

function readCount(field: Field, limit: number): number {
  const count = field.integer();
  if (count < 0 || count > limit) throw field.fault(`a whole number up to ${limit}`);
  return count;
}
