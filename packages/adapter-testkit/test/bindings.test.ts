// The other bindings, each in its own runner: what passes passes, what fails fails, and a skip says why.
import { afterAll, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, mkdirSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { conformanceCases } from '../src/index.ts';
import { toyAdapter } from './toy.ts';

const PACKAGE = fileURLToPath(new URL('..', import.meta.url));
const folder = realpathSync(mkdtempSync(join(tmpdir(), 'ekiben-bindings-')));
afterAll(() => rmSync(folder, { recursive: true }));
for (const [name, target] of [
  ['@ekiben/adapter-testkit', PACKAGE],
  ['@ekiben/spec', join(PACKAGE, 'node_modules/@ekiben/spec')],
  ['vitest', join(PACKAGE, 'node_modules/vitest')],
] as const) {
  mkdirSync(dirname(join(folder, 'node_modules', name)), { recursive: true });
  symlinkSync(target, join(folder, 'node_modules', name));
}
writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module' }));

const program = (binding: string) => `
import { testAdapter } from '@ekiben/adapter-testkit/${binding}';
import { EkibenError } from '@ekiben/spec';

const fail = () => { throw new EkibenError('EKIBEN_ADD_INPUT', 'add takes numbers'); };
const framework = {
  specVersion: 1,
  module: 'ekiben-add',
  placement: 'embedded',
  signatures: { add: { batchable: false } },
  async save(n, draft) {
    await draft.write('n', Buffer.from('n=' + n));
    return { options: {}, versions: {} };
  },
  async load(files) {
    const [, n] = /^n=(\\d+)$/.exec(await files.read('n')) ?? fail();
    return Number(n);
  },
  runnable: (n) => ({ methods: { add: (x) => (typeof x === 'number' ? x + n : fail()) } }),
};
testAdapter({
  framework,
  model: () => 3,
  calls: { add: [{ args: [1], result: process.env.WRONG ? 5 : 4 }] },
  refused: { add: [{ args: ['1'], code: 'EKIBEN_ADD_INPUT' }] },
  skip: { 'warming up changes nothing': 'it is always warm' },
});
`;

const RUNNERS = [
  ['vitest', [join(PACKAGE, 'node_modules/vitest/vitest.mjs'), 'run', '--reporter', 'verbose', 'vitest.test.js']],
  ['node-test', ['--test', '--test-reporter', 'spec', 'node-test.test.js']],
] as const;

test.each(RUNNERS)('%s', (binding, args) => {
  writeFileSync(join(folder, `${binding}.test.js`), program(binding));
  const run = (env: Record<string, string>) => {
    const { NODE_OPTIONS: _, NODE_TEST_CONTEXT: __, ...ours } = process.env;
    const { status, stdout } = spawnSync(process.execPath, args, {
      cwd: folder,
      encoding: 'utf8',
      env: { ...ours, NO_COLOR: '1', ...env },
    });
    return { status, stdout };
  };
  const right = run({});
  expect(right.stdout).toContain('a saved model answers as the original');
  expect(right.stdout).toContain('it is always warm');
  const passed = conformanceCases(toyAdapter()).length - 1;
  expect(right.stdout).toMatch(new RegExp(`${passed} passed|pass ${passed}`));
  expect(right.status).toBe(0);
  const wrong = run({ WRONG: '1' });
  expect(wrong.stdout).toContain('the result of add is 4, but should be 5');
  expect(wrong.status).toBe(1);
});
