/** @jest-environment @ekiben/adapter-testkit/jest-environment */
import { expect, test } from '@jest/globals';
import { tensor } from '@ekiben/tensor';
import { loadTfjs } from '../src/index.ts';
import { expectedOf, fixture, MODELS, near, plain } from './fixtures.ts';

test.each(MODELS)('%s gives on WebAssembly what TensorFlow gives', async (name) => {
  const { inputs, outputs } = expectedOf(name);
  const model = await loadTfjs(fixture(name));
  expect(model.backend).toBe('wasm');
  expect(plain(await model.predict(inputs))).toEqual(near(outputs));
  const inOrder = model.inputs.map(({ name: input }) => inputs[input]);
  expect(plain(await model.predict(...(inOrder as [never])))).toEqual(near(outputs));
  await model.close();
});

test('a batch of no rows has no rows of results', async () => {
  const model = await loadTfjs(fixture('mlp-layers'));
  const { probabilities } = await model.predict(tensor([], [0, 8], 'float32'));
  expect(probabilities).toMatchObject({ dtype: 'float32', shape: [0, 4] });
  await model.close();
});

test('models say what they take and give, by the names of the signature or of the layers', async () => {
  const two = await loadTfjs(fixture('two-graph/model.json'));
  expect(two).toMatchObject({
    format: 'graph-model',
    inputs: [
      { name: 'n', dtype: 'int32', shape: [null] },
      { name: 'x', dtype: 'float32', shape: [null, 3] },
    ],
    outputs: [
      { name: 'doubled', dtype: 'int32', shape: [null] },
      { name: 'positive', dtype: 'bool', shape: [null, 2] },
      { name: 'product', dtype: 'float32', shape: [null, 2] },
    ],
  });
  const cnn = await loadTfjs(fixture('cnn-layers'));
  expect(cnn).toMatchObject({
    format: 'layers-model',
    inputs: [
      { name: 'image', dtype: 'float32', shape: [null, 6, 6, 3] },
      { name: 'scale', dtype: 'float32', shape: [null, 1] },
    ],
    outputs: [
      { name: 'label', dtype: 'float32', shape: [null, 3] },
      { name: 'scaled', dtype: 'float32', shape: [null, 4] },
    ],
  });
  await two.close();
  await cnn.close();
});
