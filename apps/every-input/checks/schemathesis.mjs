// schemathesis with all its checks over every descriptor: no failure, and no 5xx caused by input. `schemathesis.mjs
// [EXAMPLES] [SEED]`: examples of each operation.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { check, finish, temporary } from '../../../packages/store/checks/harness.mjs';
import { virtualEnvironment } from '../../../packages/store/checks/python.mjs';
import { loadService } from '../../../packages/cli/dist/load-service.js';
import { goodBodies } from './bodies.mjs';

const [examples = '50', seed = '20261124'] = process.argv.slice(2);
const here = (path) => fileURLToPath(new URL(path, import.meta.url));

const venv = virtualEnvironment(['schemathesis==4.32.5']);
const { service } = await loadService('src/service.ts:svc', here('..'));
const bodies = (await goodBodies(service)).map(({ path, seeds }) => [
  path,
  Object.fromEntries(seeds.map(({ body, type }) => [type.split(';')[0], body.toString('base64')])),
]);
const directory = temporary();
const GOOD_BODIES = join(directory, 'bodies.json');
writeFileSync(GOOD_BODIES, JSON.stringify(Object.fromEntries(bodies)));

const server = spawn(process.execPath, [here('served.mjs')], { stdio: ['ignore', 'pipe', 'inherit'] });
process.on('exit', () => server.kill());
const [url] = await once(createInterface({ input: server.stdout }), 'line');

const options = ['--checks', 'all', '--max-examples', examples, '--seed', seed, '--no-color'];
const { status, stdout, stderr } = spawnSync(
  join(venv, 'bin', 'schemathesis'),
  ['run', `${url}/docs.json`, ...options],
  {
    cwd: directory,
    encoding: 'utf8',
    timeout: 600_000,
    env: { ...process.env, GOOD_BODIES, SCHEMATHESIS_HOOKS: here('schemathesis_hooks.py') },
  },
);
console.log(stdout);
await check('schemathesis finds nothing', () => assert.equal(status, 0, stderr));
await check('it has tried every operation', () => {
  const [, tested] = /Tested: (\d+)/.exec(stdout) ?? [];
  assert.equal(Number(tested), service.apis.length + 4);
});
server.kill();
finish();
