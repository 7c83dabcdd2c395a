// The `xgboost` framework: models as BentoML stores them, used as the Python class that they were saved as.
import { describe, expect, test } from '@jest/globals';
import type { Draft, ModelFiles, ModelManifest } from '@ekiben/spec';
import { tensor } from '@ekiben/tensor';
import { xgboost } from '../src/index.ts';
import type { ModelClass, XgboostMethods } from '../src/index.ts';
import { exactly, expected, load, matrix, modelsIn, read, readText } from './fixtures.ts';

const manifest = (modelClass?: unknown): ModelManifest => ({
  module: 'bentoml.xgboost',
  signatures: {},
  options: modelClass === undefined ? {} : { model_class: modelClass },
  frameworkVersions: { xgboost: '3.2.0' },
});
const files = (stored: ReadonlyMap<string, Uint8Array>): ModelFiles => ({
  dir: 'unused',
  read: (name) => {
    const bytes = stored.get(name);
    return bytes === undefined ? Promise.reject(new Error(`no ${name}`)) : Promise.resolve(bytes);
  },
});
const methodsOf = (name: string, modelClass?: unknown): XgboostMethods =>
  xgboost.runnable(load(`${name}.ubj`), manifest(modelClass)).methods;

const pythonNames: Readonly<Record<string, keyof XgboostMethods>> = {
  predict: 'predict',
  predict_proba: 'predictProba',
  predictProba: 'predictProba',
  apply: 'apply',
};

describe.each(['1.0.7', '1.4'])('the model that BentoML %s saved of a classifier', (version) => {
  const folder = `bentoml-${version}/xgboost-classifier-feature-names`;
  const { inputs, outputs } = expected(folder);
  const stored = new Map([['saved_model.ubj', read(`${folder}/saved_model.ubj`)]]);
  const modelClass = /model_class: (\w+)/.exec(readText(`${folder}/model.yaml`))?.[1];

  test.each(['predict', 'predict_proba'])('gives what Python does: %s', async (name) => {
    const booster = await xgboost.load(files(stored), manifest(modelClass));
    const { methods } = xgboost.runnable(booster, manifest(modelClass));
    const rows = tensor(Float64Array.from(inputs.flat(), Number), [inputs.length, 30], 'float64');
    expect(exactly(methods[pythonNames[name]!](rows))).toBe(exactly(outputs[name]));
  });
});

const estimators = modelsIn('more')
  .filter((name) => expected(name).model_class !== 'Booster')
  .flatMap((name) => Object.keys(expected(name).outputs).map((output) => [name, output] as const));

test('the estimators are of several classes', () => {
  const classes = new Set(estimators.map(([name]) => expected(name).model_class));
  expect(classes).toEqual(new Set(['XGBClassifier', 'XGBRFRegressor', 'XGBRanker']));
});

test.each(estimators)('%s gives what Python does: %s', (name, output) => {
  const { model_class: modelClass, inputs, outputs } = expected(name);
  const methods = methodsOf(name, modelClass);
  expect(exactly(methods[pythonNames[output]!](matrix(inputs)))).toBe(exactly(outputs[output]));
});

test('multi:softmax has probabilities, which sum to 1 and whose largest is the class', () => {
  const { inputs } = expected('more/xgboost-3.2.0/classifier-softmax');
  const methods = methodsOf('more/xgboost-3.2.0/classifier-softmax', 'XGBClassifier');
  const classes = methods.predict(matrix(inputs)).data;
  const probabilities = methods.predictProba(matrix(inputs));
  expect(probabilities.shape).toEqual([24, 4]);
  classes.forEach((label, row) => {
    const ofRow = probabilities.data.subarray(row * 4, row * 4 + 4);
    expect(ofRow.indexOf(Math.max(...ofRow))).toBe(label);
    expect(ofRow.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 6);
  });
});

test('a Booster predicts what its objective does, with all rounds', () => {
  const { inputs, outputs } = expected('boosters/early-stopped');
  expect(exactly(methodsOf('boosters/early-stopped', 'Booster').predict(matrix(inputs)))).toBe(
    exactly(outputs['predict']),
  );
  expect(exactly(methodsOf('boosters/early-stopped').predict(matrix(inputs)))).toBe(exactly(outputs['predict']));
});

test('an estimator uses the rounds up to the best one, in contributions and leaves too', () => {
  const { inputs, outputs } = expected('boosters/early-stopped');
  const methods = methodsOf('boosters/early-stopped', 'XGBRegressor');
  expect(exactly(methods.predict(matrix(inputs)))).toBe(exactly(outputs['predict_until_best']));
  expect(methods.apply(matrix(inputs)).shape).toEqual([80, 21]);
  const whole = methodsOf('boosters/early-stopped').predContribs(matrix(inputs));
  expect(exactly(methods.predContribs(matrix(inputs)))).not.toBe(exactly(whole));
});

describe('a method that the model lacks says so', () => {
  const rows = tensor(new Float32Array(30), [1, 30], 'float32');
  const lacking = (message: RegExp) =>
    expect.objectContaining({ code: 'EKIBEN_XGBOOST_METHOD', message: expect.stringMatching(message) });

  test.each([
    ['boosters/dart', 'Booster', /^a Booster has no predict_proba.*binary:logistic/],
    ['boosters/dart', 'XGBRegressor', /only classifiers have predict_proba/],
    ['more/xgboost-3.2.0/binary-logitraw', 'XGBClassifier', /binary:logitraw gives no probabilities/],
    ['more/xgboost-3.2.0/binary-hinge', 'XGBRFClassifier', /binary:hinge gives no probabilities/],
  ] as const)('%s as %s: predictProba', (name, modelClass, message) => {
    expect(() => methodsOf(name, modelClass).predictProba(rows)).toThrow(lacking(message));
  });

  test('gblinear: apply', () => {
    const methods = methodsOf('boosters/gblinear', 'XGBRegressor');
    expect(methods.predict(tensor(new Float32Array(10), [1, 10], 'float32')).shape).toEqual([1]);
    expect(() => methods.apply(tensor(new Float32Array(10), [1, 10], 'float32'))).toThrow(lacking(/no leaves/));
  });
});

describe('save', () => {
  async function save(name: string, options: { readonly modelClass?: ModelClass }) {
    const stored = new Map<string, Uint8Array>();
    const draft: Draft = { dir: 'unused', write: async (path, bytes) => void stored.set(path, bytes) };
    const saved = await xgboost.save(load(name), draft, options);
    return { stored, saved };
  }

  test('keeps a UBJSON model as it was, under the name of BentoML', async () => {
    const { stored, saved } = await save('credit-risk/saved_model.ubj', {});
    expect(stored).toEqual(new Map([['saved_model.ubj', read('credit-risk/saved_model.ubj')]]));
    expect(saved).toMatchObject({ options: { model_class: 'Booster' }, versions: { xgboost: '1.6.2' } });
  });

  test.each([
    ['Booster', ['predict']],
    ['XGBRegressor', ['predict', 'apply']],
    ['XGBClassifier', ['predict', 'predictProba', 'apply']],
  ] as const)(
    "of a %s lists the methods of its class, since Python's runner wants no others",
    async (modelClass, methods) => {
      const { saved } = await save('credit-risk/saved_model.ubj', { modelClass });
      expect(Object.keys(saved.signatures ?? {})).toEqual(methods);
    },
  );

  test('writes a JSON model so that it loads again, with the class asked for', async () => {
    const { stored, saved } = await save('boosters/categorical-partition.json', { modelClass: 'XGBClassifier' });
    expect(saved.options).toEqual({ model_class: 'XGBClassifier' });
    const booster = await xgboost.load(files(stored), manifest());
    const { inputs, outputs } = expected('boosters/categorical-partition');
    expect(exactly(booster.predict(matrix(inputs)))).toBe(exactly(outputs['predict']));
  });
});

test.each(['XGBoost', 3, { a: 1 }])('refuses the model_class %j', (modelClass) => {
  expect(() => methodsOf('boosters/dart', modelClass)).toThrow(
    expect.objectContaining({ code: 'EKIBEN_XGBOOST_MODEL_CLASS', message: expect.stringContaining('XGBClassifier') }),
  );
});

test('names its methods as model.yaml does', () => {
  const names = Object.entries(xgboost.signatures).map(([key, { wireName }]) => wireName ?? key);
  expect(names).toEqual(['predict', 'predict_proba', 'apply', 'pred_contribs']);
});
