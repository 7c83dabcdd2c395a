// schemathesis with all its checks over what /docs.json says: no failure, and no 5xx caused by input.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { check, finish, temporary } from '../../../packages/store/checks/harness.mjs';
import { virtualEnvironment } from '../../../packages/store/checks/python.mjs';
import { startCreditRisk } from './served.mjs';

const venv = virtualEnvironment(['schemathesis==4.32.5']);
const service = await startCreditRisk();
const options = ['--checks', 'all', '--max-examples', '200', '--seed', '20261124', '--no-color'];
const { status, stdout, stderr } = spawnSync(
  join(venv, 'bin', 'schemathesis'),
  ['run', `${service.url}/docs.json`, ...options],
  { cwd: temporary(), encoding: 'utf8', timeout: 300_000 },
);
console.log(stdout);
await check('schemathesis finds nothing', () => assert.equal(status, 0, stderr));
await check('it has tried every operation', () => {
  const [, tested] = /Tested: (\d+)/.exec(stdout) ?? [];
  assert.equal(Number(tested), 5);
});
await service.stop();
finish();
