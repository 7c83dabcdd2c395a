import { EkibenError } from '@ekiben/spec';
import type { Floats, Tensor } from '@ekiben/spec';
import { tensor } from '@ekiben/tensor';
import { Forest } from '@ekiben/trees';
import { decodeDocument, modelFormat } from './document.ts';
import { linearContributions, linearMargins } from './linear.ts';
import { readModel } from './model.ts';
import type { Model, TreeBooster } from './model.ts';
import { largest, objectiveOf } from './objective.ts';
import type { Objective } from './objective.ts';

export interface PredictOptions {
  /** Boosting rounds to use, half-open; an end of 0 means all. @default [0, 0] */
  readonly iterationRange?: readonly [begin: number, end: number] | undefined;
}

export interface InplaceOptions extends PredictOptions {
  /** A number that stands for a missing value, besides NaN. @default none */
  readonly missing?: number | undefined;
  /** @default 'value' */
  readonly predictType?: 'value' | 'margin' | undefined;
}

/**
 * A trained model, as `xgboost.Booster` is one. It predicts what XGBoost does, bit for bit.
 *
 * Every method takes rows as a float32 or float64 tensor `[n, numFeatures]`; float64 is rounded to float32, NaN is missing, and
 * columns are taken in the order of training (names are not compared).
 *
 * @throws EKIBEN_XGBOOST_INPUT from each of them when the rows have another dtype or shape, or an infinite value (as
 * XGBoost's DMatrix refuses it)
 */
export class Booster {
  readonly numFeatures: number;
  /** Classes or targets, at least 1. */
  readonly numOutputs: number;
  /** Of the objective, 0 where it knows no classes (one of two is such). */
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
  /** The round at which early stopping found the best score. `predict` uses all rounds nevertheless, as Python's does. */
  readonly bestIteration: number | undefined;
  /** Of the XGBoost that wrote the model, such as `3.2.0`. */
  readonly version: string;

  readonly #model: Model;
  readonly #objective: Objective;
  readonly #baseMargins: Float32Array;
  readonly #source: Uint8Array;
  #inplaceForest: Forest | undefined;

  /** @internal Use {@link loadBooster}. */
  constructor(model: Model, source: Uint8Array) {
    this.#model = model;
    this.#source = source;
    this.#objective = objectiveOf(model.objective);
    this.#baseMargins = model.baseScores.map(this.#objective.toMargin);
    this.numFeatures = model.numFeatures;
    this.numOutputs = model.numOutputs;
    this.numClasses = model.numClasses;
    this.objective = model.objective;
    this.booster = model.booster.name;
    this.featureNames = model.featureNames;
    this.featureTypes = model.featureTypes;
    this.attributes = model.attributes;
    const best = Number(model.attributes['best_iteration'] ?? NaN);
    this.bestIteration = Number.isSafeInteger(best) && best >= 0 ? best : undefined;
    this.version = model.version;
  }

  /** Predictions: `[n]`, or `[n, numOutputs]` when there are several outputs and the objective does not choose one. */
  predict(rows: Floats, options: PredictOptions = {}): Tensor<'float32'> {
    return this.#values(this.#margins(rows, options), rows);
  }

  /**
   * Python's `inplace_predict`, which its scikit-learn classes use: it takes infinite values, and with dart it rounds otherwise
   * than `predict` (the last bits may differ).
   */
  inplacePredict(rows: Floats, options: InplaceOptions = {}): Tensor<'float32'> {
    const margins = this.#inplaceMargins(rows, options);
    return options.predictType === 'margin' ? this.#perOutput(margins, rows) : this.#values(margins, rows);
  }

  #values(margins: Float32Array, rows: Floats): Tensor<'float32'> {
    if (this.#objective.argmax) return tensor(largest(margins, this.numOutputs), [rows.shape[0]!], 'float32');
    this.#objective.transform(margins, this.numOutputs);
    return this.#perOutput(margins, rows);
  }

  /** What the trees sum to, before the objective's transformation: Python's `predict(…, output_margin=True)`. */
  predictMargin(rows: Floats, options: PredictOptions = {}): Tensor<'float32'> {
    return this.#perOutput(this.#margins(rows, options), rows);
  }

  /**
   * What each feature adds to the margin, the bias last: Python's `predict(…, pred_contribs=True)`. `[n, numFeatures + 1]`, or
   * `[n, numOutputs, numFeatures + 1]` when there are several outputs.
   * @throws EKIBEN_FOREST_NO_CONTRIBUTIONS for trees with vector leaves
   */
  predContribs(rows: Floats, options: PredictOptions = {}): Tensor<'float32'> {
    const data = this.#check(rows);
    const { booster, numFeatures, numOutputs } = this.#model;
    const columns = numFeatures + 1;
    let contributions: Float32Array;
    if (booster.name === 'gblinear') {
      contributions = linearContributions(booster.weights, data, numFeatures, numOutputs, this.#baseMargins);
    } else {
      contributions = booster.forest.contributions(data, this.#trees(options));
      for (let i = numFeatures, k = 0; i < contributions.length; i += columns, k++) {
        contributions[i]! += this.#baseMargins[k % numOutputs]!;
      }
    }
    const shape = numOutputs === 1 ? [rows.shape[0]!, columns] : [rows.shape[0]!, numOutputs, columns];
    return tensor(contributions, shape, 'float32');
  }

  /**
   * The leaf each row reaches in each tree, `[n, trees]` (`[n]` for one tree): Python's `predict(…, pred_leaf=True)`.
   * @throws EKIBEN_XGBOOST_METHOD when the booster has no trees
   */
  predLeaf(rows: Floats, options: PredictOptions = {}): Tensor<'float32'> {
    const data = this.#check(rows);
    const { booster } = this.#model;
    if (booster.name === 'gblinear') throw new EkibenError('EKIBEN_XGBOOST_METHOD', 'a gblinear model has no leaves');
    const range = this.#trees(options);
    const trees = range.end - range.begin;
    const leaves = Float32Array.from(booster.forest.leafNodes(data, range));
    return tensor(leaves, trees === 1 ? [rows.shape[0]!] : [rows.shape[0]!, trees], 'float32');
  }

  /** The model file as XGBoost reads it: the bytes it was loaded from where those were UBJSON. */
  toUbjson(): Uint8Array {
    return this.#source;
  }

  #margins(rows: Floats, options: PredictOptions): Float32Array {
    const data = this.#check(rows);
    const { booster, numFeatures, numOutputs } = this.#model;
    if (booster.name === 'gblinear')
      return linearMargins(booster.weights, data, numFeatures, numOutputs, this.#baseMargins);
    const margins = this.#start(rows.shape[0]!);
    booster.forest.addMargins(data, margins, this.#trees(options));
    return margins;
  }

  #inplaceMargins(rows: Floats, options: InplaceOptions): Float32Array {
    let data = this.#checkShape(rows);
    const missing = options.missing;
    if (missing !== undefined) data = data.map((x) => (Math.fround(x) === Math.fround(missing) ? NaN : x));
    const { booster } = this.#model;
    if (booster.name === 'gblinear')
      throw new EkibenError('EKIBEN_XGBOOST_METHOD', 'a gblinear model cannot predict in place');
    const margins = this.#start(rows.shape[0]!);
    const forest =
      booster.name === 'dart' ? (this.#inplaceForest ??= inplaceForest(booster, this.#baseMargins)) : booster.forest;
    forest.addMargins(data, margins, this.#trees(options));
    return margins;
  }

  #start(numRows: number): Float32Array {
    const margins = new Float32Array(numRows * this.numOutputs);
    for (let i = 0; i < margins.length; i++) margins[i] = this.#baseMargins[i % this.numOutputs]!;
    return margins;
  }

  #perOutput(values: Float32Array, rows: Floats): Tensor<'float32'> {
    return tensor(values, this.numOutputs === 1 ? [rows.shape[0]!] : [rows.shape[0]!, this.numOutputs], 'float32');
  }

  /** The trees of the rounds asked for. */
  #trees(options: PredictOptions): { readonly begin: number; readonly end: number } {
    const booster = this.#model.booster;
    const rounds = booster.name === 'gblinear' ? new Int32Array(1) : booster.rounds;
    const last = rounds.length - 1;
    const [begin, end] = options.iterationRange ?? [0, 0];
    const to = end === 0 ? last : end;
    if (!Number.isInteger(begin) || !Number.isInteger(to) || begin < 0 || begin > to || to > last) {
      throw new EkibenError('EKIBEN_XGBOOST_ITERATION_RANGE', `no rounds ${begin} to ${end}: the model has ${last}`);
    }
    return { begin: rounds[begin]!, end: rounds[to]! };
  }

  #check(rows: Floats): Float32Array | Float64Array {
    const data = this.#checkShape(rows);
    for (let i = 0; i < data.length; i++) {
      const x = Math.fround(data[i]!);
      if (x === Infinity || x === -Infinity) {
        throw inputFault(
          `${data[i]} in row ${Math.floor(i / this.numFeatures)} is infinite in float32; NaN stands for missing`,
        );
      }
    }
    return data;
  }

  #checkShape(rows: Floats): Float32Array | Float64Array {
    const { dtype, shape, data } = rows;
    if (dtype !== 'float32' && dtype !== 'float64') {
      throw inputFault(`rows are float32 or float64, not ${String(dtype)}`);
    }
    if (shape.length !== 2 || shape[1] !== this.numFeatures) {
      const hint = shape.length === 1 ? '; one row is [1, n]' : '';
      throw inputFault(`rows have the shape [n, ${this.numFeatures}], not [${shape.join(', ')}]${hint}`);
    }
    return data;
  }
}

/**
 * Reads a model that `Booster.save_model` of XGBoost 1.6 to 3.2 wrote, `.ubj` or `.json`, whichever the bytes say.
 *
 * @throws EKIBEN_XGBOOST_FORMAT for other bytes; EKIBEN_XGBOOST_UBJSON, EKIBEN_XGBOOST_JSON for broken ones;
 * EKIBEN_XGBOOST_MODEL_INVALID, EKIBEN_XGBOOST_OBJECTIVE, EKIBEN_FOREST_INVALID, EKIBEN_FOREST_TOO_LARGE for what they hold
 *
 * @example
 * const booster = loadBooster(await readFile('model.ubj'));
 * booster.predict(tensor(new Float32Array([5.1, 3.5, 1.4, 0.2]), [1, 4], 'float32'));
 */
export function loadBooster(bytes: Uint8Array): Booster {
  modelFormat(bytes);
  return new Booster(readModel(decodeDocument(bytes)), bytes);
}

/** In place, XGBoost adds each tree of dart to the base margin and takes that away again, both rounded, before it weighs it. */
function inplaceForest(booster: TreeBooster, baseMargins: Float32Array): Forest {
  const { forest } = booster;
  const trees = forest.trees.map((tree) => {
    const base = baseMargins[tree.output ?? 0]!;
    return { ...tree, value: Float32Array.from(tree.value, (leaf) => Math.fround(base + leaf) - base) };
  });
  return new Forest({ numFeatures: forest.numFeatures, numOutputs: forest.numOutputs, trees });
}

function inputFault(message: string): EkibenError {
  return new EkibenError('EKIBEN_XGBOOST_INPUT', message);
}
