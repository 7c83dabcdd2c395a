// .ci/run is red whenever a check says nothing, counts nothing, skips or fails, or a package is not among the required ones.
import { afterAll, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root, workspacePackages } from '../scripts/workspace.mjs';

const folder = mkdtempSync(join(tmpdir(), 'ekiben-ci-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** What scripts/ci.mjs answers to these checks; its report goes to the temporary folder. */
function ci(checks) {
  const file = join(folder, 'checks.json');
  writeFileSync(file, JSON.stringify({ checks }));
  const script = join(root, 'scripts/ci.mjs');
  const { status, stdout } = spawnSync(process.execPath, [script, file, folder], { cwd: root, encoding: 'utf8' });
  return { status, last: stdout.trimEnd().split('\n').at(-1), stdout };
}
const print = (line) => `node -e "console.log('${line}')"`;

test('the counts of all checks are summed, and kept', () => {
  const result = ci([
    { name: 'one', command: print('3 passed, 0 failed') },
    { name: 'two', command: print('Tasks: 4 successful'), count: 'Tasks: (\\d+) successful' },
  ]);
  expect(result).toMatchObject({ status: 0, last: '7 passed, 0 failed' });
  expect(readFileSync(join(folder, 'ci.txt'), 'utf8')).toMatch(/^one +3 +0 +0 +\d/m);
});

test.each([
  ['fails', print('3 passed, 1 failed'), '3 passed, 1 failed', 'failed'],
  ['skips', print('3 passed, 0 failed, 2 skipped'), '3 passed, 1 failed, 2 skipped', 'skipped'],
  ['counts nothing', print('0 passed, 0 failed'), '0 passed, 1 failed', 'counted nothing'],
  ['prints no count', print('all is well'), '0 passed, 1 failed', 'printed no count'],
  ['ends badly after a good count', `${print('3 passed, 0 failed')} && exit 3`, '3 passed, 1 failed', 'ended with 3'],
])('a check that %s makes the run red', (_name, command, last, fault) => {
  const result = ci([{ name: 'check', command }]);
  expect(result).toMatchObject({ status: 1, last });
  expect(result.stdout).toMatch(new RegExp(`^check .* ${fault}$`, 'm'));
});

test('a package with tests that no check names, and a name without a package, make the run red', () => {
  const tested = workspacePackages().filter(({ manifest }) => manifest.scripts?.test);
  const [forgotten, ...named] = tested.map(({ name }) => name);
  const result = ci([{ name: 'packages', command: 'true', packages: [...named, 'not-there'] }]);
  expect(result.status).toBe(1);
  expect(result.stdout).toMatch(new RegExp(`^${forgotten} .*is missing in`, 'm'));
  expect(result.stdout).toMatch(/^not-there .*is no package with a test script$/m);
});
