// The real BentoML with the real onnxruntime, once as of the course (1.0.7) and once current: what one side saved, the other loads and
// predicts to the same bits.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onnx } from '@ekiben/onnx';
import { ModelStore } from '@ekiben/store';
import { check, finish, run, temporary } from '../../../store/checks/harness.mjs';
import { virtualEnvironment } from '../../../store/checks/python.mjs';
import { tensor } from '@ekiben/tensor';

const PYTHONS = {
  // Without the last four pins it does not start; onnxruntime is the oldest for this Python.
  '1.0.7': [
    'bentoml==1.0.7',
    'onnx==1.16.2',
    'onnxruntime==1.17.3',
    'numpy<2',
    'starlette==0.22.0',
    'pydantic<2',
    'cattrs<23',
    'setuptools<80',
  ],
  '1.4.39': ['bentoml==1.4.39', 'onnx==1.23.2', 'onnxruntime==1.32.0', 'numpy==2.4.6'],
};

const fixture = (name) => fileURLToPath(new URL(`../test/fixtures/${name}`, import.meta.url));
const rows = Array.from({ length: 5 }, (_, row) =>
  Array.from({ length: 8 }, (_, column) => Math.fround(Math.sin(row * 8 + column))),
);
const bitsOf = (data) => Buffer.from(Float32Array.from(data).buffer).toString('hex');

/** What a model that we loaded from the store answers to the rows. */
async function answer(store, tag) {
  const model = await store.get(tag, onnx);
  const { methods, close } = onnx.runnable(await model.load(), model.manifest);
  const { probabilities } = await methods.run(tensor(Float32Array.from(rows.flat()), [5, 8], 'float32'));
  await close();
  return bitsOf(probabilities.data);
}

for (const [version, pins] of Object.entries(PYTHONS)) {
  const venv = virtualEnvironment(pins);
  const home = temporary();
  const store = new ModelStore(home);
  const named = (text) => `BentoML ${version}: ${text}`;
  const python = (operation, values, where = home) => {
    const script = fileURLToPath(new URL('peer.py', import.meta.url));
    const env = { ...process.env, BENTOML_HOME: where, BENTOML_DO_NOT_TRACK: 'True' };
    const output = run(join(venv, 'bin/python'), [script, operation, JSON.stringify({ rows, ...values })], { env });
    return JSON.parse(output.trimEnd().split('\n').at(-1));
  };

  await check(named('what Python saved we load, and it answers the same'), async () => {
    const saved = python('save', { file: fixture('mlp-dynamic-batch.onnx') });
    const { signatures, module } = await store.get(saved.tag);
    assert.deepEqual([module, signatures.run], ['bentoml.onnx', { batchable: true, batchDim: [0, 0] }]);
    assert.equal(await answer(store, saved.tag), saved.bits);
  });

  for (const [what, options] of Object.entries({
    'what we saved': {},
    'what we saved with an execution provider': { options: { providers: ['cpu'] } },
  })) {
    await check(named(`${what}, Python loads, and it answers the same, in a runner as well`), async () => {
      const { tag } = await store.save('ours', fixture('mlp-dynamic-batch.onnx'), onnx, options);
      const bits = await answer(store, tag);
      assert.deepEqual(python('load', { tag }), { session: bits, runner: bits, batchable: true });
    });
  }

  await check(named('weights in files of their own travel'), async () => {
    const source = temporary();
    python('externalise', { file: fixture('mlp-dynamic-batch.onnx'), target: join(source, 'mlp.onnx') });
    const { tag, info } = await store.save('external', join(source, 'mlp.onnx'), onnx);
    assert.ok(readFileSync(join(info.path, 'mlp.weights')).length > 0);
    const bits = await answer(store, tag);
    assert.equal(python('load', { tag }).session, bits);
  });

  await check(named('what we exported, Python imports and loads'), async () => {
    const { tag } = await store.save('exported', fixture('mlp-dynamic-batch.onnx'), onnx);
    const { location } = await store.export(tag, `${temporary()}/`);
    const elsewhere = temporary();
    assert.equal(python('import', { path: location }, elsewhere).tag, tag);
    assert.equal(python('load', { tag }, elsewhere).session, await answer(store, tag));
  });
}

finish();
