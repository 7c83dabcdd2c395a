// Which runtime and which execution providers are taken, each told by a process of its own: what is loaded stays loaded.
import { afterAll, describe, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fixture, removeTemporary, temporary } from './fixtures.ts';

afterAll(removeTemporary);

const PACKAGE = fileURLToPath(new URL('..', import.meta.url));

/** A project in which this package is installed with these runtimes; `broken` ones do not load. */
function project(runtimes: Readonly<Record<string, 'there' | 'broken'>>): string {
  const folder = temporary();
  const install = (name: string, target: string) => {
    mkdirSync(dirname(join(folder, 'node_modules', name)), { recursive: true });
    symlinkSync(realpathSync(target), join(folder, 'node_modules', name));
  };
  const own = join(folder, 'node_modules/@ekiben/onnx');
  cpSync(join(PACKAGE, 'dist'), join(own, 'dist'), { recursive: true });
  cpSync(join(PACKAGE, 'package.json'), join(own, 'package.json'));
  for (const name of ['@ekiben/spec', '@ekiben/supervisor', '@ekiben/tensor']) {
    install(name, join(PACKAGE, 'node_modules', name));
  }
  for (const [name, state] of Object.entries(runtimes)) {
    if (state === 'there') install(name, join(PACKAGE, 'node_modules', name));
    else {
      mkdirSync(join(folder, 'node_modules', name));
      writeFileSync(join(folder, 'node_modules', name, 'index.js'), 'throw new Error("no build for this platform")');
    }
  }
  return folder;
}

const PROGRAM = `
import { subscribe } from 'node:diagnostics_channel';
import { loadOnnx } from '@ekiben/onnx';
subscribe('ekiben:onnx:session', (event) => console.log(JSON.stringify(event)));
const [, file, options] = process.argv;
try {
  const model = await loadOnnx(file, JSON.parse(options));
  console.log(JSON.stringify({ runtime: model.runtime, providers: model.providers }));
} catch (error) {
  console.log(JSON.stringify({ code: error.code, message: error.message }));
}`;

function load(folder: string, options: object = {}, env: Record<string, string> = {}) {
  const args = ['--input-type=module', '--eval', PROGRAM, fixture('mlp-dynamic-batch.onnx'), JSON.stringify(options)];
  const { stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, OMP_NUM_THREADS: '', CUDA_VISIBLE_DEVICES: '', ...env },
  });
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  return { result: lines.at(-1), opened: lines.length > 1 ? lines[0] : undefined, stderr };
}

describe('the runtime', () => {
  test('is the native one, and no word is lost about it', () => {
    const { result, opened, stderr } = load(project({ 'onnxruntime-node': 'there', 'onnxruntime-web': 'there' }));
    expect(result).toEqual({ runtime: 'onnxruntime-node', providers: ['cpu'] });
    expect(opened).toMatchObject({ runtime: 'onnxruntime-node', version: '1.30.0', missed: [] });
    expect(stderr).toBe('');
  });

  test('is WebAssembly where there is no native build, and says so', () => {
    const { result, stderr } = load(project({ 'onnxruntime-node': 'broken', 'onnxruntime-web': 'there' }));
    expect(result).toEqual({ runtime: 'onnxruntime-web', providers: ['cpu'] });
    expect(stderr).toContain('[EKIBEN_ONNX_FALLBACK]');
    expect(stderr).toContain('onnxruntime-node does not load: no build for this platform');
  });

  test('is asked for by the command that installs it, where there is none', () => {
    const { result } = load(project({}));
    expect(result).toEqual({
      code: 'EKIBEN_ONNX_RUNTIME_MISSING',
      message:
        'an ONNX model needs ONNX Runtime, but onnxruntime-node is not installed, and onnxruntime-web is not installed. ' +
        'Install it: `ONNXRUNTIME_NODE_INSTALL=skip npm i onnxruntime-node`, or, where it has no build for the platform, ' +
        '`npm i onnxruntime-web`',
    });
  });

  test('is no other than the one that was chosen', () => {
    const { result } = load(project({ 'onnxruntime-node': 'there' }), { runtime: 'onnxruntime-web' });
    expect(result).toMatchObject({
      code: 'EKIBEN_ONNX_RUNTIME_MISSING',
      message: expect.stringContaining('but onnxruntime-web is not installed'),
    });
  });
});

describe('threads and providers', () => {
  const folder = project({ 'onnxruntime-node': 'there' });

  test('threads are those that the runner allows', () => {
    expect(load(folder, {}, { OMP_NUM_THREADS: '3' }).opened).toMatchObject({ threads: 3 });
    const own = load(folder, { session: { intraOpNumThreads: 1 } }, { OMP_NUM_THREADS: '3' });
    expect(own.opened).toMatchObject({ threads: 1 });
    expect(Number(load(folder).opened?.['threads'])).toBeGreaterThanOrEqual(1);
  });

  test('a provider that is not there is left out, and said', () => {
    const { result, opened, stderr } = load(folder, { providers: ['cuda', 'cpu'] });
    expect(result).toEqual({ runtime: 'onnxruntime-node', providers: ['cpu'] });
    expect(opened).toMatchObject({ missed: [{ provider: 'cuda' }] });
    expect(stderr).toContain('the ONNX execution provider cuda does not work here, using cpu');
  });

  test('so is one that this build has not, which ONNX Runtime itself leaves out in silence', () => {
    const { result, opened, stderr } = load(folder, { providers: [{ name: 'dml' }, 'qnn'] });
    expect(result).toEqual({ runtime: 'onnxruntime-node', providers: ['cpu'] });
    const reason = 'this onnxruntime-node is built without it';
    expect(opened).toMatchObject({
      missed: [
        { provider: 'dml', reason },
        { provider: 'qnn', reason },
      ],
    });
    expect(stderr).toContain(`the ONNX execution provider dml does not work here, using cpu: ${reason}`);
    expect(stderr).toContain('the ONNX execution provider qnn');
  });

  test.each([
    ['a name that there is not', { providers: ['cudaa'] }, '["cudaa"]; those of ONNX Runtime for Node are cpu, cuda,'],
    ['no list', { providers: 'cuda' }, 'is a list of execution providers, not "cuda"'],
    ['nothing', { providers: [null] }, 'not [null]'],
    ['the option of ONNX Runtime', { session: { executionProviders: ['cuda'] } }, 'say `providers` beside `session`'],
  ])('%s is an error', (_name, options, message) => {
    const { result } = load(folder, options);
    expect(result).toEqual({ code: 'EKIBEN_ONNX_PROVIDER', message: expect.stringContaining(message) });
  });

  test('a GPU is tried where the runner gave one, and only there', () => {
    expect(load(folder, {}, { CUDA_VISIBLE_DEVICES: '0' }).opened).toMatchObject({ missed: [{ provider: 'cuda' }] });
    expect(load(folder, {}, { CUDA_VISIBLE_DEVICES: '-1' }).opened).toMatchObject({ missed: [] });
  });
});
