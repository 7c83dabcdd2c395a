/** @jest-environment @ekiben/adapter-testkit/jest-environment */
import { testAdapter } from '@ekiben/adapter-testkit/jest';
import { tensor } from '@ekiben/tensor';
import * as tf from '@tensorflow/tfjs-core';
import { tfjs } from '../src/index.ts';
import { expectedOf, fixture, MODELS } from './fixtures.ts';

for (const name of MODELS) {
  const { inputs, outputs } = expectedOf(name);
  testAdapter({
    framework: tfjs,
    title: name,
    model: () => fixture(name),
    calls: { predict: [{ args: [inputs], result: outputs }] },
    refused: { predict: [{ args: [{ nope: tensor([1], [1], 'float32') }], code: 'EKIBEN_TFJS_INPUT' }] },
    held: () => (tf.getBackend() === undefined ? 0 : tf.memory().numTensors),
    // TensorFlow rounds otherwise, in the last bits.
    tolerance: 2e-6,
  });
}
