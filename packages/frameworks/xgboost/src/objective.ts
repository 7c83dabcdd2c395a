// What an objective does at prediction: its link from the base score to a margin, and from margins to what `predict` gives.
// XGBoost's src/objective (PredTransform, ProbToMargin) and src/common/math.h, in float32 as there.
import { EkibenError } from '@ekiben/spec';
import { expf, logf } from '@ekiben/trees';

const f32 = Math.fround;

export interface Objective {
  /** The margin of a base score. */
  readonly toMargin: (baseScore: number) => number;
  /** Turns margins, row-major with `outputs` a row, into predictions, in place. */
  readonly transform: (margins: Float32Array, outputs: number) => void;
  /** Whether a prediction is the class of the {@link largest} margin instead of what `transform` makes of them. */
  readonly argmax?: true | undefined;
  /** What `predict_proba` may take as probabilities: of the positive class (one a row or label), or of every class. */
  readonly probabilities?: 'positive' | 'classes' | undefined;
}

const same = (x: number): number => x;
const each =
  (link: (margin: number) => number) =>
  (margins: Float32Array): void => {
    for (let i = 0; i < margins.length; i++) margins[i] = link(margins[i]!);
  };

const identity: Objective = { toMargin: same, transform: () => {} };
const exponential: Objective = { toMargin: logf, transform: each(expf) };
const logistic: Objective = { toMargin: logit, transform: each(sigmoid), probabilities: 'positive' };
const softprob: Objective = { toMargin: same, transform: softmax, probabilities: 'classes' };

const objectives: ReadonlyMap<string, Objective> = new Map([
  ['reg:squarederror', identity],
  ['reg:linear', identity],
  ['reg:squaredlogerror', identity],
  ['reg:absoluteerror', identity],
  ['reg:pseudohubererror', identity],
  ['reg:quantileerror', identity],
  ['reg:expectileerror', identity],
  ['reg:logistic', logistic],
  ['reg:gamma', exponential],
  ['reg:tweedie', exponential],
  ['count:poisson', exponential],
  ['survival:cox', exponential],
  ['survival:aft', exponential],
  ['binary:logistic', logistic],
  ['binary:logitraw', identity],
  ['binary:hinge', { toMargin: same, transform: each((margin) => (margin > 0 ? 1 : 0)) }],
  ['multi:softprob', softprob],
  ['multi:softmax', { ...softprob, argmax: true }],
  ['rank:pairwise', identity],
  ['rank:ndcg', identity],
  ['rank:map', identity],
]);

/** @throws EKIBEN_XGBOOST_OBJECTIVE */
export function objectiveOf(name: string): Objective {
  const objective = objectives.get(name);
  if (objective !== undefined) return objective;
  const known = [...objectives.keys()].join(', ');
  throw new EkibenError(
    'EKIBEN_XGBOOST_OBJECTIVE',
    `the objective '${name.slice(0, 100)}' is not known; known are ${known}`,
  );
}

function sigmoid(margin: number): number {
  // XGBoost adds 1e-16 to the denominator, which is at least 1 and does not change by it.
  return f32(1 / f32(expf(Math.min(-margin, f32(88.7))) + 1));
}

function logit(probability: number): number {
  const eps = f32(1e-6);
  const p = Math.min(Math.max(probability, eps), f32(1 - eps));
  return -logf(f32(f32(1 / p) - 1));
}

export function softmax(margins: Float32Array, outputs: number): void {
  for (let row = 0; row < margins.length; row += outputs) {
    let max = margins[row]!;
    for (let k = row + 1; k < row + outputs; k++) max = Math.max(max, margins[k]!);
    let sum = 0; // a double in XGBoost too
    for (let k = row; k < row + outputs; k++) {
      margins[k] = expf(f32(margins[k]! - max));
      sum += margins[k]!;
    }
    const divisor = f32(sum);
    for (let k = row; k < row + outputs; k++) margins[k]! /= divisor;
  }
}

/** The index of the largest value of each row, the first of equals. */
export function largest(values: Float32Array, outputs: number): Float32Array {
  const classes = new Float32Array(values.length / outputs);
  for (let row = 0; row < classes.length; row++) {
    let best = 0;
    for (let k = 1; k < outputs; k++) {
      if (values[row * outputs + k]! > values[row * outputs + best]!) best = k;
    }
    classes[row] = best;
  }
  return classes;
}
