/** @jest-environment @ekiben/adapter-testkit/jest-environment */
import { describe, expect, test } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { loadOnnx } from '../src/index.ts';
import { EXPECTED, expectedOf, failure, fixture, plain, using } from './fixtures.ts';

describe('onnxruntime-node gives what Python gives, to the last bit', () => {
  test.each(EXPECTED)('%s', async (name) => {
    const { inputs, outputs } = expectedOf(name);
    await using(loadOnnx(fixture(`${name}.onnx`)), async (model) => {
      expect(model.runtime).toBe('onnxruntime-node');
      expect(plain(await model.run(inputs))).toBe(plain(outputs));
      expect(plain(await model.run(...(Object.values(inputs) as [never])))).toBe(plain(outputs));
    });
  });
});

describe('onnxruntime-web gives it to 5e-7', () => {
  // It does not find external files of the branches of an If.
  test.each(EXPECTED.filter((name) => name !== 'more/if-external-default'))('%s', async (name) => {
    const { inputs, outputs } = expectedOf(name);
    await using(loadOnnx(fixture(`${name}.onnx`), { runtime: 'onnxruntime-web' }), async (model) => {
      const near = JSON.parse(plain(outputs), (_, x: unknown) =>
        typeof x === 'number' && !Number.isInteger(x) ? expect.closeTo(x, 6) : x,
      ) as unknown;
      expect(JSON.parse(plain(await model.run(inputs)))).toEqual(near);
    });
  });
});

test('the bytes of a model do as well as its path', async () => {
  const { inputs, outputs } = expectedOf('mlp-dynamic-batch');
  await using(loadOnnx(await readFile(fixture('mlp-dynamic-batch.onnx'))), async (model) => {
    expect(plain(await model.run(inputs))).toBe(plain(outputs));
  });
});

test('a model says what it takes and gives', async () => {
  await using(loadOnnx(fixture('cnn-image-features.onnx')), async ({ inputs, outputs, providers }) => {
    expect(inputs).toEqual([{ name: 'image', dtype: 'float32', shape: ['batch', 3, 'height', 'width'] }]);
    expect(outputs).toEqual([{ name: 'features', dtype: 'float32', shape: ['batch', 4] }]);
    expect(providers).toEqual(['cpu']);
  });
  await using(loadOnnx(fixture('iris-pipeline-zipmap.onnx')), async ({ outputs }) => {
    expect(outputs).toEqual([
      { name: 'output_label', dtype: 'int64', shape: [null] },
      { name: 'output_probability', dtype: 'maps', shape: [null] },
    ]);
  });
});

test.each([
  ['a sequence', 'more/sequence-output', "'parts' is a sequence, map or optional value"],
  ['bfloat16', 'more/bfloat16-input', "'x' is of element type 16"],
])('%s is refused when the model opens', async (_what, name, message) => {
  expect(await failure(loadOnnx(fixture(`${name}.onnx`)))).toMatchObject({
    code: 'EKIBEN_ONNX_TYPE_UNSUPPORTED',
    message: expect.stringContaining(message),
  });
});

test('an input with a default need not be given', async () => {
  const { inputs, outputs } = expectedOf('more/if-external-default');
  expect(Object.keys(inputs)).toEqual(['x']);
  await using(loadOnnx(fixture('more/if-external-default.onnx')), async (model) => {
    expect(model.inputs.map(({ name }) => name)).toEqual(['x']);
    expect(plain(await model.run(inputs))).toBe(plain(outputs));
  });
});

test('a label that is the name of a prototype is a key like others', async () => {
  const { inputs } = expectedOf('more/zipmap-strings-external');
  await using(loadOnnx(fixture('more/zipmap-strings-external.onnx')), async (model) => {
    const { maps } = await model.run(inputs);
    expect(Object.keys((maps as object[])[0] ?? {})).toEqual(['no', 'yes', '__proto__']);
  });
});
