// The scikit-learn classes of Python's xgboost (sklearn.py): what they make of a booster's output.
import { EkibenError } from '@ekiben/spec';
import type { Floats, Tensor } from '@ekiben/spec';
import { tensor } from '@ekiben/tensor';
import type { Booster, InplaceOptions } from './booster.ts';
import type { XgboostMethods } from './framework.ts';
import { largest, objectiveOf, softmax } from './objective.ts';

/** Estimators use the rounds up to the best one, and predict in place except with gblinear. */
function estimatorOptions(booster: Booster): InplaceOptions {
  const best = booster.bestIteration;
  return {
    iterationRange: best === undefined || booster.booster === 'gblinear' ? undefined : [0, best + 1],
    missing: missingValue(booster),
  };
}

function value(booster: Booster, rows: Floats, options: InplaceOptions): Tensor<'float32'> {
  return booster.booster === 'gblinear' ? booster.predict(rows) : booster.inplacePredict(rows, options);
}

/** Methods of XGBRegressor, XGBRanker and their like. */
export function estimatorMethods(booster: Booster, name: string): XgboostMethods {
  const options = estimatorOptions(booster);
  return {
    predict: (rows) => value(booster, rows, options),
    predictProba: () => {
      throw new EkibenError('EKIBEN_XGBOOST_METHOD', `a model of the class ${name} has no predict_proba, only predict`);
    },
    apply: (rows) => booster.predLeaf(rows, options),
    predContribs: (rows) => booster.predContribs(rows, options),
  };
}

/** Methods of XGBClassifier and XGBRFClassifier. */
export function classifierMethods(booster: Booster): XgboostMethods {
  const options = estimatorOptions(booster);
  const objective = objectiveOf(booster.objective);
  const numClasses = Math.max(2, booster.numClasses);
  return {
    ...estimatorMethods(booster, 'XGBClassifier'),
    predict(rows) {
      const values = value(booster, rows, options);
      if (objective.argmax) return values;
      if (values.shape.length > 1 && numClasses !== 2) {
        return tensor(largest(values.data, booster.numOutputs), [values.shape[0]!], 'float32');
      }
      return tensor(
        values.data.map((p) => (p > 0.5 ? 1 : 0)),
        values.shape,
        'float32',
      );
    },
    predictProba(rows) {
      if (objective.probabilities === undefined) {
        throw new EkibenError('EKIBEN_XGBOOST_METHOD', `the objective ${booster.objective} gives no probabilities`);
      }
      if (objective.argmax) {
        const margins = booster.inplacePredict(rows, { ...options, predictType: 'margin' });
        softmax(margins.data, booster.numOutputs);
        return margins;
      }
      const values = value(booster, rows, options);
      return values.shape.length > 1 ? values : withNegatives(values);
    },
  };
}

/** `[n]` probabilities p of the second of two classes as `[n, 2]`: 1 - p and p. */
function withNegatives(positives: Tensor<'float32'>): Tensor<'float32'> {
  const both = new Float32Array(positives.data.length * 2);
  for (let i = 0; i < positives.data.length; i++) {
    both[2 * i] = 1 - positives.data[i]!;
    both[2 * i + 1] = positives.data[i]!;
  }
  return tensor(both, [positives.data.length, 2], 'float32');
}

/** The value that stands for a missing one. XGBoost before 2.0 keeps the estimator's parameters in an attribute. */
function missingValue(booster: Booster): number | undefined {
  const text = booster.attributes['scikit_learn'];
  if (text === undefined || !/^1\./.test(booster.version)) return undefined;
  const found = /"missing": (-?[0-9][^,}]*)/.exec(text);
  return found === null ? undefined : Number(found[1]);
}
