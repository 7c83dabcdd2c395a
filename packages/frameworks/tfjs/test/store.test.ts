/** @jest-environment @ekiben/adapter-testkit/jest-environment */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { toRunner } from '@ekiben/runners';
import { ModelStore } from '@ekiben/store';
import { concat, tensor } from '@ekiben/tensor';
import { loadGraphModel } from '@tensorflow/tfjs-converter';
import * as tf from '@tensorflow/tfjs-core';
import { layers, sequential } from '@tensorflow/tfjs-layers';
import { cp, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadTfjs, MAX_MODEL_JSON_BYTES, tfjs, tfjsWith } from '../src/index.ts';
import { expectedOf, failure, fixture, near, plain, removeTemporary, temporary } from './fixtures.ts';

let store: ModelStore;
beforeEach(() => {
  store = new ModelStore(temporary());
});
afterAll(removeTemporary);
// TensorFlow.js has no backend before the first model; a program that makes models has set one.
beforeAll(async () => (await loadTfjs(fixture('mlp-layers'))).close());

describe('a model is saved', () => {
  test.each([
    ['the folder of its files', 'cnn-layers'],
    ['its model.json', 'cnn-layers/model.json'],
  ])('from %s, as they are', async (_what, path) => {
    const { info } = await store.save('cnn', fixture(path), tfjs);
    const files = ['group1-shard1of3.bin', 'group1-shard2of3.bin', 'group1-shard3of3.bin', 'model.json'];
    expect((await readdir(info.path)).sort()).toEqual([...files, 'model.yaml'].sort());
    for (const file of files) {
      expect(await readFile(join(info.path, file))).toEqual(await readFile(fixture(`cnn-layers/${file}`)));
    }
    expect(info).toMatchObject({
      module: '@ekiben/tfjs',
      context: {
        frameworkVersions: { generated_by: 'keras v2.19.0', converted_by: 'TensorFlow.js Converter v4.22.0' },
      },
    });
  });

  test('from a tf.LayersModel that was made here, and from one that was loaded from the store', async () => {
    const model = sequential({
      layers: [
        layers.dense({ inputShape: [3], units: 4, activation: 'tanh', name: 'first' }),
        layers.dense({ units: 2, name: 'answer' }),
      ],
    });
    const rows = tensor([1, 2, 3, 4, 5, 6], [2, 3], 'float32');
    const saved = await store.save('ours', model, tfjs);
    const answer = model.predict(tf.tensor(rows.data, [2, 3])) as tf.Tensor;
    const wanted = { answer: tensor((await answer.data()) as Float32Array, [2, 2], 'float32') };
    const loaded = await saved.load();
    expect(plain(await loaded.predict(rows))).toEqual(near(wanted));
    const again = await (await store.save('again', loaded, tfjs)).load();
    expect(plain(await again.predict(rows))).toEqual(near(wanted));
    await loaded.close();
    await again.close();
  });

  test('from a tf.GraphModel, with its signature', async () => {
    const { inputs, outputs } = expectedOf('two-graph');
    const json = JSON.parse(await readFile(fixture('two-graph/model.json'), 'utf8')) as tf.io.ModelJSON;
    const weights = await readFile(fixture('two-graph/group1-shard1of1.bin'));
    const graph = await loadGraphModel(
      tf.io.fromMemory({
        ...json,
        weightSpecs: json.weightsManifest[0]!.weights,
        weightData: Uint8Array.from(weights).buffer,
      }),
    );
    const model = await (await store.save('two', graph, tfjs)).load();
    expect(plain(await model.predict(inputs))).toEqual(near(outputs));
    await model.close();
  });

  test('not if it is none', async () => {
    const folder = temporary();
    const write = (json: unknown) => writeFile(join(folder, 'model.json'), JSON.stringify(json));
    const code = async (message: string) => {
      for (const step of [() => store.save('x', folder, tfjs), () => loadTfjs(folder)]) {
        expect(await failure(step())).toMatchObject({
          code: 'EKIBEN_TFJS_MODEL_INVALID',
          message: expect.stringContaining(message),
        });
      }
    };
    await code('cannot be read');
    await write([]);
    await code('no modelTopology');
    await write({ modelTopology: {} });
    await code('no weightsManifest');
    await write({ modelTopology: {}, weightsManifest: [] });
    await code('neither a layers model nor a graph model');
    await write({ modelTopology: { node: [] }, weightsManifest: [{ paths: [1], weights: [] }] });
    await code('no weightsManifest');
    await write({
      format: 'graph-model',
      modelTopology: { node: [] },
      weightsManifest: [{ paths: ['gone.bin'], weights: [] }],
    });
    await code('gone.bin cannot be read');
    for (const path of ['../outside.bin', '/etc/hostname', 'a/../../b', '', 'a\0b']) {
      await write({
        format: 'graph-model',
        modelTopology: { node: [] },
        weightsManifest: [{ paths: [path], weights: [] }],
      });
      await code('outside its folder');
    }
    await write({ modelTopology: { node: [] }, weightsManifest: [{ paths: [], weights: [null] }] });
    await code('no weightsManifest');
    expect(await store.list()).toEqual([]);
  });

  test('nor with weights of other sizes than model.json says', async () => {
    const folder = temporary();
    await cp(fixture('mlp-layers'), folder, { recursive: true });
    const shard = join(folder, 'group1-shard1of1.bin');
    const bytes = await readFile(shard);
    const text = await readFile(join(folder, 'model.json'), 'utf8');
    const refused = async (message: string) => {
      const { numTensors } = tf.memory();
      for (const step of [() => store.save('x', folder, tfjs), () => loadTfjs(folder)]) {
        expect(await failure(step())).toMatchObject({ code: 'EKIBEN_TFJS_MODEL_INVALID', message });
      }
      expect(tf.memory().numTensors).toBe(numTensors);
    };
    for (const wrong of [Buffer.alloc(0), bytes.subarray(0, 10), Buffer.concat([bytes, bytes])]) {
      await writeFile(shard, wrong);
      await refused(
        `the weights [group1-shard1of1.bin] have ${wrong.length} bytes, but model.json says ${bytes.length}`,
      );
    }
    await writeFile(shard, bytes);
    for (const [weight, what] of [
      [{ shape: [1e9, 1e9] }, 'float32[1000000000, 1000000000]'],
      [{ shape: [-8, -16] }, 'float32[-8, -16]'],
      [{ shape: [8, 16], dtype: 'float8' }, 'float8[8, 16]'],
      [{ shape: [8, 16], quantization: { dtype: 'uint7' } }, 'uint7[8, 16]'],
    ] as const) {
      const json = JSON.parse(text) as { weightsManifest: [{ weights: [object] }] };
      Object.assign(json.weightsManifest[0].weights[0], weight);
      await writeFile(join(folder, 'model.json'), JSON.stringify(json));
      await refused(`model.json has a weight hidden/kernel of ${what}, which there cannot be`);
    }
  });

  test('nor without outputs', async () => {
    const folder = temporary();
    await writeFile(join(folder, 'model.json'), JSON.stringify(EMPTY_GRAPH));
    expect(await failure(loadTfjs(folder))).toMatchObject({
      code: 'EKIBEN_TFJS_MODEL_INVALID',
      message: 'the model has no outputs',
    });
  });

  test('nor what is neither a path nor a model', async () => {
    for (const model of [undefined, null, 3, {}, new URL('file:///model.json')] as never[]) {
      expect(await failure(store.save('x', model, tfjs))).toMatchObject({ code: 'EKIBEN_TFJS_MODEL_INVALID' });
      expect(await failure(loadTfjs(model))).toMatchObject({ code: 'EKIBEN_TFJS_MODEL_INVALID' });
    }
  });
});

const EMPTY_GRAPH = { modelTopology: { node: [], versions: { producer: 1 } }, weightsManifest: [] };

test('a model.json beyond all measure is not read', async () => {
  const folder = temporary();
  const { truncate } = await import('node:fs/promises');
  await writeFile(join(folder, 'model.json'), '{}');
  await truncate(join(folder, 'model.json'), MAX_MODEL_JSON_BYTES + 1);
  expect(await failure(loadTfjs(folder))).toMatchObject({ message: expect.stringContaining('more than') });
});

test('what TensorFlow.js does not open leaves nothing behind, and says why', async () => {
  const folder = temporary();
  await cp(fixture('mlp-layers'), folder, { recursive: true });
  const json = (await readFile(join(folder, 'model.json'), 'utf8')).replace('"Dense"', '"Dents"');
  await writeFile(join(folder, 'model.json'), json);
  const { numTensors } = tf.memory();
  expect(await failure(loadTfjs(folder))).toMatchObject({
    code: 'EKIBEN_TFJS_MODEL_INVALID',
    // In one line, though TensorFlow.js says it in three.
    message: expect.stringMatching(/^TensorFlow\.js does not open the model: Unknown layer: Dents.* 1\. .*$/),
  });
  expect(tf.memory().numTensors).toBe(numTensors);
});

describe('calls may be joined', () => {
  test.each([
    ['of a layers model, whose first axis is its batch', 'mlp-layers', true],
    ['not of a graph, whose first axis may be anything', 'positive-graph', false],
  ])('%s', async (_what, name, batchable) => {
    const { info } = await store.save('m', fixture(name), tfjs);
    expect(info.signatures).toEqual({ predict: batchable ? { batchable, batchDim: [0, 0] } : { batchable } });
  });

  test('and then they are', async () => {
    const { inputs, outputs } = expectedOf('mlp-layers');
    const rows = inputs['hidden_input']!;
    const runner = toRunner(await store.save('mlp', fixture('mlp-layers'), tfjs));
    await runner.predict.run(rows);
    const [one, two] = await Promise.all([runner.predict.run(rows), runner.predict.run(concat([rows, rows]))]);
    expect(plain(one)).toEqual(near(outputs));
    expect(two['probabilities']?.shape).toEqual([20, 4]);
  });
});

describe('tfjsWith', () => {
  const typed = tfjsWith({ inputs: { hidden_input: 'float32' }, outputs: { probabilities: 'float32' } });

  test('gives the method its types', async () => {
    const { inputs, outputs } = expectedOf('mlp-layers');
    await store.save('mlp', fixture('mlp-layers'), typed);
    const runner = toRunner(await store.get('mlp', typed));
    const { probabilities } = await runner.predict.run(inputs['hidden_input']!);
    const first: number = probabilities.item(0);
    expect(first).toBeCloseTo(Number(outputs['probabilities']?.item(0)), 5);
  });

  test('refuses a model that has others', async () => {
    await store.save('two', fixture('two-graph'), tfjs);
    expect(await failure((await store.get('two', typed)).load())).toMatchObject({
      code: 'EKIBEN_TFJS_SIGNATURE',
      message: 'the model has no input hidden_input (float32); it has n (int32), x (float32)',
    });
  });
});

test('what TensorFlow.js refuses comes with its words, and the model goes on', async () => {
  const { inputs, outputs } = expectedOf('two-graph');
  const model = await loadTfjs(fixture('two-graph'));
  const { numTensors } = tf.memory();
  const n = tensor([1, 2, 3], [3], 'int32');
  expect(await failure(model.predict({ ...inputs, n }))).toMatchObject({
    code: 'EKIBEN_TFJS_RUN_FAILED',
    message: expect.stringContaining('TensorFlow.js: '),
  });
  expect(tf.memory().numTensors).toBe(numTensors);
  expect(plain(await model.predict(inputs))).toEqual(near(outputs));
  const calls = [model.predict(inputs), model.predict(inputs)];
  await model.close();
  expect((await Promise.all(calls)).map(plain)).toEqual([near(outputs), near(outputs)]);
  expect(await failure(model.predict(inputs))).toMatchObject({ code: 'EKIBEN_TFJS_CLOSED' });
});
