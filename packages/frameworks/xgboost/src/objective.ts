// What an objective does at prediction: its link from the base score to a margin, and from margins to what `predict` gives.
// XGBoost's src/objective (ProbToMargin, PredTransform) and src/common/math.h, in float32 as there.
import { EkibenError } from '@ekiben/spec';
import { expf, logf } from '@ekiben/trees';

const f32 = Math.fround;

export interface Objective {
  /** The margin of a base score. */
  readonly toMargin: (baseScore: number) => number;
  /** Turns margins, `outputs` a row, into values of the same number, in place. */
  readonly transform: (margins: Float32Array, outputs: number) => void;
  /** Whether `predict` gives the class of the {@link largest} margin instead. */
  readonly argmax: boolean;
  /** Whether what `transform` gives are probabilities. */
  readonly probabilities: boolean;
}

const keep = (x: number): number => x;
const each =
  (link: (margin: number) => number) =>
  (margins: Float32Array): void => {
    for (let i = 0; i < margins.length; i++) margins[i] = link(margins[i] ?? NaN);
  };

const identity: Objective = { toMargin: keep, transform: () => {}, argmax: false, probabilities: false };
const exponential: Objective = { ...identity, toMargin: logf, transform: each(expf) };
const logistic: Objective = { ...identity, toMargin: logit, transform: each(sigmoid), probabilities: true };
const softprob: Objective = { ...identity, transform: softmax, probabilities: true };

const objectives: ReadonlyMap<string, Objective> = new Map([
  ['reg:squarederror', identity],
  ['reg:linear', identity],
  ['reg:squaredlogerror', identity],
  ['reg:absoluteerror', identity],
  ['reg:pseudohubererror', identity],
  ['reg:quantileerror', identity],
  ['reg:logistic', logistic],
  ['reg:gamma', exponential],
  ['reg:tweedie', exponential],
  ['count:poisson', exponential],
  ['survival:cox', exponential],
  ['survival:aft', exponential], // as in the wheels of `xgboost`; those of `xgboost-cpu` take C's exp, of doubles, for this one
  ['binary:logistic', logistic],
  ['binary:logitraw', identity],
  ['binary:hinge', { ...identity, transform: each((margin) => (margin > 0 ? 1 : 0)) }],
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
  throw new EkibenError(
    'EKIBEN_XGBOOST_OBJECTIVE',
    `the objective '${name.slice(0, 100)}' is unknown; known are ${[...objectives.keys()].join(', ')}`,
  );
}

function sigmoid(margin: number): number {
  // XGBoost adds 1e-16 to the denominator too, which is at least 1 and does not change by it.
  return f32(1 / f32(expf(Math.min(-margin, f32(88.7))) + 1));
}

function logit(probability: number): number {
  const epsilon = f32(1e-6);
  const p = Math.min(Math.max(probability, epsilon), f32(1 - epsilon));
  return -logf(f32(f32(1 / p) - 1));
}

function softmax(margins: Float32Array, outputs: number): void {
  for (let i = 0; i < margins.length; i += outputs) {
    const row = margins.subarray(i, i + outputs);
    const max = maximum(row);
    const powers = row.map((margin) => expf(f32(margin - max)));
    const sum = f32(powers.reduce((total, power) => total + power, 0)); // summed as doubles in XGBoost too
    row.set(powers.map((power) => power / sum));
  }
}

/** The index of the largest value of each row of `outputs`, the first of equal ones. */
export function largest(values: Float32Array, outputs: number): Float32Array {
  return Float32Array.from({ length: values.length / outputs }, (_, i) => {
    const row = values.subarray(i * outputs, (i + 1) * outputs);
    return Math.max(0, row.indexOf(maximum(row)));
  });
}

const maximum = (row: Float32Array): number => row.reduce((max, value) => Math.max(max, value), -Infinity);
