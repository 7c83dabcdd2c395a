// Each package checks its types and runs its tests alone, in a clean clone where nothing is built: `pnpm --filter NAME test`.
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root, workspacePackages } from '../scripts/workspace.mjs';

jest.setTimeout(600_000); // a watchdog

const packages = workspacePackages().filter(({ path }) => path.startsWith('packages/'));
const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const clone = mkdtempSync(join(tmpdir(), 'ekiben-alone-'));

beforeAll(() => {
  expect(run('git', ['clone', '--quiet', '--shared', root, '.'])).toSucceed();
  expect(pnpm('install', '--frozen-lockfile', '--prefer-offline')).toSucceed();
});
afterAll(() => rmSync(clone, { recursive: true }));

test.each(packages)('$name', ({ name, path }) => {
  for (const script of ['build', 'typecheck', 'test']) {
    // What the script of another package, or another script, has built is gone.
    for (const each of packages) rmSync(join(clone, each.path, 'dist'), { recursive: true, force: true });
    expect(pnpm('--filter', name, script)).toSucceed();
  }
  expect(JSON.parse(readFileSync(join(clone, path, 'report/test.json'), 'utf8')).passed).toBeGreaterThan(0);
});

const pnpm = (...args) => run('npx', ['-y', packageManager, ...args]);

function run(command, args) {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: clone, encoding: 'utf8' });
  return { status, output: stdout + stderr };
}

expect.extend({
  toSucceed: ({ status, output }) => ({
    pass: status === 0,
    message: () => `ended with ${status}:\n${output.slice(-4000)}`,
  }),
});
