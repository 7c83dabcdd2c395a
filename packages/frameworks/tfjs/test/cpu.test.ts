/** @jest-environment @ekiben/adapter-testkit/jest-environment */
// The backend in plain JavaScript; a test file of its own, since a process has one backend.
import { expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import { input, model as modelOf, type LayersModel } from '@tensorflow/tfjs-layers';
import { ModelStore } from '@ekiben/store';
import { tensor } from '@ekiben/tensor';
import { loadTfjs, tfjs } from '../src/index.ts';
import { expectedOf, failure, fixture, MODELS, near, plain, removeTemporary, temporary } from './fixtures.ts';

test.each(MODELS)('%s gives in plain JavaScript what TensorFlow gives', async (name) => {
  const { inputs, outputs } = expectedOf(name);
  const model = await loadTfjs(fixture(name), { backend: 'cpu' });
  expect(model.backend).toBe('cpu');
  expect(plain(await model.predict(inputs))).toEqual(near(outputs));
  await model.close();
});

test('another backend than that of the process is refused', async () => {
  expect(await failure(loadTfjs(fixture('mlp-layers'), { backend: 'wasm' }))).toMatchObject({
    code: 'EKIBEN_TFJS_BACKEND',
    message: expect.stringContaining('the backend wasm is wanted, but this process has cpu'),
  });
  const model = await loadTfjs(fixture('mlp-layers'));
  expect(model.backend).toBe('cpu');
  await model.close();
});

test('what a model passes on does not share memory with the argument', async () => {
  const x = input({ shape: [2], name: 'x' });
  const same: LayersModel = modelOf({ inputs: x, outputs: x });
  const store = new ModelStore(temporary());
  const model = await (await store.save('same', same, tfjs)).load();
  const given = tensor([1, 2], [1, 2], 'float32');
  const outputs = await model.predict(given);
  (outputs['x']!.data as Float32Array)[0] = 7;
  expect(given.data[0]).toBe(1);
  expect(tf.getBackend()).toBe('cpu');
  await model.close();
  removeTemporary();
});
