// The real @tensorflow/tfjs-node. Its installer downloads a library from a place of its own, so the library comes from Maven here, the
// headers from PyPI, and the binding is compiled: a minute, and 1.2 GB.
import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cached, check, finish, run, temporary } from '../../../store/checks/harness.mjs';

const PINS = {
  npm: [
    '@tensorflow/tfjs-node@4.22.0',
    '@tensorflow/tfjs-core@4.22.0',
    '@tensorflow/tfjs-layers@4.22.0',
    '@tensorflow/tfjs-converter@4.22.0',
    'node-api-headers@1.5.0',
  ],
  // TensorFlow 2.10 with libtensorflow_cc.so.2, and headers of 2.9.
  maven: 'org.tensorflow:tensorflow-core-api:0.5.0:jar:linux-x86_64',
  pypi: 'tensorflow-cpu==2.9.1',
};

const PACKAGE = fileURLToPath(new URL('..', import.meta.url));
const unzip = (archive, target) => run('python3', ['-m', 'zipfile', '-e', archive, target]);
/** @returns {string} the first file of a folder, at any depth, whose path ends so */
const find = (dir, end) =>
  join(
    dir,
    readdirSync(dir, { recursive: true })
      .map(String)
      .find((path) => path.endsWith(end)),
  );

const project = cached('tfjs-node', { PINS, node: process.versions.modules }, (dir) => {
  run('npm', ['init', '-y'], { cwd: dir });
  run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', ...PINS.npm], { cwd: dir });
  const own = join(dir, 'node_modules/@tensorflow/tfjs-node');

  const maven = temporary();
  run('mvn', ['-q', '-B', 'dependency:copy', `-Dartifact=${PINS.maven}`, `-DoutputDirectory=${maven}`], { cwd: maven });
  unzip(find(maven, '.jar'), maven);
  mkdirSync(join(own, 'deps/lib'), { recursive: true });
  for (const library of ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2']) {
    cpSync(find(maven, library), join(own, 'deps/lib', library));
  }
  symlinkSync('libtensorflow_cc.so.2', join(own, 'deps/lib/libtensorflow.so'));
  symlinkSync('libtensorflow_framework.so.2', join(own, 'deps/lib/libtensorflow_framework.so'));

  const wheel = temporary();
  run('pip', [
    'download',
    '--quiet',
    '--no-deps',
    '--only-binary',
    ':all:',
    '--python-version',
    '3.10',
    '--dest',
    wheel,
    PINS.pypi,
  ]);
  unzip(find(wheel, '.whl'), wheel);
  cpSync(join(wheel, 'tensorflow/include'), join(own, 'deps/include'), { recursive: true });

  mkdirSync(join(own, 'lib/napi-v8'), { recursive: true });
  const sources = readdirSync(join(own, 'binding')).filter((file) => file.endsWith('.cc'));
  const headers = ['deps/include', '../../node-api-headers/include'].map((path) => `-I${path}`);
  const link = ['-Ldeps/lib', '-ltensorflow', '-ltensorflow_framework', '-Wl,-rpath,$ORIGIN/../../deps/lib'];
  const output = ['-o', 'lib/napi-v8/tfjs_binding.node'];
  const flags = ['-O2', '-fPIC', '-shared', '-std=c++17', '-DNAPI_VERSION=8'];
  run('g++', [...flags, ...headers, ...sources.map((file) => `binding/${file}`), ...link, ...output], { cwd: own });
});

for (const name of ['@ekiben/spec', '@ekiben/tensor', '@ekiben/tfjs']) {
  const target = join(project, 'node_modules', name);
  if (existsSync(target)) continue;
  mkdirSync(dirname(target), { recursive: true });
  if (name !== '@ekiben/tfjs') symlinkSync(join(PACKAGE, 'node_modules', name), target);
}
// Copied, so that it finds the TensorFlow.js of the project.
cpSync(join(PACKAGE, 'dist'), join(project, 'node_modules/@ekiben/tfjs/dist'), { recursive: true });
cpSync(join(PACKAGE, 'package.json'), join(project, 'node_modules/@ekiben/tfjs/package.json'));

const PROGRAM = `
  import { loadTfjs } from '@ekiben/tfjs';
  import { tensor } from '@ekiben/tensor';
  import * as tf from '@tensorflow/tfjs-core';
  import { readFileSync } from 'node:fs';
  const folder = process.argv[1];
  const { inputs } = JSON.parse(readFileSync(folder + '.expected.json'));
  const model = await loadTfjs(folder);
  const feeds = Object.fromEntries(Object.entries(inputs).map(([name, { data, shape, dtype }]) => [name, tensor(data, shape, dtype)]));
  const outputs = await model.predict(feeds);
  const used = tf.memory().numTensors;
  for (let call = 0; call < 1000; call++) await model.predict(feeds);
  const leaked = tf.memory().numTensors - used;
  await model.close();
  const plain = Object.entries(outputs).map(([name, { data, shape, dtype }]) => [name, { data: [...data], shape, dtype }]);
  console.log(JSON.stringify({ backend: model.backend, leaked, left: tf.memory().numTensors, outputs: Object.fromEntries(plain) }));
`;

for (const name of ['mlp-layers', 'cnn-layers', 'two-graph', 'positive-graph', 'halved-graph']) {
  await check(`${name} gives on tfjs-node what TensorFlow gives, and leaves no tensor behind in 1,000 calls`, () => {
    const fixture = join(PACKAGE, 'test/fixtures', name);
    const env = { ...process.env, TF_CPP_MIN_LOG_LEVEL: '3' };
    const output = run(process.execPath, ['--input-type=module', '--eval', PROGRAM, fixture], { cwd: project, env });
    const { outputs, ...rest } = JSON.parse(output.trimEnd().split('\n').at(-1));
    assert.deepEqual(rest, { backend: 'tensorflow', leaked: 0, left: 0 });
    const expected = JSON.parse(readFileSync(`${fixture}.expected.json`, 'utf8')).outputs;
    assert.deepEqual(Object.keys(outputs).sort(), Object.keys(expected).sort());
    for (const [key, { data, shape, dtype }] of Object.entries(expected)) {
      assert.deepEqual([outputs[key].shape, outputs[key].dtype], [shape, dtype]);
      outputs[key].data.forEach((x, i) =>
        assert.ok(Math.abs(x - Number(data[i])) < 1e-5, `${key}[${i}]: ${x}, not ${data[i]}`),
      );
    }
  });
}

finish();
