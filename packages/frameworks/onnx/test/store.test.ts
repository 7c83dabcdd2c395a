/** @jest-environment @ekiben/adapter-testkit/jest-environment */
// Models in the store that BentoML shares: saved here, saved there, and run.
import { afterAll, beforeEach, describe, expect, test } from '@jest/globals';
import { runnerInfo, toRunner } from '@ekiben/runners';
import type { AnyFramework, Tensor } from '@ekiben/spec';
import { ModelStore } from '@ekiben/store';
import { concat } from '@ekiben/tensor';
import { copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadOnnx, onnx, onnxWith } from '../src/index.ts';
import { expectedOf, failure, fixture, plain, ramp, removeTemporary, temporary, using } from './fixtures.ts';

let store: ModelStore;
beforeEach(() => {
  store = new ModelStore(temporary());
});
afterAll(removeTemporary);

const MLP = fixture('mlp-dynamic-batch.onnx');
const { inputs, outputs } = expectedOf('mlp-dynamic-batch');

test('what BentoML saved is loaded and equals Python', async () => {
  const { tag } = await store.import(fixture('onnx-mlp.bentomodel'));
  const { tag: expected } = JSON.parse(await readFile(fixture('onnx-mlp.expected.json'), 'utf8')) as { tag: string };
  expect(tag).toBe(expected);
  const runner = toRunner(await store.get(tag, onnx));
  expect(runner[runnerInfo].name).toBe('mlp');
  expect(plain(await runner.run.run(inputs))).toBe(plain(outputs));
});

describe('a model is saved', () => {
  test('from a path, from bytes, and from a loaded model, all alike', async () => {
    const sources = [MLP, await readFile(MLP), await loadOnnx(MLP)];
    for (const source of sources) {
      const { info } = await store.save('mlp', source, onnx);
      expect(await readFile(join(info.path, 'saved_model.onnx'))).toEqual(await readFile(MLP));
      expect(info).toMatchObject({
        module: 'bentoml.onnx',
        apiVersion: 'v1',
        options: { providers: null, session_options: null },
        context: { frameworkName: 'onnx', frameworkVersions: { 'onnxruntime-node': '1.30.0' } },
      });
      await using(Promise.resolve((await store.get(info.tag, onnx)).load()), async (model) => {
        expect(plain(await model.run(inputs))).toBe(plain(outputs));
      });
    }
    await (sources[2] as Awaited<ReturnType<typeof loadOnnx>>).close();
  });

  test('with the files of its weights', async () => {
    const { info } = await store.save('zip', fixture('more/zipmap-strings-external.onnx'), onnx);
    expect((await readdir(info.path)).sort()).toEqual([
      'model.yaml',
      'saved_model.onnx',
      'zipmap-strings-external.weights',
    ]);
  });

  test('not without them, and with none from elsewhere', async () => {
    const file = fixture('more/if-external-default.onnx');
    const bytes = await failure(store.save('x', await readFile(file), onnx));
    expect(bytes).toMatchObject({
      code: 'EKIBEN_ONNX_EXTERNAL_DATA',
      message: expect.stringContaining('give its path'),
    });

    const folder = join(temporary(), 'inner');
    await mkdir(folder);
    await copyFile(file, join(folder, 'm.onnx'));
    expect(await failure(store.save('x', join(folder, 'm.onnx'), onnx))).toMatchObject({
      code: 'EKIBEN_ONNX_EXTERNAL_DATA',
      message: expect.stringContaining('must lie beside it'),
    });

    // A name of the same length that leaves the folder, to a file that is there.
    await copyFile(fixture('more/if-external-default.weights'), join(folder, '../external-default.weights'));
    const hostile = Buffer.from(
      (await readFile(file)).toString('latin1').replaceAll('if-external-', '../external-'),
      'latin1',
    );
    await writeFile(join(folder, 'm.onnx'), hostile);
    for (const step of [
      store.save('x', join(folder, 'm.onnx'), onnx),
      loadOnnx(join(folder, 'm.onnx')),
      loadOnnx(join(folder, 'm.onnx'), { runtime: 'onnxruntime-web' }),
    ]) {
      expect(await failure(step)).toMatchObject({
        code: 'EKIBEN_ONNX_EXTERNAL_DATA',
        message: expect.stringContaining('outside its folder'),
      });
    }
    expect(await failure(loadOnnx(hostile))).toMatchObject({ code: 'EKIBEN_ONNX_EXTERNAL_DATA' });
    expect(await store.list()).toEqual([]);
  });

  test('not if it is none', async () => {
    const text = Buffer.from('{"not": "onnx"}');
    expect(await failure(store.save('x', text, onnx))).toMatchObject({ code: 'EKIBEN_ONNX_MODEL_INVALID' });
    expect(await failure(store.save('x', 'nowhere.onnx', onnx))).toMatchObject({ code: 'EKIBEN_ONNX_MODEL_INVALID' });
    const url = new URL(`file://${MLP}`) as unknown as string;
    expect(await failure(store.save('x', url, onnx))).toMatchObject({
      code: 'EKIBEN_ONNX_MODEL_INVALID',
      message: 'a model is the path of an .onnx file, or its bytes as a Uint8Array',
    });
  });
});

describe('calls may be joined', () => {
  test.each([
    ['where the open length is called batch', 'mlp-dynamic-batch', true],
    ['where it is called n, everywhere', 'two-inputs-int64', true],
    ['where a converter of scikit-learn left it without a name', 'iris-forest', true],
    ['with maps as well', 'iris-pipeline-zipmap', true],
    ['not where input and output have other lengths', 'more/every-dtype', false],
    ['not where the lengths are fixed', 'more/if-external-default', false],
  ])('%s', async (_name, name, batchable) => {
    const { info } = await store.save('m', fixture(`${name}.onnx`), onnx);
    expect(info.signatures).toEqual({ run: batchable ? { batchable, batchDim: [0, 0] } : { batchable } });
  });

  test('not where another axis has the same length', async () => {
    // A square matrix [n, n], transposed.
    const square =
      'CAgSADpEChEKAWESAXkiCVRyYW5zcG9zZRIBZ1oVCgFhEhAKDggBEgoKAxIBbgoDEgFuYhUKAXkSEAoOCAESCgoDEgFuCgMSAW5CBAoAEBE=';
    const { info } = await store.save('m', Buffer.from(square, 'base64'), onnx);
    expect(info.signatures).toEqual({ run: { batchable: false } });
  });

  test('or as the caller says', async () => {
    const { info } = await store.save('m', MLP, onnx, { signatures: { run: { batchable: false } } });
    expect(info.signatures).toEqual({ run: { batchable: false } });
  });

  test('and then they are: tensors alone, records, and maps come back to their callers', async () => {
    const zip = expectedOf('iris-pipeline-zipmap');
    const rows = zip.inputs['X'] as Tensor;
    await store.save('zip', fixture('iris-pipeline-zipmap.onnx'), onnx);
    const runner = toRunner(await store.get('zip', onnx));
    await runner.run.run(rows);
    const [one, two] = await Promise.all([runner.run.run(rows), runner.run.run(concat([rows, rows]))]);
    expect(plain(one)).toBe(plain(zip.outputs));
    expect((two['output_probability'] as object[]).length).toBe(10);
    const model = toRunner(await store.save('mlp', MLP, onnx));
    await model.run.run({ x: ramp(1, 8) });
    const answers = await Promise.all([1, 2, 3].map((n) => model.run.run({ x: ramp(n, 8) })));
    expect(answers.map(({ probabilities }) => (probabilities as Tensor).shape)).toEqual([
      [1, 4],
      [2, 4],
      [3, 4],
    ]);
  });
});

describe('execution providers', () => {
  test('stand in model.yaml as Python writes them', async () => {
    const providers = [{ name: 'cuda', deviceId: 1, cudnnConvAlgoSearch: 'DEFAULT' }, 'cpu'] as const;
    const { info } = await store.save('m', MLP, onnx, { options: { providers } });
    expect(info.options['providers']).toEqual([
      ['CUDAExecutionProvider', { device_id: 1, cudnn_conv_algo_search: 'DEFAULT' }],
      'CPUExecutionProvider',
    ]);
  });

  test.each([['OpenVINOExecutionProvider'], [3], 'CPUExecutionProvider', { a: 1 }])(
    '%j is refused',
    async (providers) => {
      const { info } = await store.save('m', MLP, onnx);
      const yaml = join(info.path, 'model.yaml');
      const text = (await readFile(yaml, 'utf8')).replace('providers: null', `providers: ${JSON.stringify(providers)}`);
      // Not in place: the store may share the file with other models.
      await rm(yaml);
      await writeFile(yaml, text);
      const error = await failure((await store.get('m', onnx)).load());
      expect(error).toMatchObject({
        code: 'EKIBEN_ONNX_PROVIDER',
        message: expect.stringContaining('CUDAExecutionProvider'),
      });
    },
  );
});

describe('onnxWith', () => {
  const typed = onnxWith({ inputs: { x: 'float32' }, outputs: { probabilities: 'float32' } });

  test('gives the method its types', async () => {
    await store.save('mlp', MLP, typed);
    const { probabilities } = await toRunner(await store.get('mlp', typed)).run.run({ x: ramp(2, 8) });
    const first: number = probabilities.item(0);
    expect(first).toBeGreaterThan(0);
  });

  test('refuses a model that has other inputs or outputs', async () => {
    await store.save('iris', fixture('iris-forest.onnx'), onnx);
    const load = async (framework: AnyFramework) => failure((await store.get('iris', framework)).load());
    expect(await load(typed)).toMatchObject({
      code: 'EKIBEN_ONNX_SIGNATURE',
      message: 'the model has no input x (float32); it has X (float32)',
    });
    expect(await load(onnxWith({ outputs: { label: 'maps' } }))).toMatchObject({
      code: 'EKIBEN_ONNX_SIGNATURE',
      message: 'the model has no output label (maps); it has label (int64), probabilities (float32)',
    });
  });

  test('sets the options of the session', async () => {
    await store.save('mlp', MLP, onnx);
    const wrong = onnxWith({ session: { graphOptimizationLevel: 'most' as 'all' } });
    const error = await failure((await store.get('mlp', wrong)).load());
    expect(error).toMatchObject({
      code: 'EKIBEN_ONNX_MODEL_INVALID',
      message: expect.stringContaining('graphOptimizationLevel'),
    });
  });
});

describe('warming up', () => {
  test.each([
    ['computes one row', 'mlp-dynamic-batch', true],
    ['of strings too', 'string-identity', true],
    ['is not there where other lengths are open: a row of length 1 would cost nothing', 'cnn-image-features', false],
  ])('%s', async (_name, name, there) => {
    const model = await store.save('m', fixture(`${name}.onnx`), onnx);
    const runnable = onnx.runnable(await model.load(), model.manifest);
    expect(runnable.warmUp !== undefined).toBe(there);
    await runnable.warmUp?.();
    await runnable.close?.();
  });
});
