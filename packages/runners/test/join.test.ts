import { describe, expect, test } from '@jest/globals';
import type { Tensor } from '@ekiben/spec';
import { tensor } from '@ekiben/tensor';
import fc from 'fast-check';
import { checkResult, joinable, joinArgs, joinResults, pieceSizes, splitArgs, splitResult } from '../src/join.ts';
import type { Args, Joinable } from '../src/join.ts';

const matrix = (rows: number, columns = 2, start = 0) =>
  tensor(
    Float32Array.from({ length: rows * columns }, (_, i) => start + i),
    [rows, columns],
    'float32',
  );

const call = (args: Args, axis = 0): Joinable => {
  const found = joinable(args, axis);
  if (found === null) throw new Error('not joinable');
  return found;
};

/** A method that adds one to each element, whatever the arguments look like. */
function increment(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => `${String(item)}!`);
  const { data, shape } = value as Tensor<'float32'>;
  return tensor(
    data.map((x) => x + 1),
    shape,
    'float32',
  );
}

const plain = (value: unknown): unknown => {
  if (Array.isArray(value)) return value;
  const { shape, data } = value as Tensor;
  return { shape, data: [...data] };
};

describe('joining calls', () => {
  test('gives each call the answer that it would have had alone', () => {
    const rows = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(rows, fc.constantFrom(0, 1, -1, -2), (sizes, axis) => {
        const along = axis < 0 ? axis + 2 : axis;
        const inputs = sizes.map((size, i) => (along === 0 ? matrix(size, 3, i * 100) : matrix(3, size, i * 100)));
        const joined = joinArgs(
          inputs.map((input) => call([input], axis)),
          axis,
        );
        const answers = splitResult(increment(joined[0]), sizes, axis);
        expect(answers.map(plain)).toEqual(inputs.map((input) => plain(increment(input))));
      }),
    );
  });

  test('and one that is split is the same when its parts are joined', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 20 }), (rows, maxRows) => {
        const sizes = pieceSizes(rows, maxRows);
        expect(sizes.every((size) => size > 0 && size <= maxRows)).toBe(true);
        const input = matrix(rows);
        const parts = splitArgs(call([{ input, flag: true }]), sizes, 0);
        expect(parts.map((part) => part.rows)).toEqual(sizes);
        const answers = parts.map(({ args: [inputs] }) => increment((inputs as { input: unknown }).input));
        expect(plain(joinResults(answers, 0))).toEqual(plain(increment(input)));
        expect(parts.map(({ args: [inputs] }) => (inputs as { flag: unknown }).flag)).toEqual(sizes.map(() => true));
      }),
    );
  });

  test('lists of anything are joined like tensors', () => {
    const calls = [call([['a', 'b'], 1]), call([['c'], 1])];
    expect(joinArgs(calls, 0)).toEqual([['a', 'b', 'c'], 1]);
    expect(splitResult(['A', 'B', 'C'], [2, 1], 0)).toEqual([['A', 'B'], ['C']]);
  });

  test('records of tensors are joined by name, and what comes out as one is split by name', () => {
    const calls = [1, 2].map((rows) => call([{ x: matrix(rows), y: matrix(rows, 3) }, { outputs: ['p'] }]));
    const [inputs, options] = joinArgs(calls, 0) as [Record<string, Tensor>, unknown];
    expect(inputs['x']?.shape).toEqual([3, 2]);
    expect(inputs['y']?.shape).toEqual([3, 3]);
    expect(options).toEqual({ outputs: ['p'] });
    const split = splitResult({ p: matrix(3), labels: ['a', 'b', 'c'] }, [1, 2], 0);
    expect(split.map((part) => (part as { labels: unknown }).labels)).toEqual([['a'], ['b', 'c']]);
    expect(Object.keys(joinResults(split, 0) as object)).toEqual(['p', 'labels']);
  });

  test.each<[string, Args, Args]>([
    ['dtypes', [matrix(1)], [tensor(new Float64Array(2), [1, 2], 'float64')]],
    ['other axes', [matrix(1, 2)], [matrix(1, 3)]],
    ['ranks', [matrix(1, 1)], [tensor(new Float32Array(1), [1], 'float32')]],
    ['options', [matrix(1), { leaf: true }], [matrix(1), { leaf: false }]],
    ['requested outputs', [matrix(1), ['p']], [matrix(1), ['q']]],
    ['names of inputs', [{ a: matrix(1) }], [{ b: matrix(1) }]],
    ['numbers of arguments', [matrix(1)], [matrix(1), undefined]],
    ['NaN and null', [matrix(1), NaN], [matrix(1), null]],
    ['bigints and numbers', [matrix(1), 1n], [matrix(1), 1]],
    ['an input and an option', [{ a: matrix(1), b: 1 }], [{ a: matrix(1), b: 2 }]],
  ])('calls with different %s never meet', (_, a, b) => {
    expect(call(a).key).not.toBe(call(b).key);
    expect(call(a).key).toBe(call(a).key);
  });

  test.each<[string, Args]>([
    ['no data', [1, 'x']],
    ['no arguments', []],
    ['no rows', [matrix(0)]],
    ['a scalar tensor', [tensor(new Float32Array(1), [], 'float32')]],
    ['inputs of different lengths', [matrix(1), matrix(2)]],
    ['a function among the options', [matrix(1), () => 1]],
    ['a Map among the options', [matrix(1), { by: new Map() }]],
    ['a date among the options', [matrix(1), new Date(0)]],
  ])('a call with %s stays alone', (_, args) => {
    expect(joinable(args, 0)).toBeNull();
  });

  test.each<[string, unknown]>([
    ['has fewer rows', matrix(2)],
    ['is a number', 1],
    ['is null', null],
    ['has another axis', tensor(new Float32Array(1), [], 'float32')],
    ['is a record with a short part', { a: matrix(3), b: matrix(1) }],
  ])('a result that %s is an error', (_, result) => {
    const code = 'EKIBEN_BATCH_RESULT_INVALID';
    expect(() => checkResult(result, 3, 0, 'predict')).toThrow(expect.objectContaining({ code }));
  });
});
