import { EkibenError } from '@ekiben/spec';
import type { Floats, Framework, MethodInfo, ModelManifest, Signature, Tensor, TensorInfo } from '@ekiben/spec';
import { tensor } from '@ekiben/tensor';
import { loadBooster } from './booster.ts';
import type { Booster } from './booster.ts';
import { classifierMethods, estimatorMethods } from './estimator.ts';

/** BentoML's name for the model file. */
const MODEL_FILE = 'saved_model.ubj';

/** The Python class as which a model was saved; it decides what `predict` gives. */
export type ModelClass =
  'Booster' | 'XGBModel' | 'XGBClassifier' | 'XGBRFClassifier' | 'XGBRegressor' | 'XGBRFRegressor' | 'XGBRanker';

export interface XgboostSaveOptions {
  /**
   * The Python class that `bentoml.xgboost.load_model` shall make of it, and whose methods its runner shall have.
   * @default 'Booster'
   */
  readonly modelClass?: ModelClass | undefined;
}

/** What a runner of an XGBoost model can do. Rows are `[n, features]`; NaN is missing. */
export interface XgboostMethods {
  /**
   * Of a `Booster`: what {@link Booster.predict} gives, such as probabilities. Of a classifier: the class, `[n]`, or 0 and 1 for
   * each label, `[n, labels]`. Of other classes: the value, `[n]` or `[n, targets]`.
   */
  predict(rows: Floats): Tensor<'float32'>;
  /**
   * Probabilities of the classes, `[n, classes]`.
   * @throws EKIBEN_XGBOOST_METHOD when the model is no classifier, or its objective gives no probabilities
   */
  predictProba(rows: Floats): Tensor<'float32'>;
  /**
   * The leaf that each row reaches in each tree, `[n, trees]`.
   * @throws EKIBEN_XGBOOST_METHOD when the booster has no trees
   */
  apply(rows: Floats): Tensor<'float32'>;
  /** What each feature adds to the margin, see {@link Booster.predContribs}. Python's runner has no such method. */
  predContribs(rows: Floats): Tensor<'float32'>;
}

/** XGBoost models as BentoML's `bentoml.xgboost` stores them. */
export const xgboost: Framework<Booster, XgboostMethods, XgboostSaveOptions> = {
  specVersion: 1,
  module: 'bentoml.xgboost',
  placement: 'embedded',
  signatures: {
    predict: { batchable: true, retrySafe: true },
    predictProba: { wireName: 'predict_proba', batchable: true, retrySafe: true },
    apply: { batchable: true, retrySafe: true },
    predContribs: { wireName: 'pred_contribs', batchable: true, retrySafe: true },
  },

  async save(booster, draft, options) {
    await draft.write(MODEL_FILE, booster.toUbjson());
    const model_class = modelClass(options.modelClass);
    return {
      options: { model_class },
      versions: { xgboost: booster.version },
      signatures: methodsInPython(model_class),
    };
  },

  async load(files) {
    return loadBooster(await files.read(MODEL_FILE));
  },

  async describe(files, manifest) {
    const booster = loadBooster(await files.read(MODEL_FILE));
    const rows: TensorInfo = { name: 'rows', dtype: 'float32', shape: ['n', booster.numFeatures] };
    const info: MethodInfo = { inputs: [rows], output: { name: 'values', dtype: 'float32', shape: null } };
    const isClassifier = modelClass(manifest.options['model_class']).endsWith('Classifier');
    return { predict: info, apply: info, predContribs: info, ...(isClassifier && { predictProba: info }) };
  },

  runnable(booster, manifest) {
    const methods = methodsOf(booster, manifest);
    const row = tensor(new Float32Array(booster.numFeatures), [1, booster.numFeatures], 'float32');
    return { methods, warmUp: async () => void methods.predict(row) };
  },
};

function methodsOf(booster: Booster, manifest: ModelManifest): XgboostMethods {
  const name = modelClass(manifest.options['model_class']);
  if (isClassifier(name)) return classifierMethods(booster);
  if (name !== 'Booster') return estimatorMethods(booster);
  return {
    predict: (rows) => booster.predict(rows),
    predictProba: () => {
      throw new EkibenError(
        'EKIBEN_XGBOOST_METHOD',
        `a Booster has no predict_proba; its predict gives what the objective ${booster.objective} does`,
      );
    },
    apply: (rows) => booster.predLeaf(rows),
    predContribs: (rows) => booster.predContribs(rows),
  };
}

/** BentoML's runner looks up every method of `model.yaml` on the Python object, and fails at those that its class does not have. */
function methodsInPython(name: ModelClass): Readonly<Record<string, Signature>> {
  const { predict, apply, predictProba } = xgboost.signatures;
  if (name === 'Booster') return { predict };
  return isClassifier(name) ? { predict, predictProba, apply } : { predict, apply };
}

function isClassifier(name: ModelClass): boolean {
  return name === 'XGBClassifier' || name === 'XGBRFClassifier';
}

const modelClasses: ReadonlySet<unknown> = new Set<ModelClass>([
  'Booster',
  'XGBModel',
  'XGBClassifier',
  'XGBRFClassifier',
  'XGBRegressor',
  'XGBRFRegressor',
  'XGBRanker',
]);

function modelClass(value: unknown): ModelClass {
  if (value === undefined || value === null) return 'Booster';
  if (modelClasses.has(value)) return value as ModelClass;
  throw new EkibenError(
    'EKIBEN_XGBOOST_MODEL_CLASS',
    `the model_class ${JSON.stringify(value)?.slice(0, 100)} is none of ${[...modelClasses].join(', ')}`,
  );
}
