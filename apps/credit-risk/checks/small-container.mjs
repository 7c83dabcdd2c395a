// The course's service as its bento in a container of the size that the course takes at Fargate, 0.25 vCPU and 0.5 GB: every request is
// counted, and every answer is what Python says.
//
//     node checks/small-container.mjs [--seconds 15]
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Load } from '../../../packages/cli/checks/load.mjs';
import { check, finish, run, skip, temporary } from '../../../packages/store/checks/harness.mjs';
import { makeGroup } from './control-group.mjs';

const LIMITS = { cpus: 0.25, memoryMiB: 512 };
/** Of each process. */
const MAX_RESIDENT_MIB = 110;

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '15' } } });
const app = fileURLToPath(new URL('..', import.meta.url));
const bin = fileURLToPath(new URL('../../../packages/cli/dist/bin.js', import.meta.url));
const env = { ...process.env, EKIBEN_HOME: temporary() };
const ekiben = (...args) => run(process.execPath, [bin, ...args], { env, cwd: app });

/** One application for each decision. */
const applications = new Map(
  readFileSync(new URL('../test/fixtures/expected.jsonl', import.meta.url), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
    .map(({ application, status }) => [status, application]),
);

let group;
try {
  group = makeGroup(LIMITS);
} catch (error) {
  skip('a container of 0.25 vCPU and 0.5 GB', `control groups cannot be made here: ${error.message}`);
  finish();
  process.exit();
}

ekiben('models', 'import', 'model/credit_risk_model.bentomodel');
const bento = ekiben('build', '-o', 'tag').trim().replace('__tag__:', '');
const server = await serve();
process.on('exit', () => {
  for (const pid of pids()) process.kill(pid, 'SIGKILL');
  group.remove();
});

/** Starts it inside, and resolves when it is ready. */
async function serve() {
  const command = [process.execPath, bin, 'serve', bento, '--production', '--port', '0'];
  const [program, ...args] = [...group.prefix, ...command];
  const started = performance.now();
  const child = spawn(program, args, { env, cwd: app, stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = [];
  const url = await new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line.startsWith('{')) return; // of the access log
      lines.push(line);
      const found = /Serving on (http:\S+) with 1 API worker /.exec(line);
      if (found !== null) resolve(found[1]);
    });
    child.once('exit', (code) => reject(new Error(`ended with ${code}:\n${lines.join('\n')}`)));
  });
  console.log(`  ready after ${((performance.now() - started) / 1000).toFixed(1)} s`);
  return { child, url, said: (text) => lines.filter((line) => line.startsWith(text)).length };
}

function pids() {
  if (server.child.exitCode !== null) return [];
  const { stdout } = spawnSync('ps', ['--ppid', `${server.child.pid}`, '-o', 'pid='], { encoding: 'utf8' });
  return [server.child.pid, ...stdout.split('\n').filter(Boolean).map(Number)];
}

function residentMiB(pid) {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
}

/** Clients of each decision, for so long; in the meantime something may happen. */
async function drive(seconds, meanwhile = async () => {}) {
  const started = performance.now();
  const loads = [...applications].map(([status, application]) => {
    const judge = ({ Status }) => (Status === status ? undefined : `${Status} instead of ${status}`);
    return new Load(server.url, { path: '/classify', body: () => application, judge, connections: 4 });
  });
  await meanwhile();
  await sleep(Math.max(0, seconds * 1000 - (performance.now() - started)));
  await Promise.all(loads.map((load) => load.stop()));
  for (const load of loads) {
    assert.equal(load.failed + load.counts.refused, 0, String(load));
    assert.deepEqual([...load.counts.wrong], []);
    assert.ok(load.answered > 0);
  }
  const answered = loads.reduce((sum, load) => sum + load.answered, 0);
  console.log(
    `  ${answered} requests, all answered: ${Math.round((answered / (performance.now() - started)) * 1000)} a second`,
  );
}

await check('12 clients: every request has its answer', () => drive(Number(values.seconds)));

await check('SIGHUP under load: everything is replaced beside what was there, no request fails', () =>
  drive(Number(values.seconds) / 2, async () => {
    const [, before] = pids();
    server.child.kill('SIGHUP');
    for (const end = performance.now() + 60_000; server.said('Ready') < 2; await sleep(50)) {
      assert.ok(performance.now() < end, 'it is not ready again');
    }
    for (const end = performance.now() + 60_000; pids().includes(before); await sleep(50)) {
      assert.ok(performance.now() < end, 'what was there does not end');
    }
  }),
);

await check('memory', async () => {
  const resident = pids().map(residentMiB);
  const each = resident.map((mib) => mib.toFixed(0)).join(' and ');
  console.log(`  each process ${each} MiB; the container ${group.peakMiB.toFixed(0)} MiB at most`);
  assert.ok(resident.length === 2 && resident.every((mib) => mib <= MAX_RESIDENT_MIB), each);
  assert.equal(group.killed, 0);
});

await check('SIGTERM: it ends in good order', async () => {
  server.child.kill('SIGTERM');
  const code = await new Promise((resolve) => server.child.once('exit', resolve));
  assert.equal(code, 0);
  assert.ok(group.throttled > 0, 'the limit was not felt');
});

finish();
