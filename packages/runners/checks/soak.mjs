// 8 API processes share 2 worker processes, with random sizes, dtypes, cancellations and deadlines; every answer has to be the direct
// call's, to the bit. Every 5 s a worker is killed, stopped until the supervisor notices, or all are rolled: only the calls inside a
// killed or stopped one may fail.
//
//     node checks/soak.mjs [--seconds 60]
//
// The last line counts the answers. The exit code is 1 when one was wrong, when more calls failed, or when a process or a socket file was left.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { superviseRunners } from '@ekiben/runners';
import { creditRisk } from './soak-service.mjs';

const API_PROCESSES = 8;
/** In each of them. */
const CALLERS = 12;
const { values } = parseArgs({ options: { seconds: { type: 'string', default: '60' } } });
const seconds = Number(values.seconds);
const file = (name) => fileURLToPath(new URL(name, import.meta.url));

const sockets = new Set();
const pids = new Set();
const apis = [];
let supervised; // onChange is called from the start on
supervised = await superviseRunners([creditRisk], {
  module: file('soak-service.mjs'),
  settings: { credit_risk_model: { resources: { memoryMiB: 400 } } },
  supervision: { unresponsiveMs: 5_000, restart: { maxCrashes: Infinity, maxDelayMs: 500 } },
  onChange() {
    note();
    for (const api of apis) if (api.connected) api.send(supervised.sockets);
  },
});
note();
for (let i = 0; i < API_PROCESSES; i += 1) {
  const api = fork(file('soak-api.mjs'), [String(CALLERS)], { execArgv: [] });
  api.send(supervised.sockets);
  apis.push(api);
}
const faults = { killed: 0, stopped: 0, rolled: 0 };
const until = performance.now() + seconds * 1000;
for (let turn = 0; performance.now() < until; turn += 1) {
  await sleep(Math.min(5_000, until - performance.now()));
  await disturb(turn);
}
const stopping = apis.splice(0); // they hear of no further change
const reports = await Promise.all(
  stopping.map(async (api) => {
    api.send('stop');
    const [report] = await once(api, 'message');
    return report;
  }),
);
await supervised.close();
await sleep(100);

const total = (key) => reports.reduce((sum, { counts }) => sum + counts[key], 0);
const outcome = Object.fromEntries(Object.keys(reports[0].counts).map((key) => [key, total(key)]));
const left = [...[...pids].filter(isAlive).map((pid) => `process ${pid}`), ...[...sockets].filter(existsSync)];
console.log(
  'outcomes',
  outcome,
  'faults',
  faults,
  'API processes, MiB:',
  reports.map(({ rssMiB }) => Math.round(rssMiB)),
);
if (left.length > 0) console.error(`left behind: ${left.join(', ')}`);
const inside = (faults.killed + faults.stopped) * API_PROCESSES * CALLERS;
if (outcome.failed > inside) console.error(`${outcome.failed} calls failed, where ${inside} at most were inside`);
if (outcome.wrong > 0 || outcome.answered === 0 || outcome.failed > inside || left.length > 0) process.exitCode = 1;
console.log(`${outcome.answered} answers equal the direct call's, ${outcome.wrong} do not`);

/** Remembers what must be gone in the end. */
function note() {
  for (const { pid, socket } of supervised?.status()[0]?.workers ?? []) {
    if (pid !== null) pids.add(pid);
    if (socket !== null) sockets.add(socket).add(dirname(socket));
  }
}

async function disturb(turn) {
  const workers = supervised.status()[0].workers.filter(({ state }) => state === 'ready');
  const { pid } = workers[turn % workers.length] ?? {};
  if (pid === undefined) return;
  if (turn % 3 === 0) {
    process.kill(pid, 'SIGKILL');
    faults.killed += 1;
  } else if (turn % 3 === 1) {
    process.kill(pid, 'SIGSTOP'); // blocked for good: the supervisor has to notice
    faults.stopped += 1;
  } else {
    await supervised.roll();
    faults.rolled += 1;
  }
}

function isAlive(pid) {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
