// The linter catches what it is there for, the rules that need types included; otherwise a broken configuration would look like clean code.
import { afterAll, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from '../scripts/workspace.mjs';

const folder = mkdtempSync(join(tmpdir(), 'ekiben-lint-'));
afterAll(() => rmSync(folder, { recursive: true }));

test.each([
  [
    'a promise that nobody awaits',
    'src',
    'export async function f() {}\nexport function g() { f(); }\n',
    'no-floating-promises',
  ],
  ['any', 'src', 'export const f = (x: any) => x;\n', 'no-explicit-any'],
  ['a default export', 'src', 'export default 1;\n', 'no-default-export'],
  ['an unused variable', 'src', 'export function f() { const unused = 1; }\n', 'no-unused-vars'],
  [
    'an assertion that something is there',
    'src',
    'export const f = (x: number | undefined) => x!;\n',
    'no-non-null-assertion',
  ],
  ['a library that prints', 'src', 'console.log(1);\n', 'no-console'],
  [
    'a test that is switched off',
    'test',
    `import { expect, test } from '@jest/globals';\ntest.skip('x', () => expect(1).toBe(1));\n`,
    'no-disabled-tests',
  ],
  [
    'a test that expects nothing',
    'test',
    `import { test } from '@jest/globals';\ntest('x', () => {});\n`,
    'expect-expect',
  ],
])('%s is caught', (_name, kind, source, rule) => {
  const path = join(folder, 'packages/probe', kind);
  mkdirSync(path, { recursive: true });
  const tsconfig = { extends: join(root, 'tsconfig.base.json'), compilerOptions: { types: [] }, include: ['**/*.ts'] };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(tsconfig));
  const file = join(path, 'probe.test.ts');
  writeFileSync(file, source);
  const oxlint = join(root, 'node_modules/oxlint/bin/oxlint');
  const options = ['--config', join(root, '.oxlintrc.json'), '--format', 'json', file];
  const { stdout } = spawnSync(process.execPath, [oxlint, ...options], { cwd: folder, encoding: 'utf8' });
  expect(JSON.parse(stdout).diagnostics.map(({ code }) => code)).toContainEqual(expect.stringContaining(`(${rule})`));
  rmSync(file);
});
