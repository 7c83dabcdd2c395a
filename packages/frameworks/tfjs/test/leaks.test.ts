/** @jest-environment @ekiben/adapter-testkit/jest-environment */
import { expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import { loadTfjs } from '../src/index.ts';
import { expectedOf, fixture, MODELS } from './fixtures.ts';

test.each(MODELS)('%s leaves no tensor behind in 1,000 calls, and none at all once it is closed', async (name) => {
  const { inputs } = expectedOf(name);
  await (await loadTfjs(fixture(name))).close();
  const { numTensors } = tf.memory();
  const model = await loadTfjs(fixture(name));
  await model.predict(inputs);
  const used = tf.memory().numTensors;
  for (let call = 0; call < 1000; call++) await model.predict(inputs);
  expect(tf.memory().numTensors).toBe(used);
  await model.close();
  expect(tf.memory().numTensors).toBe(numTensors);
});
