import { EkibenError } from '@ekiben/spec';
import type { Floats, Tensor } from '@ekiben/spec';
import { tensor } from '@ekiben/tensor';
import { Forest } from '@ekiben/trees';
import { decodeDocument, decodeJson, documentFormat } from './document.ts';
import { linearContributions, linearMargins } from './linear.ts';
import { readModel } from './model.ts';
import type { Model } from './model.ts';
import { largest, objectiveOf } from './objective.ts';
import type { Objective } from './objective.ts';
import { refuseInfinite, rowsOf } from './rows.ts';
import type { Rows } from './rows.ts';
import type { TreeBooster } from './tree-booster.ts';
import { encodeModel } from './ubjson-writer.ts';

export interface PredictOptions {
  /** Boosting rounds to use, half-open; an end of 0 means all. gblinear does not heed it. @default [0, 0] */
  readonly iterationRange?: readonly [begin: number, end: number] | undefined;
  /** A number that stands for a missing value, besides NaN. @default none */
  readonly missing?: number | undefined;
}

export interface InplaceOptions extends PredictOptions {
  /** @default 'value' */
  readonly predictType?: 'value' | 'margin' | undefined;
}

/**
 * A trained model, as Python's `xgboost.Booster` is one, with the same predictions to the last bit.
 *
 * Its methods take rows as a float32 or float64 tensor `[n, numFeatures]`. float64 is rounded to float32, NaN is a missing value,
 * a categorical feature has the category's number. Columns are in the order of training: names are not compared. All of them
 * throw EKIBEN_XGBOOST_INPUT for another dtype or shape and, `inplacePredict` aside, for infinite values, as XGBoost's DMatrix;
 * EKIBEN_XGBOOST_ITERATION_RANGE for rounds that the model has not.
 */
export class Booster {
  readonly numFeatures: number;
  /** Classes or targets, at least 1. */
  readonly numOutputs: number;
  /** Of a `multi:` objective, else 0. */
  readonly numClasses: number;
  /** Such as `binary:logistic`. */
  readonly objective: string;
  readonly booster: 'gbtree' | 'dart' | 'gblinear';
  /** Empty when the model was trained without names. */
  readonly featureNames: readonly string[];
  /** Such as `float`, `int`, `c` (categorical); empty when unknown. */
  readonly featureTypes: readonly string[];
  /** What was stored with the model, such as `best_iteration`. */
  readonly attributes: Readonly<Record<string, string>>;
  /** The round with the best score, found by early stopping. `predict` uses all rounds nevertheless, as Python's does. */
  readonly bestIteration: number | undefined;
  /** Of the XGBoost that wrote the model, such as `3.2.0`. */
  readonly version: string;

  readonly #model: Model;
  readonly #objective: Objective;
  /** One an output. */
  readonly #baseMargins: Float32Array;
  readonly #file: Uint8Array;
  #inplaceForest: Forest | undefined;

  /** @internal Use {@link loadBooster}. */
  constructor(model: Model, file: Uint8Array) {
    this.#model = model;
    this.#file = file;
    this.#objective = objectiveOf(model.objective);
    this.#baseMargins = model.baseScores.map((score) => this.#objective.toMargin(score));
    this.numFeatures = model.numFeatures;
    this.numOutputs = model.numOutputs;
    this.numClasses = model.numClasses;
    this.objective = model.objective;
    this.booster = model.booster.name;
    this.featureNames = model.featureNames;
    this.featureTypes = model.featureTypes;
    this.attributes = model.attributes;
    const best = Number(model.attributes['best_iteration'] ?? NaN);
    this.bestIteration = Number.isSafeInteger(best) ? best : undefined;
    this.version = model.version;
  }

  /** Predictions, `[n]`, or `[n, numOutputs]` if there are several outputs and the objective (`multi:softmax`) chooses none. */
  predict(rows: Floats, options: PredictOptions = {}): Tensor<'float32'> {
    const finite = this.#finite(rows, options);
    return this.#values(this.#margins(finite, options), finite.count);
  }

  /** What the trees sum to, before the objective's transformation: Python's `predict(…, output_margin=True)`. */
  predictMargin(rows: Floats, options: PredictOptions = {}): Tensor<'float32'> {
    const finite = this.#finite(rows, options);
    return this.#perOutput(this.#margins(finite, options), finite.count);
  }

  /**
   * What each feature adds to the margin (SHAP values), the bias last: Python's `predict(…, pred_contribs=True)`.
   * `[n, numFeatures + 1]`, or `[n, numOutputs, numFeatures + 1]` if there are several outputs.
   * @throws EKIBEN_FOREST_NO_CONTRIBUTIONS for trees with vector leaves
   */
  predContribs(rows: Floats, options: PredictOptions = {}): Tensor<'float32'> {
    const finite = this.#finite(rows, options);
    const columns = this.numFeatures + 1;
    const shape = this.numOutputs === 1 ? [finite.count, columns] : [finite.count, this.numOutputs, columns];
    return tensor(this.#contributions(finite, options), shape, 'float32');
  }

  /**
   * The leaf that each row reaches in each tree, by its number in the tree: Python's `predict(…, pred_leaf=True)`.
   * `[n, trees]`, or `[n]` if there is one tree.
   * @throws EKIBEN_XGBOOST_METHOD when the booster is gblinear
   */
  predLeaf(rows: Floats, options: PredictOptions = {}): Tensor<'float32'> {
    const { count, data } = this.#finite(rows, options);
    const { booster } = this.#model;
    if (booster.name === 'gblinear') throw new EkibenError('EKIBEN_XGBOOST_METHOD', 'a gblinear model has no leaves');
    const range = treesOf(booster, options);
    const trees = range.end - range.begin;
    const leaves = new Float32Array(booster.forest.leafNodes(data, range));
    return tensor(leaves, trees === 1 ? [count] : [count, trees], 'float32');
  }

  /**
   * As `predict`, the way Python's `inplace_predict` does it, which its scikit-learn classes use: infinite values are compared
   * like others, and with dart the sums are rounded otherwise, so that last bits may differ.
   * @throws EKIBEN_XGBOOST_METHOD when the booster is gblinear
   */
  inplacePredict(rows: Floats, options: InplaceOptions = {}): Tensor<'float32'> {
    const { booster } = this.#model;
    if (booster.name === 'gblinear') {
      throw new EkibenError('EKIBEN_XGBOOST_METHOD', 'a gblinear model does not predict in place; use predict');
    }
    const { count, data } = rowsOf(rows, this.numFeatures, options.missing);
    const forest = booster.name === 'dart' ? (this.#inplaceForest ??= this.#roundedForest(booster)) : booster.forest;
    const margins = this.#start(count);
    forest.addMargins(data, margins, treesOf(booster, options));
    return options.predictType === 'margin' ? this.#perOutput(margins, count) : this.#values(margins, count);
  }

  /** The model as a `.ubj` file: the one it was loaded from, or its translation from JSON. */
  toUbjson(): Uint8Array {
    return documentFormat(this.#file) === 'ubj' ? this.#file : encodeModel(decodeJson(this.#file));
  }

  #finite(rows: Floats, options: PredictOptions): Rows {
    const checked = rowsOf(rows, this.numFeatures, options.missing);
    refuseInfinite(checked);
    return checked;
  }

  #margins(rows: Rows, options: PredictOptions): Float32Array {
    const { booster } = this.#model;
    if (booster.name === 'gblinear') return linearMargins(booster, rows, this.#baseMargins);
    const margins = this.#start(rows.count);
    booster.forest.addMargins(rows.data, margins, treesOf(booster, options));
    return margins;
  }

  #contributions(rows: Rows, options: PredictOptions): Float32Array {
    const { booster } = this.#model;
    if (booster.name === 'gblinear') return linearContributions(booster, rows, this.#baseMargins);
    const contributions = booster.forest.contributions(rows.data, treesOf(booster, options));
    const columns = this.numFeatures + 1;
    for (let i = 0; i < rows.count; i++) {
      for (const [output, base] of this.#baseMargins.entries()) {
        const bias = (i * this.numOutputs + output) * columns + this.numFeatures;
        contributions[bias] = (contributions[bias] ?? 0) + base;
      }
    }
    return contributions;
  }

  /** The base margins of every row. */
  #start(count: number): Float32Array {
    const margins = new Float32Array(count * this.numOutputs);
    for (let at = 0; at < margins.length; at += this.numOutputs) margins.set(this.#baseMargins, at);
    return margins;
  }

  #values(margins: Float32Array, count: number): Tensor<'float32'> {
    if (this.#objective.argmax) return tensor(largest(margins, this.numOutputs), [count], 'float32');
    this.#objective.transform(margins, this.numOutputs);
    return this.#perOutput(margins, count);
  }

  #perOutput(values: Float32Array, count: number): Tensor<'float32'> {
    return tensor(values, this.numOutputs === 1 ? [count] : [count, this.numOutputs], 'float32');
  }

  /** In place, XGBoost adds each tree of dart to the base margin and takes that away again, rounding twice. */
  #roundedForest({ forest }: TreeBooster): Forest {
    const trees = forest.init.trees.map((tree) => {
      const base = this.#baseMargins[tree.output ?? 0] ?? 0;
      return { ...tree, value: Float32Array.from(tree.value, (leaf) => Math.fround(base + leaf) - base) };
    });
    return new Forest({ ...forest.init, trees });
  }
}

/** The trees of the rounds asked for. */
function treesOf({ rounds }: TreeBooster, options: PredictOptions): { readonly begin: number; readonly end: number } {
  const last = rounds.length - 1;
  const [first, limit] = options.iterationRange ?? [0, 0];
  const begin = rounds[first];
  const end = rounds[limit === 0 ? last : limit];
  if (begin !== undefined && end !== undefined && begin <= end) return { begin, end };
  throw new EkibenError(
    'EKIBEN_XGBOOST_ITERATION_RANGE',
    `the iteration range [${first}, ${limit}] is not within the model's ${last} rounds`,
  );
}

/**
 * Reads a model that `save_model` of XGBoost 1.6 to 3.2 wrote, `.ubj` or `.json`, as its first bytes tell.
 *
 * @throws EKIBEN_XGBOOST_FORMAT, EKIBEN_XGBOOST_UBJSON or EKIBEN_XGBOOST_JSON when the bytes are no such file;
 * EKIBEN_XGBOOST_MODEL_INVALID, EKIBEN_XGBOOST_OBJECTIVE, EKIBEN_FOREST_INVALID or EKIBEN_FOREST_TOO_LARGE for what is in it
 *
 * @example
 * const booster = loadBooster(await readFile('model.ubj'));
 * booster.predict(tensor(new Float32Array([5.1, 3.5, 1.4, 0.2]), [1, 4], 'float32'));
 */
export function loadBooster(file: Uint8Array): Booster {
  return new Booster(readModel(decodeDocument(file)), file);
}
