// What every adapter of Ekiben must do, tried on a booster and on a classifier.
import { testAdapter } from '@ekiben/adapter-testkit/jest';
import { fromNested, tensor } from '@ekiben/tensor';
import { xgboost } from '../src/index.ts';
import { expected, load, matrix } from './fixtures.ts';

const ROWS = 20;
const rowsOf = (values: unknown) => fromNested((values as readonly unknown[]).slice(0, ROWS), 'float32');

const booster = expected('boosters/binary-logistic-missing');
const boosterRows = matrix(booster.inputs.slice(0, ROWS));
testAdapter({
  framework: xgboost,
  title: 'a Booster',
  model: () => load('boosters/binary-logistic-missing.ubj'),
  calls: {
    predict: [{ args: [boosterRows], result: rowsOf(booster.outputs['predict']) }],
    predictProba: [],
    apply: [{ args: [boosterRows], result: rowsOf(booster.outputs['leaf']) }],
    predContribs: [{ args: [boosterRows], result: rowsOf(booster.outputs['contribs']) }],
  },
  refused: {
    predict: [{ args: [tensor([1], [1, 1], 'float32')], code: 'EKIBEN_XGBOOST_INPUT' }],
    predictProba: [{ args: [boosterRows], code: 'EKIBEN_XGBOOST_METHOD' }],
  },
});

const classifier = expected('bentoml-1.0.7/xgboost-classifier-feature-names');
const classifierRows = matrix(classifier.inputs.slice(0, ROWS));
testAdapter({
  framework: xgboost,
  title: 'an XGBClassifier',
  model: () => load('bentoml-1.0.7/xgboost-classifier-feature-names/saved_model.ubj'),
  options: { modelClass: 'XGBClassifier' },
  calls: {
    predict: [{ args: [classifierRows], result: rowsOf(classifier.outputs['predict']) }],
    predictProba: [{ args: [classifierRows], result: rowsOf(classifier.outputs['predict_proba']) }],
    apply: [],
    predContribs: [],
  },
  refused: { predictProba: [{ args: [tensor([1], [1, 1], 'float32')], code: 'EKIBEN_XGBOOST_INPUT' }] },
});
