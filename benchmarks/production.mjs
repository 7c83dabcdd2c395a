// `ekiben serve --production` against a bare node:http server: one API worker against one process, two against the same server under
// node:cluster with two. Then the start, and what a process takes in memory after a minute of load.
import { spawn } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { body, file, headers, startCreditRisk } from './credit-risk.mjs';
import { compare } from './harness.mjs';

const MAX_START_MS = 1_000;
const MAX_MIB = 110;

const bare = [file('http/bare.mjs')];
const cluster = [file('production/bare-cluster.mjs')];
const production = (workers) => [
  file('../apps/credit-risk/start.mjs'),
  ...['--production', '--api-workers', `${workers}`, '--quiet', '--port', 'PORT'],
];

const MATCHES = [
  { title: 'production-1', baseline: 'bare node:http', sources: bare, workers: 1, goal: 0.8 },
  {
    title: 'production-2',
    baseline: 'bare node:http under node:cluster, 2 workers',
    sources: cluster,
    workers: 2,
    goal: 0.75,
  },
];

export async function run(args) {
  const quick = args.includes('--quick');
  for (const { title, baseline, sources, workers, goal } of MATCHES) {
    const name = `credit-risk in production, ${workers} API worker${workers === 1 ? '' : 's'}`;
    const { [name]: ours } = await compare({
      title,
      quick,
      baseline: {
        name: baseline,
        sources: [...new Set([file('http/bare.mjs'), ...sources])],
        start: () => startCreditRisk(sources, { quick, answers: false }),
      },
      contenders: [{ name, start: () => startCreditRisk(production(workers), { quick }) }],
    });
    if (quick) continue;
    for (const [what, ratio] of [
      ['throughput', ours.throughputRatio],
      ['CPU time', ours.cpuRatio],
    ]) {
      judge(`${title}: ${what} ${ratio.median.toFixed(3)}, at least ${goal}`, ratio.median >= goal);
    }
  }
  await measureProcesses(quick ? 2 : 60, quick);
}

function judge(what, reached) {
  console.log(`${reached ? 'reached' : 'MISSED '} ${what}`);
  if (!reached) process.exitCode = 1;
}

/** Time to the first answer, the median of five; and the memory of each process after so many seconds under load. */
async function measureProcesses(seconds, quick) {
  const times = [];
  for (let i = 0; i < (quick ? 1 : 5); i += 1) {
    const { child, ms } = await launch();
    times.push(ms);
    await end(child);
  }
  const startMs = times.sort((a, b) => a - b)[Math.floor(times.length / 2)];
  const { child, url } = await launch();
  await drive(url, seconds);
  const processes = [child.pid, ...below(child.pid)].map((pid) => [titleOf(pid), residentMiB(pid)]);
  await end(child);
  console.log(`\nready after ${startMs.toFixed(0)} ms (${times.map((ms) => ms.toFixed(0)).join(', ')})`);
  for (const [title, mib] of processes) console.log(`  ${mib.toFixed(0)} MiB  ${title}`);
  if (quick) return;
  judge(`start ${startMs.toFixed(0)} ms, at most ${MAX_START_MS}`, startMs <= MAX_START_MS);
  const most = Math.max(...processes.map(([, mib]) => mib));
  judge(`memory of a process after ${seconds} s of load ${most.toFixed(0)} MiB, at most ${MAX_MIB}`, most <= MAX_MIB);
}

/** As a user starts it; resolves when it says that it serves. */
async function launch() {
  const began = performance.now();
  const [program, ...args] = production(1).map((part) => (part === 'PORT' ? '0' : part));
  const child = spawn(process.execPath, [program, ...args.filter((arg) => arg !== '--quiet')], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, EKIBEN__API_SERVER__LOGGING__ACCESS__ENABLED: 'false' },
  });
  for await (const said of createInterface(child.stdout)) {
    const url = /Serving.* on (http:\S+)/.exec(said)?.[1];
    if (url !== undefined) return { child, url: `${url}/classify`, ms: performance.now() - began };
  }
  throw new Error('The server ended before it was ready.');
}

async function end(child) {
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await ended;
}

async function drive(url, seconds) {
  const { default: autocannon } = await import('autocannon');
  const { non2xx, errors } = await autocannon({
    url,
    method: 'POST',
    headers,
    body,
    connections: 32,
    duration: seconds,
  });
  if (non2xx + errors > 0) throw new Error(`${non2xx + errors} requests failed.`);
}

/** Children and theirs. */
function below(pid) {
  const parents = readdirSync('/proc').flatMap((entry) => {
    if (!/^\d+$/.test(entry)) return [];
    return [[Number(entry), Number(/^PPid:\s+(\d+)/m.exec(read(entry, 'status'))?.[1])]];
  });
  const children = (parent) =>
    parents.filter((each) => each[1] === parent).flatMap(([each]) => [each, ...children(each)]);
  return children(pid);
}

const residentMiB = (pid) => Number(/^VmRSS:\s+(\d+)/m.exec(read(pid, 'status'))?.[1] ?? 0) / 1024;

const titleOf = (pid) =>
  read(pid, 'cmdline')
    .split('\0')
    .map((part) => part.slice(part.lastIndexOf('/') + 1))
    .join(' ')
    .slice(0, 60);

function read(pid, name) {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8');
  } catch {
    return ''; // ended meanwhile
  }
}
