// Every model that Python wrote gives what Python computed, to the last bit.
import { describe, expect, test } from '@jest/globals';
import type { Tensor } from '@ekiben/spec';
import { tensor } from '@ekiben/tensor';
import type { Booster } from '../src/index.ts';
import { loadBooster } from '../src/index.ts';
import { bitsOf, exactly, expected, load, matrix, modelsIn, read, readText } from './fixtures.ts';

type Rows = ReturnType<typeof matrix>;
const methods: Readonly<Record<string, (booster: Booster, rows: Rows) => Tensor<'float32'>>> = {
  predict: (booster, rows) => booster.predict(rows),
  predictMargin: (booster, rows) => booster.predictMargin(rows),
  margin: (booster, rows) => booster.predictMargin(rows),
  predLeaf: (booster, rows) => booster.predLeaf(rows),
  leaf: (booster, rows) => booster.predLeaf(rows),
  predContribs: (booster, rows) => booster.predContribs(rows),
  contribs: (booster, rows) => booster.predContribs(rows),
  inplacePredict: (booster, rows) => booster.inplacePredict(rows),
  predict_until_best: (booster, rows) => booster.predict(rows, { iterationRange: [0, booster.bestIteration! + 1] }),
};

const models = [...modelsIn('boosters'), ...modelsIn('more')].filter(
  (name) => (expected(name).model_class ?? 'Booster') === 'Booster',
);
const cases = models.flatMap((name) =>
  Object.keys(expected(name).outputs)
    .filter((output) => output !== 'best_iteration')
    .map((output) => [name, output] as const),
);

test('the fixtures are of many kinds', () => {
  expect(cases.length).toBeGreaterThan(80);
  expect(new Set(models.map((name) => load(`${name}.ubj`).booster))).toEqual(new Set(['gbtree', 'dart', 'gblinear']));
  expect(new Set(models.map((name) => load(`${name}.ubj`).version))).toEqual(new Set(['1.6.2', '2.1.4', '3.2.0']));
  expect(new Set(models.map((name) => load(`${name}.ubj`).objective)).size).toBeGreaterThan(14);
});

describe.each(cases)('%s: %s', (name, output) => {
  const { inputs, outputs } = expected(name);
  const rows = matrix(inputs);
  const method = methods[output]!;

  test('of all rows together', () => {
    expect(exactly(method(load(`${name}.ubj`), rows))).toBe(exactly(outputs[output]));
  });

  test('of each row alone', () => {
    const booster = load(`${name}.ubj`);
    const [, width] = rows.shape as [number, number];
    const single = inputs.map((_, i) => {
      const row = tensor(rows.data.slice(i * width, (i + 1) * width), [1, width], 'float32');
      return bitsOf(method(booster, row).data);
    });
    expect(single.join(' ')).toBe(exactly(outputs[output]).replace(/^.*\] /, ''));
  });
});

test.each(
  modelsIn('boosters').concat('more/xgboost-3.2.0/infinite-thresholds', 'more/xgboost-3.2.0/pandas-categories'),
)('%s gives the same read from JSON, and translated to UBJSON', (name) => {
  const rows = matrix(expected(name).inputs);
  const json = load(`${name}.json`);
  const method = json.booster === 'gblinear' ? methods['predict']! : methods['inplacePredict']!;
  const fromUbjson = exactly(method(load(`${name}.ubj`), rows));
  expect(exactly(method(json, rows))).toBe(fromUbjson);
  expect(exactly(method(loadBooster(json.toUbjson()), rows))).toBe(fromUbjson);
});

describe('the credit model of XGBoost 1.6.2', () => {
  const booster = load('credit-risk/saved_model.ubj');
  const lines = readText('credit-risk/expected.jsonl').trim().split('\n');
  const applications = lines.map((line) => JSON.parse(line) as { readonly vector: number[]; readonly hex: string });
  const hex = applications.map((application) => application.hex).join(' ');
  const vectors = Float64Array.from(applications.flatMap(({ vector }) => vector));

  test('gives the probability of each of 300 applications', () => {
    expect(applications).toHaveLength(300);
    const one = applications.map(({ vector }) =>
      booster.predict(tensor(Float64Array.from(vector), [1, 29], 'float64')),
    );
    expect(one.map(({ data }) => bitsOf(data)).join(' ')).toBe(hex);
  });

  test('gives them all at once', () => {
    const together = booster.predict(tensor(vectors, [300, 29], 'float64'));
    expect(together.shape).toEqual([300]);
    expect(bitsOf(together.data)).toBe(hex);
  });

  test('explains its margins: contributions sum to them', () => {
    const rows = tensor(vectors, [300, 29], 'float64');
    const contributions = booster.predContribs(rows);
    const margins = booster.predictMargin(rows);
    expect(contributions.shape).toEqual([300, 30]);
    margins.data.forEach((margin, row) => {
      const sum = contributions.data.subarray(row * 30, (row + 1) * 30).reduce((total, part) => total + part, 0);
      expect(sum).toBeCloseTo(margin, 4);
    });
  });
});

test('the model knows its features, attributes and best round', () => {
  const booster = load('bentoml-1.0.7/xgboost-classifier-feature-names/saved_model.ubj');
  expect(booster.featureNames).toHaveLength(30);
  expect(booster.featureNames[0]).toBe('mean_radius');
  expect(booster.featureTypes[0]).toBe('float');
  expect(booster.attributes['best_iteration']).toBe('24');
  expect(load('more/xgboost-3.2.0/dart-multiclass-forest.ubj').featureNames[0]).toBe('größe 0');
  expect(load('boosters/categorical-onehot.json').featureTypes).toEqual(['c', 'c', 'q']);
  expect(load('boosters/early-stopped.ubj').bestIteration).toBe(
    expected('boosters/early-stopped').outputs['best_iteration'],
  );
  expect(load('boosters/dart.ubj').bestIteration).toBeUndefined();
});

test('a model that was UBJSON is saved as it was', () => {
  expect(load('boosters/dart.ubj').toUbjson()).toEqual(read('boosters/dart.ubj'));
});
