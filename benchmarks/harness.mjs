// The rules of benchmarks/README.md as code: a control run first, then pairs A B A B, medians and ranges, and void when the figures
// could not mean anything. It compares subjects; two kinds are made here, a function in this process and an HTTP server in its own.
import { fork, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, mkdirSync, openSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * One measurement of one subject.
 * @typedef {object} Sample
 * @property {number} operations  how many were done
 * @property {number} seconds  wall time they took
 * @property {number} cpuSeconds  CPU time (user + system) that the subject itself, with its child processes, spent
 * @property {number} [p50]  latency in ms (servers)
 * @property {number} [p99]  latency in ms (servers)
 * @property {number} [generatorBusy]  CPU seconds per second of the load generator (servers)
 */

/**
 * What is measured. A benchmark hands `compare` functions that start one, since the baseline is started twice.
 * @typedef {object} Subject
 * @property {() => Promise<Sample>} sample
 * @property {() => Promise<void>} [close]
 */

/** The figures of a run mean nothing, for the reason in the message. */
export class VoidRun extends Error {
  name = 'VoidRun';
}

/** How far from 1.00 the baseline's ratio to itself may be. */
const CONTROL_TOLERANCE = 0.05;
/** A load generator this busy (of one core) has no room to show a faster server. */
const GENERATOR_LIMIT = 0.95;

/**
 * Measures contenders against a baseline and prints a table; keeps everything in report/bench-<title>.json.
 *
 * @param {object} options
 * @param {string} options.title  a file name's worth of letters
 * @param {{ name: string, start: () => Promise<Subject>, sources: (string | URL)[] }} options.baseline  `sources` are the files that
 *   make the baseline what it is; their hash is in the output, so that figures of different baselines are not compared
 * @param {{ name: string, start: () => Promise<Subject> }[]} options.contenders
 * @param {number} [options.pairs]  A B pairs a contender, at least 5 @default 7
 * @param {boolean} [options.quick]  one pair and no control: shows that the benchmark runs, measures nothing @default false
 * @returns {Promise<Record<string, Summary>>} by contender's name; also under the baseline's name, its control run
 * @throws {VoidRun}
 */
export async function compare({ title, baseline, contenders, pairs = 7, quick = false }) {
  if (pairs < 5 && !quick) throw new VoidRun(`${pairs} pairs are too few for a median; take at least 5`);
  const rounds = quick ? 1 : pairs;
  const report = {
    title,
    quick,
    machine: machine(),
    baseline: baseline.name,
    sources: hashOf(baseline.sources),
    results: {},
  };
  console.log(`${title}: against ${baseline.name} (sources ${report.sources.slice(0, 12)}), ${report.machine}`);
  const reference = await baseline.start();
  try {
    for (const contender of quick ? contenders : [baseline, ...contenders]) {
      const other = await contender.start();
      try {
        const samples = await measurePairs(reference, other, rounds);
        report.results[contender.name] = summarise(samples);
      } finally {
        await other.close?.();
      }
      print(contender === baseline ? `${baseline.name} again` : contender.name, report.results[contender.name]);
      if (contender === baseline) checkControl(report.results[contender.name]);
    }
  } finally {
    await reference.close?.();
    mkdirSync(new URL('report/', import.meta.url), { recursive: true });
    writeFileSync(new URL(`report/bench-${title}.json`, import.meta.url), `${JSON.stringify(report, null, 2)}\n`);
  }
  if (quick) console.log('quick: this shows that the benchmark runs, and measures nothing');
  return report.results;
}

async function measurePairs(a, b, rounds) {
  const samples = [];
  for (let round = 0; round < rounds; round += 1) {
    const pair = { a: await a.sample(), b: await b.sample() };
    for (const sample of [pair.a, pair.b]) {
      if (sample.generatorBusy >= GENERATOR_LIMIT && sample.cpuSeconds / sample.seconds < GENERATOR_LIMIT) {
        throw new VoidRun(`the load generator was the limit: ${sample.generatorBusy.toFixed(2)} of a core`);
      }
    }
    samples.push(pair);
  }
  return samples;
}

/**
 * @typedef {{ median: number, min: number, max: number }} Spread
 * @typedef {object} Summary  all of the contender; ratios above 1 mean better than the baseline, save `p99Ratio`
 * @property {Spread} throughput  operations a second
 * @property {Spread} cpu  CPU microseconds an operation
 * @property {Spread} [p50]
 * @property {Spread} [p99]
 * @property {Spread} throughputRatio  contender / baseline, of each pair
 * @property {Spread} cpuRatio  baseline / contender, of each pair
 * @property {Spread} [p99Ratio]  contender / baseline, of each pair
 */

/**
 * @param {readonly number[]} values
 * @returns {Spread}
 */
export function spread(values) {
  const sorted = values.toSorted((x, y) => x - y);
  const middle = (sorted.length - 1) / 2;
  return { median: (sorted[Math.floor(middle)] + sorted[Math.ceil(middle)]) / 2, min: sorted[0], max: sorted.at(-1) };
}

/** A spread of seconds, to be printed. */
export const shownSeconds = ({ median, min, max }) => `${median.toFixed(3)} s (${min.toFixed(3)}–${max.toFixed(3)})`;

/** @returns {Summary} */
function summarise(pairs) {
  const throughput = (sample) => sample.operations / sample.seconds;
  const cpu = (sample) => (sample.cpuSeconds * 1e6) / sample.operations;
  const spreadOf = (of) => spread(pairs.map(of));
  return {
    throughput: spreadOf(({ b }) => throughput(b)),
    cpu: spreadOf(({ b }) => cpu(b)),
    throughputRatio: spreadOf(({ a, b }) => throughput(b) / throughput(a)),
    cpuRatio: spreadOf(({ a, b }) => cpu(a) / cpu(b)),
    ...(pairs[0].b.p99 !== undefined && {
      p50: spreadOf(({ b }) => b.p50),
      p99: spreadOf(({ b }) => b.p99),
      p99Ratio: spreadOf(({ a, b }) => b.p99 / a.p99),
    }),
  };
}

function checkControl(summary) {
  for (const [what, ratio] of Object.entries({ throughput: summary.throughputRatio, CPU: summary.cpuRatio })) {
    if (Math.abs(ratio.median - 1) > CONTROL_TOLERANCE) {
      throw new VoidRun(
        `the baseline against itself gives ${ratio.median.toFixed(3)} in ${what}, not 1.00 ± ${CONTROL_TOLERANCE}: the machine is not quiet`,
      );
    }
  }
}

function print(name, summary) {
  const number = (value) => value.toLocaleString('en', { maximumSignificantDigits: 4 });
  const show = ({ median, min, max }, unit) => `${number(median)} ${unit} (${number(min)}–${number(max)})`;
  console.log(`\n${name}`);
  console.log(`  throughput ${show(summary.throughput, '/s')}, ratio ${show(summary.throughputRatio, '×')}`);
  console.log(`  CPU        ${show(summary.cpu, 'µs')}, ratio ${show(summary.cpuRatio, '×')}`);
  if (summary.p99) {
    console.log(`  p50        ${show(summary.p50, 'ms')}`);
    console.log(`  p99        ${show(summary.p99, 'ms')}, ratio ${show(summary.p99Ratio, '×')}`);
  }
}

function machine() {
  return `Node ${process.version}, ${process.platform} ${process.arch}, ${availableParallelism()} × ${cpus()[0]?.model.trim()}`;
}

function hashOf(sources) {
  if (sources.length === 0)
    throw new Error('A baseline names its sources; otherwise nobody knows what the ratio is a ratio to.');
  const hash = createHash('sha256');
  for (const source of sources) hash.update(basename(String(source))).update(readFileSync(source));
  return hash.digest('hex');
}

/**
 * A synchronous function in this process.
 *
 * @param {() => unknown} run  does `operations` operations and returns something of the result, which is kept so that the compiler
 *   cannot leave the work out
 * @param {object} [options]
 * @param {number} [options.operations]  in one call of `run` @default 1
 * @param {number} [options.seconds]  a sample lasts, about @default 0.5
 * @returns {Promise<Subject>}
 */
export async function inProcess(run, { operations = 1, seconds = 0.5 } = {}) {
  const time = (calls) => {
    const cpu = process.cpuUsage();
    const start = process.hrtime.bigint();
    for (let i = 0; i < calls; i += 1) kept = run();
    const elapsed = Number(process.hrtime.bigint() - start) / 1e9;
    const { user, system } = process.cpuUsage(cpu);
    return { operations: calls * operations, seconds: elapsed, cpuSeconds: (user + system) / 1e6 };
  };
  // The number of calls is fixed once, warm: a sample that stops by the clock would time the clock.
  let calls = 1;
  let warm = time(calls);
  while (warm.seconds < seconds / 2) warm = time((calls *= 2));
  calls = Math.ceil((calls * seconds) / warm.seconds);
  return { sample: async () => time(calls) };
}

/**
 * An asynchronous function in this process, whose calls follow one another.
 *
 * @param {() => Promise<unknown>} run
 * @param {object} [options]
 * @param {number} [options.seconds]  a sample lasts, about @default 0.5
 * @returns {Promise<Subject>}
 */
export async function inTurn(run, { seconds = 0.5 } = {}) {
  const time = async (calls) => {
    const cpu = process.cpuUsage();
    const start = process.hrtime.bigint();
    for (let i = 0; i < calls; i += 1) kept = await run();
    const elapsed = Number(process.hrtime.bigint() - start) / 1e9;
    const { user, system } = process.cpuUsage(cpu);
    return { operations: calls, seconds: elapsed, cpuSeconds: (user + system) / 1e6 };
  };
  let calls = 1;
  let warm = await time(calls);
  while (warm.seconds < seconds / 2) warm = await time((calls *= 2));
  calls = Math.ceil((calls * seconds) / warm.seconds);
  return { sample: () => time(calls) };
}

let kept;
/** The last value that a measured function returned. */
export const lastResult = () => kept;

/**
 * An HTTP server in a process of its own (and its children), driven by autocannon. Linux only: CPU times are read from /proc.
 * On two or more cores the server is pinned away from the load generator, where `taskset` is there.
 *
 * @param {object} options
 * @param {string[]} options.command  such as `[process.execPath, 'server.mjs']`; it listens on 127.0.0.1
 * @param {Record<string, string>} [options.env]  added to ours
 * @param {string} [options.log]  the file that gets its standard output @default none
 * @param {string} options.url  that the load goes to
 * @param {string} [options.readyUrl]  that answers 2xx once the server is ready; any answer will do when it is left out
 * @param {'GET' | 'POST'} [options.method] @default 'GET'
 * @param {Record<string, string>} [options.headers]
 * @param {string} [options.body]
 * @param {number} [options.connections] @default 32
 * @param {number} [options.warmUpSeconds] @default 5
 * @param {number} [options.seconds]  a sample lasts @default 5
 * @returns {Promise<Subject>}
 */
export async function server({ command, env, log, url, readyUrl, warmUpSeconds = 5, seconds = 5, ...load }) {
  const { connections = 32, method = 'GET', headers, body } = load;
  const [program, ...args] = pinned([0], command);
  const stdout = log === undefined ? 'ignore' : openSync(log, 'w');
  const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: ['ignore', stdout, 'inherit'] });
  if (log !== undefined) closeSync(stdout);
  const ended = new Promise((resolve) => child.once('close', resolve));
  const close = async () => {
    child.kill('SIGTERM');
    await ended;
  };
  const drive = (duration) => generate({ url, method, headers, body, connections, duration });
  try {
    await ready(child, readyUrl ?? url, readyUrl !== undefined);
    await drive(warmUpSeconds);
  } catch (error) {
    await close();
    throw error;
  }
  return {
    close,
    async sample() {
      const before = cpuSeconds(child.pid);
      const { requests, failures, seconds: took, busy, p50, p99 } = await drive(seconds);
      const spent = cpuSeconds(child.pid) - before;
      if (failures > 0) throw new VoidRun(`${failures} requests to ${url} failed beside ${requests} that succeeded`);
      return { operations: requests, seconds: took, cpuSeconds: spent, p50, p99, generatorBusy: busy };
    },
  };
}

async function ready(child, url, mustSucceed) {
  for (let attempt = 0; attempt < 300; attempt += 1) {
    if (child.exitCode !== null) throw new Error(`The server ended with ${child.exitCode} before it was ready.`);
    const response = await fetch(url).catch(() => undefined);
    await response?.body?.cancel();
    if (response && (response.ok || !mustSucceed)) return;
    await sleep(100);
  }
  throw new Error(`${url} did not answer within 30 seconds.`);
}

/** Runs a module of Node beside the server, on the core of the load generator. */
export function beside(module) {
  const [execPath, ...execArgv] = pinned([1], [process.execPath]);
  return fork(module, [], { execPath, execArgv });
}

function generate(options) {
  return new Promise((resolve, reject) => {
    const child = beside(new URL('load.mjs', import.meta.url));
    child.once('message', resolve);
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`The load generator ended with ${code} and no result.`)));
    child.send(options);
  });
}

/** The command, kept to the given cores where there are that many and `taskset` can do it. */
function pinned(cores, command) {
  if (availableParallelism() <= Math.max(...cores) || !hasTaskset) return command;
  return ['taskset', '-c', cores.join(','), ...command];
}
const hasTaskset = spawnSync('taskset', ['--version']).status === 0;

/** CPU seconds that a process and its descendants have spent, in steps of 10 ms. */
function cpuSeconds(pid) {
  const processes = readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .flatMap(readStat);
  const spentBy = (parent) =>
    processes
      .filter((process) => process.parent === parent)
      .reduce((sum, process) => sum + process.seconds + spentBy(process.pid), 0);
  const own = processes.find((process) => process.pid === pid);
  if (own === undefined) throw new VoidRun('the server ended under load');
  return own.seconds + spentBy(pid);
}

function readStat(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // After the command's name in parentheses come: state, parent, …, and as the 12th to 15th the ticks (user and system) of the
    // process and of its children that have ended (proc(5)).
    const fields = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
    return [
      {
        pid: Number(pid),
        parent: fields[1],
        seconds: (fields[11] + fields[12] + fields[13] + fields[14]) / TICKS_PER_SECOND,
      },
    ];
  } catch {
    return []; // ended meanwhile
  }
}
/** What Linux reports process times in, on every architecture that Node runs on. */
const TICKS_PER_SECOND = 100;
