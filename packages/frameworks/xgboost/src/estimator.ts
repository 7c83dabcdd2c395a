// What the scikit-learn classes of Python's xgboost (sklearn.py) make of a booster's output.
import { EkibenError } from '@ekiben/spec';
import type { Floats, Tensor } from '@ekiben/spec';
import { tensor } from '@ekiben/tensor';
import type { Booster, InplaceOptions } from './booster.ts';
import { parseJson } from './document.ts';
import type { XgboostMethods } from './framework.ts';
import { largest, objectiveOf } from './objective.ts';

/** Methods of XGBRegressor, XGBRanker and their like. */
export function estimatorMethods(booster: Booster): XgboostMethods {
  const options = estimatorOptions(booster);
  return {
    predict: (rows) => predictValue(booster, rows, options),
    predictProba: () => {
      throw new EkibenError('EKIBEN_XGBOOST_METHOD', 'only classifiers have predict_proba; this model has predict');
    },
    apply: (rows) => booster.predLeaf(rows, options),
    predContribs: (rows) => booster.predContribs(rows, options),
  };
}

/** Methods of XGBClassifier and XGBRFClassifier. */
export function classifierMethods(booster: Booster): XgboostMethods {
  const options = estimatorOptions(booster);
  const objective = objectiveOf(booster.objective);
  const isMulticlass = booster.numClasses > 2;

  return {
    ...estimatorMethods(booster),
    predict(rows) {
      const values = predictValue(booster, rows, options);
      if (objective.argmax) return values;
      if (isMulticlass) return tensor(largest(values.data, booster.numOutputs), values.shape.slice(0, 1), 'float32');
      return tensor(
        values.data.map((value) => Number(value > 0.5)),
        values.shape,
        'float32',
      );
    },
    predictProba(rows) {
      if (!objective.probabilities) {
        throw new EkibenError('EKIBEN_XGBOOST_METHOD', `the objective ${booster.objective} gives no probabilities`);
      }
      if (objective.argmax) {
        const margins = booster.inplacePredict(rows, { ...options, predictType: 'margin' });
        objective.transform(margins.data, booster.numOutputs);
        return margins;
      }
      const values = predictValue(booster, rows, options);
      return booster.numOutputs > 1 ? values : ofBothClasses(values);
    },
  };
}

/** Estimators use the rounds up to the best one. XGBoost before 2.0 also restored their parameter `missing`. */
function estimatorOptions(booster: Booster): InplaceOptions {
  const best = booster.bestIteration;
  const saved = booster.attributes['scikit_learn'];
  return {
    iterationRange: best === undefined ? undefined : [0, best + 1],
    missing: saved !== undefined && booster.version.startsWith('1.') ? readMissing(saved) : undefined,
  };
}

function readMissing(parameters: string): number | undefined {
  const parsed = parseJson(parameters);
  const isObject = typeof parsed === 'object' && parsed !== null && 'missing' in parsed;
  return isObject && typeof parsed.missing === 'number' ? parsed.missing : undefined;
}

function predictValue(booster: Booster, rows: Floats, options: InplaceOptions): Tensor<'float32'> {
  return booster.booster === 'gblinear' ? booster.predict(rows) : booster.inplacePredict(rows, options);
}

/** Probabilities p of the second of two classes, `[n]`, as 1 - p and p, `[n, 2]`. */
function ofBothClasses(positive: Tensor<'float32'>): Tensor<'float32'> {
  const both = new Float32Array(positive.data.length * 2);
  for (const [row, p] of positive.data.entries()) both.set([1 - p, p], 2 * row);
  return tensor(both, [positive.data.length, 2], 'float32');
}
