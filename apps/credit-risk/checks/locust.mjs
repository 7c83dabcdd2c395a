// Locust with the course's locustfile: 200 users, headless, no failure.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { check, finish, temporary } from '../../../packages/store/checks/harness.mjs';
import { virtualEnvironment } from '../../../packages/store/checks/python.mjs';
import { startCreditRisk } from './served.mjs';

const venv = virtualEnvironment(['locust==2.47.0']);
const service = await startCreditRisk();
const report = join(temporary(), 'report');
const locustfile = fileURLToPath(new URL('locustfile.py', import.meta.url));
const users = ['--headless', '--users', '200', '--spawn-rate', '50', '--run-time', '20s'];
const { status, stderr } = spawnSync(
  join(venv, 'bin', 'locust'),
  ['-f', locustfile, '--host', service.url, ...users, '--csv', report, '--only-summary'],
  { encoding: 'utf8', timeout: 300_000 },
);
await check('Locust ends with success', () => assert.equal(status, 0, stderr));
await check('200 users: no failure', () => {
  const total = readFileSync(`${report}_stats.csv`, 'utf8')
    .split('\n')
    .find((line) => line.startsWith(',Aggregated'));
  const [, , requests, failures] = (total ?? '').split(',').map(Number);
  console.log(`  ${requests} requests, ${failures} failures`);
  assert.ok(requests > 1000, stderr);
  assert.equal(failures, 0, stderr);
});
await service.stop();
finish();
