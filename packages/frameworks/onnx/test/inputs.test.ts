/** @jest-environment @ekiben/adapter-testkit/jest-environment */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Tensor } from '@ekiben/spec';
import { fromNested, tensor } from '@ekiben/tensor';
import { loadOnnx } from '../src/index.ts';
import type { OnnxModel } from '../src/index.ts';
import { expectedOf, failure, fixture, plain, ramp, using } from './fixtures.ts';

let mlp: OnnxModel;
let two: OnnxModel;
beforeAll(async () => {
  mlp = await loadOnnx(fixture('mlp-dynamic-batch.onnx'));
  two = await loadOnnx(fixture('two-inputs-int64.onnx'));
});
afterAll(async () => {
  await mlp.close();
  await two.close();
});

const int64 = (...values: number[]) => tensor(values.map(BigInt), [values.length], 'int64');

describe('all that is wrong is named', () => {
  const x = ramp(1, 8);
  test.each([
    ['an input that is missing', {}, '/x', 'is missing: it must be a tensor of float32[batch, 8]'],
    ['an input that there is not', { x, y: x }, '/y', 'is no input of the model, which has x'],
    ['a wrong fixed length', { x: ramp(1, 7) }, '/x', 'must have the shape [batch, 8], not [1, 7]'],
    ['a wrong number of axes', { x: ramp(8) }, '/x', 'must have the shape [batch, 8], not [8]'],
    ['a dtype that does not convert', { x: tensor(['a'], [1, 1], 'string') }, '/x', 'of float32, not of string'],
    ['no tensor', { x: [[1]] }, '/x', 'must be a tensor of float32[batch, 8], not object'],
  ])('%s', async (_name, args, pointer, message) => {
    const error = await failure(mlp.run(args as never));
    expect(error).toMatchObject({
      code: 'EKIBEN_ONNX_INPUT',
      details: { errors: [{ pointer, message: expect.stringContaining(message) }] },
    });
  });

  test('several at once', async () => {
    const error = await failure(two.run({ a: ramp(3), 'c/~': int64(1) }));
    expect(error?.details).toMatchObject({ errors: [{ pointer: '/a' }, { pointer: '/b' }, { pointer: '/c~1~0' }] });
    expect(error?.message).toContain('input a must be a tensor of int64');
  });
});

describe('numbers convert', () => {
  const { inputs, outputs } = expectedOf('mlp-dynamic-batch');
  const rows = [[1, 2, 3, 4, 5, 6, 7, 0]];

  test('float64 to float32', async () => {
    const wide = tensor(Float64Array.from(inputs['x']?.data as Float32Array), [10, 8], 'float64');
    expect(plain(await mlp.run(wide))).toBe(plain(outputs));
  });

  test.each(['float16', 'int8', 'uint8', 'int16', 'uint16', 'int32', 'uint32', 'int64', 'uint64'] as const)(
    '%s to float32',
    async (dtype) => {
      const wanted = await mlp.run(fromNested(rows, 'float32'));
      expect(plain(await mlp.run(fromNested(rows, dtype)))).toBe(plain(wanted));
    },
  );

  test('smaller integers to int64', async () => {
    const { sum } = await two.run({ a: fromNested([1, -2], 'int8'), b: fromNested([3, 2 ** 31 - 1], 'int32') });
    expect(plain({ sum: sum ?? {} })).toBe(plain({ sum: int64(4, 2 ** 31 - 3) }));
  });

  test('but nothing that could be cut', async () => {
    expect(await failure(two.run(fromNested([1n], 'uint64'), int64(1)))).toMatchObject({ code: 'EKIBEN_ONNX_INPUT' });
    expect(await failure(two.run(fromNested([1], 'float32'), int64(1)))).toMatchObject({ code: 'EKIBEN_ONNX_INPUT' });
    expect(await failure(mlp.run(fromNested([[true]], 'bool')))).toMatchObject({ code: 'EKIBEN_ONNX_INPUT' });
  });
});

describe('what no tensor of ours can be is refused as well', () => {
  test.each([
    ['too few numbers', { shape: [1, 8], data: new Float32Array(3) }],
    ['numbers of another kind', { shape: [1, 8], data: new Int32Array(8) }],
    ['a length below nothing', { shape: [-1, 8], data: new Float32Array(8) }],
  ])('%s', async (_name, fields) => {
    const x = { dtype: 'float32', item: () => 0, ...fields } as unknown as Tensor;
    expect(await failure(mlp.run({ x }))).toMatchObject({
      code: 'EKIBEN_ONNX_INPUT',
      message: expect.stringMatching(/^ONNX Runtime does not take an input: \S.*$/),
    });
  });

  test('a text with a NUL character, which would be cut there', async () => {
    await using(loadOnnx(fixture('string-identity.onnx')), async (model) => {
      const text = tensor(['a\0b', 'c'], [2], 'string');
      expect(await failure(model.run(text))).toMatchObject({ code: 'EKIBEN_ONNX_INPUT' });
    });
  });
});

test('a batch of no rows has no rows of results', async () => {
  const { probabilities } = await mlp.run(tensor([], [0, 8], 'float32'));
  expect(probabilities).toMatchObject({ dtype: 'float32', shape: [0, 4] });
});

test('what ONNX Runtime refuses comes with its words, and the model goes on', async () => {
  const lengths = await failure(two.run(int64(1, 2), int64(1, 2, 3)));
  expect(lengths).toMatchObject({ code: 'EKIBEN_ONNX_RUN_FAILED', message: expect.stringContaining('ONNX Runtime: ') });
  await using(loadOnnx(fixture('more/gather.onnx')), async (gather) => {
    expect(await failure(gather.run(int64(7)))).toMatchObject({ code: 'EKIBEN_ONNX_RUN_FAILED' });
    expect(plain(await gather.run(int64(2, 0)))).toBe(plain({ y: fromNested([3, 1], 'float32') }));
  });
});

test('close waits for the calls under way, and refuses later ones', async () => {
  const model = await loadOnnx(fixture('mlp-dynamic-batch.onnx'));
  const calls = [model.run(ramp(1, 8)), model.run(ramp(2, 8))];
  await model.close();
  expect((await Promise.all(calls)).map(({ probabilities }) => (probabilities as { shape: unknown }).shape)).toEqual([
    [1, 4],
    [2, 4],
  ]);
  expect(await failure(model.run(ramp(1, 8)))).toMatchObject({ code: 'EKIBEN_ONNX_CLOSED' });
});
