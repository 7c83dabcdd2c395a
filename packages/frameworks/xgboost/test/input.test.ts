// What goes into a prediction, and what is refused.
import { describe, expect, test } from '@jest/globals';
import type { Floats } from '@ekiben/spec';
import { tensor } from '@ekiben/tensor';
import { bitsOf, expected, load, matrix } from './fixtures.ts';

const booster = load('boosters/early-stopped.ubj');
const rows = matrix(expected('boosters/early-stopped').inputs);
const [count, width] = rows.shape as [number, number];
const zeros = (...shape: number[]) => tensor(new Float32Array(shape.reduce((a, b) => a * b)), shape, 'float32');
const refused = (message: RegExp) =>
  expect.objectContaining({ code: 'EKIBEN_XGBOOST_INPUT', message: expect.stringMatching(message) });

test('float64 is rounded to float32', () => {
  const wide = tensor(
    Float64Array.from(rows.data, (x) => x * (1 + 1e-9)),
    rows.shape,
    'float64',
  );
  expect(bitsOf(booster.predict(wide).data)).toEqual(bitsOf(booster.predict(rows).data));
});

test('no rows give no predictions', () => {
  expect(booster.predict(zeros(0, width)).shape).toEqual([0]);
  expect(booster.predContribs(zeros(0, width)).shape).toEqual([0, width + 1]);
  expect(load('boosters/multi-softprob.ubj').predict(zeros(0, 4)).shape).toEqual([0, 3]);
});

test('the input is left as it was', () => {
  const copy = rows.data.slice();
  booster.predict(rows);
  booster.predict(rows, { missing: 0 });
  expect(bitsOf(rows.data)).toEqual(bitsOf(copy));
});

test('a number may stand for a missing value', () => {
  const marked = tensor(
    rows.data.map((x) => (Number.isNaN(x) ? -999 : x)),
    rows.shape,
    'float32',
  );
  const missing = { missing: -999 };
  expect(bitsOf(booster.predict(marked, missing).data)).toEqual(bitsOf(booster.predict(rows).data));
  expect(bitsOf(booster.inplacePredict(marked, missing).data)).toEqual(bitsOf(booster.predict(rows).data));
  expect(bitsOf(booster.predContribs(marked, missing).data)).toEqual(bitsOf(booster.predContribs(rows).data));
  expect(bitsOf(booster.predLeaf(marked, missing).data)).toEqual(bitsOf(booster.predLeaf(rows).data));
});

describe('is refused', () => {
  const methods = ['predict', 'predictMargin', 'predContribs', 'predLeaf', 'inplacePredict'] as const;

  test.each(methods)('by %s: a wrong number of columns', (method) => {
    expect(() => booster[method](zeros(2, width - 1))).toThrow(refused(/shape \[n, 30\].*not \[2, 29\]/));
  });

  test('one axis, with what to do', () => {
    expect(() => booster.predict(zeros(width))).toThrow(refused(/not \[30\]; one row has the shape \[1, 30\]/));
    expect(() => booster.predict(zeros(1, 1, width))).toThrow(refused(/not \[1, 1, 30\]/));
  });

  test('another dtype', () => {
    const integers = tensor(new Int32Array(width), [1, width], 'int32');
    expect(() => booster.predict(integers as unknown as Floats)).toThrow(refused(/float32 or float64, not int32/));
  });

  test('an infinite value, named by row and column, which inplacePredict takes', () => {
    const data = Float64Array.from(rows.data);
    data[3 * width + 7] = 1e39; // infinite as float32
    const infinite = tensor(data, rows.shape, 'float64');
    expect(() => booster.predict(infinite)).toThrow(refused(/^row 3, column 7: 1e\+39 is infinite/));
    expect(booster.inplacePredict(infinite).shape).toEqual([count]);
  });

  test('a range of rounds that the model has not', () => {
    for (const iterationRange of [
      [0, 1000],
      [-1, 2],
      [3, 2],
      [0.5, 2],
    ] as const) {
      expect(() => booster.predict(rows, { iterationRange })).toThrow(
        expect.objectContaining({ code: 'EKIBEN_XGBOOST_ITERATION_RANGE' }),
      );
    }
  });

  test('what a linear model cannot do', () => {
    const linear = load('boosters/gblinear.ubj');
    expect(() => linear.predLeaf(zeros(1, 10))).toThrow(expect.objectContaining({ code: 'EKIBEN_XGBOOST_METHOD' }));
    expect(() => linear.inplacePredict(zeros(1, 10))).toThrow(
      expect.objectContaining({ code: 'EKIBEN_XGBOOST_METHOD' }),
    );
  });

  test('contributions of vector leaves', () => {
    const vector = load('boosters/multi-output-tree.ubj');
    expect(() => vector.predContribs(zeros(1, 10))).toThrow(
      expect.objectContaining({ code: 'EKIBEN_FOREST_NO_CONTRIBUTIONS' }),
    );
  });
});

test('a range of rounds adds up with the rest', () => {
  const first = booster.predictMargin(rows, { iterationRange: [0, 5] }).data;
  const rest = booster.predictMargin(rows, { iterationRange: [5, 0] }).data;
  const none = booster.predictMargin(rows, { iterationRange: [5, 5] }).data;
  const all = booster.predictMargin(rows).data;
  all.forEach((margin, i) => expect(first[i]! + rest[i]! - none[i]!).toBeCloseTo(margin, 5));
});
