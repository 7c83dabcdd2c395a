// Which backend is taken, told by a process of its own each time: TensorFlow.js has one for a whole process.
import { afterAll, describe, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fixture, removeTemporary, temporary } from './fixtures.ts';

afterAll(removeTemporary);

const PACKAGE = fileURLToPath(new URL('..', import.meta.url));
const ALL = ['core', 'layers', 'converter', 'backend-wasm'];

/** A project in which this package is installed with these packages of TensorFlow.js; `tfjs-node` is the text of its module. */
function project(packages: readonly string[], tfjsNode?: string): string {
  const folder = temporary();
  const own = join(folder, 'node_modules/@ekiben/tfjs');
  cpSync(join(PACKAGE, 'dist'), join(own, 'dist'), { recursive: true });
  cpSync(join(PACKAGE, 'package.json'), join(own, 'package.json'));
  for (const name of ['@ekiben/spec', '@ekiben/tensor', ...packages.map((each) => `@tensorflow/tfjs-${each}`)]) {
    mkdirSync(dirname(join(folder, 'node_modules', name)), { recursive: true });
    symlinkSync(realpathSync(join(PACKAGE, 'node_modules', name)), join(folder, 'node_modules', name));
  }
  if (tfjsNode !== undefined) {
    mkdirSync(join(folder, 'node_modules/@tensorflow/tfjs-node'));
    writeFileSync(join(folder, 'node_modules/@tensorflow/tfjs-node/index.js'), tfjsNode);
  }
  return folder;
}

function load(folder: string, { first = '', options = {} }: { first?: string; options?: object } = {}) {
  const program = `
    import { subscribe } from 'node:diagnostics_channel';
    import { loadTfjs } from '@ekiben/tfjs';
    ${first}
    subscribe('ekiben:tfjs:backend', (event) => console.log(JSON.stringify(event)));
    try {
      const model = await loadTfjs(process.argv[1], JSON.parse(process.argv[2]));
      console.log(JSON.stringify({ backend: model.backend }));
    } catch ({ code, message }) {
      console.log(JSON.stringify({ code, message }));
    }`;
  const args = ['--input-type=module', '--eval', program, fixture('mlp-layers'), JSON.stringify(options)];
  const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8' });
  const lines = stdout.trim().split('\n');
  const events = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  return { result: events.at(-1), chosen: events.length > 1 ? events[0] : undefined, stderr };
}

describe('the backend', () => {
  test('is WebAssembly where tfjs-node is not installed, and no word is lost about it', () => {
    const { result, chosen, stderr } = load(project(ALL));
    expect(result).toEqual({ backend: 'wasm' });
    expect(chosen).toMatchObject({ backend: 'wasm', version: '4.22.0', missed: [{ backend: 'tensorflow' }] });
    expect(stderr).toBe('');
  });

  test('is that of tfjs-node where it is installed', () => {
    // What it does when it loads: it registers a backend. This one computes in plain JavaScript.
    const cpu = `require.resolve('@tensorflow/tfjs-backend-cpu', { paths: [require.resolve('@tensorflow/tfjs-backend-wasm')] })`;
    const tfjsNode = `
      const tf = require('@tensorflow/tfjs-core');
      const { MathBackendCPU } = require(${cpu});
      tf.registerBackend('tensorflow', () => new MathBackendCPU(), 3);
      tf.copyRegisteredKernels('cpu', 'tensorflow');`;
    const { result, chosen } = load(project(ALL, tfjsNode));
    expect(result).toEqual({ backend: 'tensorflow' });
    expect(chosen).toMatchObject({ backend: 'tensorflow', missed: [] });
  });

  test('is the next one where tfjs-node does not load, and the reason is told', () => {
    const { result, stderr } = load(project(ALL, `throw new Error('no library was downloaded')`));
    expect(result).toEqual({ backend: 'wasm' });
    expect(stderr).toContain('[EKIBEN_TFJS_FALLBACK]');
    expect(stderr).toContain(
      'the TensorFlow.js backend tensorflow does not work here, using wasm: no library was downloaded',
    );
  });

  test('is the next one where tfjs-node has a TensorFlow.js of its own', () => {
    const { result, stderr } = load(project(ALL, `module.exports = {}`));
    expect(result).toEqual({ backend: 'wasm' });
    expect(stderr).toContain('backend tensorflow does not work here');
  });

  test('is the one that the program has set', () => {
    const first = `
      import * as tf from '@tensorflow/tfjs-core';
      import { createRequire } from 'node:module';
      const require = createRequire(process.cwd() + '/x.js');
      require(require.resolve('@tensorflow/tfjs-backend-cpu', { paths: [require.resolve('@tensorflow/tfjs-backend-wasm')] }));
      await tf.setBackend('cpu');`;
    const { result, chosen } = load(project(ALL), { first });
    expect(result).toEqual({ backend: 'cpu' });
    expect(chosen).toMatchObject({ backend: 'cpu', missed: [] });
  });

  test('is plain JavaScript when that is asked for', () => {
    expect(load(project(ALL), { options: { backend: 'cpu' } }).result).toEqual({ backend: 'cpu' });
  });
});

describe('what is missing is asked for by the command that installs it', () => {
  const INSTALL =
    'npm i @tensorflow/tfjs-core @tensorflow/tfjs-layers @tensorflow/tfjs-converter @tensorflow/tfjs-backend-wasm';

  test.each([
    ['everything', []],
    ['layers', ['core', 'converter', 'backend-wasm']],
    ['every backend', ['core', 'layers', 'converter']],
  ])('%s', (_what, packages) => {
    expect(load(project(packages)).result).toEqual({
      code: 'EKIBEN_TFJS_MISSING',
      message: expect.stringContaining(`\`${INSTALL}\``),
    });
  });
});
