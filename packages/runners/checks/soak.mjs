// 8 API processes share 2 worker processes, with random sizes, dtypes, cancellations and deadlines; every answer has to be the direct
// call's, to the bit. Every 5 s a worker is killed, stopped for good, blocked for 30 s or made to leak, or all are rolled: only the calls
// inside a killed or hanging one may fail.
//
//     node checks/soak.mjs [--seconds 60]
//
// The last line counts the answers. The exit code is 1 when one was wrong, when more calls failed, when a call had no end, or when a
// process, a socket file, or a timer that keeps a process was left.
import { fork } from 'node:child_process';
import { subscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { planRunners, superviseRunners } from '@ekiben/runners';
import { creditRisk } from './soak-service.mjs';

const API_PROCESSES = 8;
/** In each of them. */
const CALLERS = 12;
const MEMORY_MIB = 400;
const { values } = parseArgs({ options: { seconds: { type: 'string', default: '60' } } });
const seconds = Number(values.seconds);
const file = (name) => fileURLToPath(new URL(name, import.meta.url));

const sockets = new Set();
const pids = new Set();
const events = {};
subscribe('ekiben:runners:worker', ({ event }) => (events[event] = (events[event] ?? 0) + 1));
const apis = [];
let supervised; // onChange is called from the start on
const source = {
  module: file('soak-service.mjs'),
  settings: { credit_risk: { resources: { memoryMiB: MEMORY_MIB } } },
};
supervised = await superviseRunners(await planRunners([creditRisk], source), {
  ...source,
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
const faults = { killed: 0, stopped: 0, blocked: 0, leaked: 0, rolled: 0 };
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
    // It ends by itself, unless a timer or a socket is left.
    const ended = await Promise.race([once(api, 'exit'), sleep(10_000, null, { ref: false })]);
    if (ended === null) api.kill('SIGKILL');
    return { ...report, ended: ended !== null };
  }),
);
await supervised.close();
await sleep(100);

const total = (key) => reports.reduce((sum, { counts }) => sum + counts[key], 0);
const { calls, ...outcomes } = Object.fromEntries(Object.keys(reports[0].counts).map((key) => [key, total(key)]));
const rssMiB = reports.map((report) => Math.round(report.rssMiB));
console.log('outcomes', outcomes, 'faults', faults, 'events', events, 'API processes, MiB:', rssMiB);

const problems = [];
const expect = (condition, problem) => condition || problems.push(problem);
const inside = (faults.killed + faults.stopped + faults.blocked) * API_PROCESSES * CALLERS;
const ended = Object.values(outcomes).reduce((sum, count) => sum + count, 0);
const left = [...[...pids].filter(isAlive).map((pid) => `process ${pid}`), ...[...sockets].filter(existsSync)];
expect(outcomes.wrong === 0, `${outcomes.wrong} answers are not the direct call's`);
expect(outcomes.answered > 0, 'no call was answered');
expect(ended === calls, `of ${calls} calls ${ended} ended`);
expect(outcomes.failed <= inside, `${outcomes.failed} calls failed, where ${inside} at most were inside`);
expect(faults.leaked === 0 || events.recycled > 0, 'a leaking worker was not replaced');
expect(faults.stopped + faults.blocked === 0 || events.unresponsive > 0, 'a hanging worker was not noticed');
expect(left.length === 0, `left behind: ${left.join(', ')}`);
expect(reports.every((report) => report.ended), 'an API process did not end by itself'); // prettier-ignore
for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exitCode = 1;
console.log(`${outcomes.answered} answers equal the direct call's, ${outcomes.wrong} do not`);

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
  const fault = Object.keys(faults)[turn % Object.keys(faults).length];
  faults[fault] += 1;
  if (fault === 'killed') process.kill(pid, 'SIGKILL');
  else if (fault === 'stopped') process.kill(pid, 'SIGSTOP');
  else if (fault === 'blocked') apis[turn % API_PROCESSES].send(['block', 30_000]);
  else if (fault === 'leaked') apis[turn % API_PROCESSES].send(['leak', MEMORY_MIB]);
  else await supervised.roll();
}

function isAlive(pid) {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
