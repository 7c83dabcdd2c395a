// contributing/add-an-adapter.md is true: the adapter is built and tested from its text.
import { afterAll, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { root, workspacePackages } from '../scripts/workspace.mjs';

const guide = readFileSync(join(root, 'contributing/add-an-adapter.md'), 'utf8');
const blocks = [...guide.matchAll(/^```\w+ title="([^"]+)"\n(.*?)^```/gms)];
const files = new Map(blocks.map(([, name, text]) => [name, text]));

const project = mkdtempSync(join(tmpdir(), 'ekiben-guide-'));
afterAll(() => rmSync(project, { recursive: true }));

test('the guide has an adapter of under 100 lines', () => {
  expect([...files.keys()]).toEqual(['package.json', 'tsconfig.json', 'src/index.ts', 'test/linear.test.ts']);
  expect(files.get('src/index.ts').split('\n').length).toBeLessThan(100);
});

test('it compiles, and passes all cases of the testkit', () => {
  for (const [name, text] of files) write(name, text);
  for (const { name, dir } of workspacePackages()) link(dir, name);
  link(join(root, 'node_modules/@types/node'), '@types/node');
  const { status, output } = npmTest();
  expect({ status, output }).toEqual({ status: 0, output: expect.stringMatching(/^# pass 14$|^ℹ pass 14$/m) });
}, 120_000);

test('it does not pass when the adapter is wrong', () => {
  write('src/index.ts', files.get('src/index.ts').replace('sum + weight', 'sum - weight'));
  const { status, output } = npmTest();
  expect({ status, output }).toEqual({
    status: 1,
    output: expect.stringContaining('a saved model answers as the original'),
  });
}, 120_000);

function npmTest() {
  const PATH = `${join(root, 'node_modules/.bin')}${delimiter}${process.env.PATH}`;
  const { NODE_OPTIONS: _, NODE_TEST_CONTEXT: __, ...env } = process.env;
  const { status, stdout, stderr } = spawnSync('npm', ['test'], {
    cwd: project,
    encoding: 'utf8',
    env: { ...env, PATH },
  });
  return { status, output: stdout + stderr };
}

function write(name, text) {
  mkdirSync(dirname(join(project, name)), { recursive: true });
  writeFileSync(join(project, name), text);
}

function link(target, name) {
  mkdirSync(dirname(join(project, 'node_modules', name)), { recursive: true });
  symlinkSync(target, join(project, 'node_modules', name));
}
