// Batching policies compared in a discrete-event simulation, the real Batcher compared with its simulation, and its overhead.
//
//   pnpm bench batching           everything, about ten minutes; redraws docs/batching-policies.svg
//   pnpm bench batching --plot    only that
//   pnpm bench batching --check   only whether the Batcher does what its simulation does; ends with a count, for CI
//   pnpm bench batching --quick   shows that it runs
import { mkdirSync, writeFileSync } from 'node:fs';
import { Batcher } from '../packages/batching/dist/index.js';
import { drive, realTime } from './batching/batcher.mjs';
import { bursts, closedLoop, onOff, poisson } from './batching/loads.mjs';
import { plot } from './batching/plot.mjs';
import { cork, fixedWindow, none, ours } from './batching/policies.mjs';
import { simulate } from './batching/simulation.mjs';

const maxBatchSize = 64;
/** Timers that are later than this, at p99, say more about the machine than about the batcher. */
const MOST_LATE_MS = 2;
/** What "as good as the best" means. */
const TOLERANCE = 1.05;

/** Times of a batch of n rows in ms, on average; each batch varies by ±10 %. */
const CURVES = {
  'accelerator, 8 + 0.05 n': (n) => 8 + 0.05 * n,
  'saturating accelerator, max(8, 0.4 n)': (n) => Math.max(8, 0.4 * n),
  'remote API, 40 + n': (n) => 40 + n,
  'CPU model, 1 + 0.5 n': (n) => 1 + 0.5 * n,
  'decision trees, 0.1 + 0.02 n': (n) => 0.1 + 0.02 * n,
  'nothing to gain, 0.05 + n': (n) => 0.05 + n,
};

/** Loads; `capacity` is what full batches can do, in calls a second. */
const LOADS = {
  'Poisson, 5 % of capacity': (capacity) => poisson(0.05 * capacity),
  'Poisson, 50 %': (capacity) => poisson(0.5 * capacity),
  'Poisson, 90 %': (capacity) => poisson(0.9 * capacity),
  'on and off, 30 %': (capacity) => onOff(0.3 * capacity),
  'bursts of 32 in 2 ms, 20 %': (capacity) => bursts(0.2 * capacity),
  '1 client': () => closedLoop(1),
  '16 clients': () => closedLoop(16),
  '64 clients': () => closedLoop(64),
  '16 clients, thinking 1 ms': () => closedLoop(16, 1),
  '64 clients, thinking 1 ms': () => closedLoop(64, 1),
  '64 clients, thinking 5 ms': () => closedLoop(64, 5),
};

const POLICIES = {
  none: () => none(),
  'window 1 ms': () => fixedWindow(1, { maxBatchSize }),
  'window 5 ms': () => fixedWindow(5, { maxBatchSize }),
  CORK: () => cork({ maxBatchSize }),
  ours: () => ours({ maxBatchSize }),
  'ours, maxWaitMs 5': () => ours({ maxBatchSize, maxWaitMs: 5 }),
};

export async function run(args) {
  const quick = args.includes('--quick');
  if (args.includes('--plot')) return writePlot();
  if (args.includes('--check')) return checkSimulated();
  const report = { quick, policies: [] };
  for (const concurrency of quick ? [1] : [1, 4]) report.policies.push(...comparePolicies(concurrency, quick));
  report.overload = compareOverload(quick);
  report.simulatedBatcher = await compareSimulated(quick);
  report.realBatcher = await compareReal(quick);
  report.overhead = await measureOverhead(quick);
  mkdirSync(new URL('report/', import.meta.url), { recursive: true });
  writeFileSync(new URL('report/bench-batching.json', import.meta.url), `${JSON.stringify(report, null, 2)}\n`);
  if (quick) console.log('\nquick: this shows that the benchmark runs, and measures nothing');
  else writePlot();
}

/** The scenario of a curve: long enough for `calls` at capacity. */
function scenario(cost, concurrency, calls, seed = 1) {
  const capacity = (concurrency * maxBatchSize * 1000) / cost(maxBatchSize);
  const varied = (rows, random) => cost(rows) * (0.9 + 0.2 * random());
  return { capacity, cost: varied, concurrency, duration: Math.max(2_000, (calls / capacity) * 1000), seed };
}

function comparePolicies(concurrency, quick) {
  const seeds = quick ? [1] : [1, 2, 3];
  const cells = [];
  console.log(`\nBatches in flight: ${concurrency}. Largest batch: ${maxBatchSize}.`);
  console.log('Throughput as a share of the best policy, p99 as a multiple of the best of those within 5 % of it.');
  for (const [curve, cost] of Object.entries(CURVES)) {
    console.log(`\n${curve.padEnd(40)}${Object.keys(POLICIES).map((name) => name.padStart(18)).join('')}`); // prettier-ignore
    for (const [load, make] of Object.entries(LOADS)) {
      const results = Object.entries(POLICIES).map(([name, policy]) => {
        const runs = seeds.map((seed) => {
          const { capacity, ...rest } = scenario(cost, concurrency, quick ? 4_000 : 100_000, seed);
          return simulate(policy(), { ...rest, load: make(capacity) });
        });
        return { name, throughput: mean(runs, 'throughput'), p99: mean(runs, 'p99') };
      });
      const best = Math.max(...results.map(({ throughput }) => throughput));
      const able = results.filter(({ throughput }) => throughput * TOLERANCE >= best);
      const bestP99 = Math.min(...able.map(({ p99 }) => p99));
      for (const { name, throughput, p99 } of results) {
        cells.push({ concurrency, curve, load, policy: name, throughput: throughput / best, p99: p99 / bestP99 });
      }
      const row = cells.slice(-results.length).map((cell) => `${cell.throughput.toFixed(2)} ${multiple(cell.p99)}`);
      console.log(`  ${load.padEnd(38)}${row.map((text) => text.padStart(18)).join('')}`);
    }
  }
  console.log('');
  for (const name of Object.keys(POLICIES)) summarise(name, cells.filter(({ policy }) => policy === name)); // prettier-ignore
  return cells;
}

function summarise(name, cells) {
  const shortfall = (cell) => Math.max(1 / cell.throughput, cell.throughput * TOLERANCE < 1 ? 1 : cell.p99);
  const good = cells.filter((cell) => shortfall(cell) <= TOLERANCE);
  const worst = cells.reduce((a, b) => (shortfall(b) > shortfall(a) ? b : a));
  const where = `${worst.curve}; ${worst.load}: ${worst.throughput.toFixed(2)} ${multiple(worst.p99)}`;
  console.log(`${name.padEnd(18)} as good as the best in ${good.length} of ${cells.length}; worst: ${where}`);
}

/** Answers within the SLO, under Poisson arrivals up to twice the capacity. */
function compareOverload(quick) {
  const rows = [];
  const policies = (sloMs) => ({
    none: none(),
    'window 5 ms': fixedWindow(5, { maxBatchSize }),
    CORK: cork({ maxBatchSize, maxLatencyMs: sloMs }),
    ours: ours({ maxBatchSize, maxLatencyMs: sloMs }),
  });
  console.log('\nOverload: answers within the SLO as a share of capacity, p99 of answers, share refused (Poisson)');
  for (const [curve, sloMs] of Object.entries({
    'accelerator, 8 + 0.05 n': 50,
    'remote API, 40 + n': 300,
    'decision trees, 0.1 + 0.02 n': 10,
  })) {
    console.log(`\n${`${curve}; SLO ${sloMs} ms`.padEnd(46)}${Object.keys(policies(1)).map((name) => name.padStart(24)).join('')}`); // prettier-ignore
    for (const share of [0.5, 0.9, 1.2, 2]) {
      const cells = Object.entries(policies(sloMs)).map(([name, policy]) => {
        const { capacity, ...rest } = scenario(CURVES[curve], 1, quick ? 4_000 : 40_000);
        const result = simulate(policy, { ...rest, sloMs, load: poisson(share * capacity) });
        return {
          curve,
          share,
          policy: name,
          goodput: result.goodput / capacity,
          p99: result.p99,
          refused: result.refused,
        };
      });
      rows.push(...cells);
      const text = cells.map(({ goodput, p99, refused }) => `${goodput.toFixed(2)}, ${ms(p99)}, ${percent(refused)}`);
      console.log(
        `  ${`at ${percent(share)} of capacity`.padEnd(44)}${text.map((cell) => cell.padStart(24)).join('')}`,
      );
    }
  }
  return rows;
}

/** The Batcher under the simulated clock against the pure policy over a plain queue. */
async function compareSimulated(quick, seed = 1) {
  let worst = { ratio: 1, where: '' };
  let cells = 0;
  let misses = 0;
  for (const concurrency of [1, 4]) {
    for (const [curve, cost] of Object.entries(CURVES)) {
      for (const [load, make] of Object.entries(LOADS)) {
        for (const maxWaitMs of [0, 5]) {
          const { capacity, ...rest } = scenario(cost, concurrency, quick ? 500 : 5_000, seed);
          const options = { maxBatchSize, maxWaitMs };
          const simulated = simulate(ours(options), { ...rest, load: make(capacity) });
          const driven = await drive(options, { ...rest, load: make(capacity) });
          const ratio = Math.max(...['throughput', 'p50', 'p99'].map((key) => off(driven[key], simulated[key])));
          if (!(ratio <= TOLERANCE)) misses++;
          if (ratio > worst.ratio)
            worst = { ratio, where: `${curve}; ${load}; ${concurrency} in flight; maxWaitMs ${maxWaitMs}` };
          cells++;
        }
      }
    }
  }
  console.log(
    `\nThe Batcher under the simulated clock, ${cells} scenarios: throughput, p50 and p99 are off by a factor of at most`,
  );
  console.log(`${worst.ratio.toFixed(3)} from its simulation${worst.where && ` (${worst.where})`}.`);
  return { cells, misses, ...worst };
}

async function checkSimulated() {
  const { cells, misses } = await compareSimulated(true, 2); // in so short a time, nothing comes in two scenarios of seed 1
  console.log(`${cells - misses} passed, ${misses} failed`);
  if (misses > 0) process.exitCode = 1;
}

/**
 * The Batcher under the system's clock and timers against its simulation. Node's timers have steps of 1 ms, which batches of 40 ms and
 * more hide; where a busy machine makes them later than `MOST_LATE_MS`, the figures are void.
 */
async function compareReal(quick) {
  const curve = 'remote API, 40 + n';
  const rows = [];
  console.log(`\nThe Batcher in real time against its simulation (${curve}): throughput, p50, p99`);
  for (const load of ['Poisson, 50 %', 'Poisson, 90 %', '64 clients', '64 clients, thinking 5 ms']) {
    const { capacity, ...rest } = scenario(CURVES[curve], 1, 0);
    const timed = { ...rest, load: LOADS[load](capacity), duration: quick ? 1_000 : 20_000 };
    const options = { maxBatchSize, maxWaitMs: 5 };
    const simulated = simulate(ours(options), timed);
    const time = realTime();
    const real = await drive(options, timed, time);
    const ratios = ['throughput', 'p50', 'p99'].map((key) => real[key] / simulated[key]);
    const lateMs = time.late();
    rows.push({ load, ratios, lateMs });
    const note = lateMs > MOST_LATE_MS ? `  void: timers were ${lateMs.toFixed(1)} ms late` : '';
    console.log(`  ${load.padEnd(38)}${ratios.map((ratio) => ratio.toFixed(3)).join(', ')}${note}`);
  }
  return rows;
}

/** What a call costs beside the work: CPU time of this process. */
async function measureOverhead(quick) {
  const calls = quick ? 2_000 : 200_000;
  const batcher = new Batcher({ run: async (batch) => batch, maxBatchSize });
  const batches = async () => {
    for (let i = 0; i < calls; i += maxBatchSize) {
      await Promise.all(Array.from({ length: maxBatchSize }, (_, row) => batcher.run(row)));
    }
  };
  const lone = async () => {
    for (let i = 0; i < calls / 10; i++) await batcher.run(i);
  };
  const turns = async () => {
    for (let i = 0; i < calls / 10; i++) await new Promise((resolve) => setImmediate(resolve));
  };
  const result = {
    inFullBatchNs: await median(batches, calls),
    loneNs: await median(lone, calls / 10),
    turnNs: await median(turns, calls / 10),
  };
  console.log(`\nOverhead, CPU time: ${result.inFullBatchNs.toFixed(0)} ns a call in batches of ${maxBatchSize};`);
  console.log(
    `${result.loneNs.toFixed(0)} ns a lone call, of which ${result.turnNs.toFixed(0)} ns are the turn of the event loop.`,
  );
  return result;
}

async function median(work, operations) {
  const samples = [];
  for (let i = 0; i < 7; i++) {
    const start = process.cpuUsage();
    await work();
    const { user, system } = process.cpuUsage(start);
    samples.push(((user + system) * 1000) / operations);
  }
  return samples.sort((a, b) => a - b)[3];
}

function writePlot() {
  writeFileSync(new URL('../docs/batching-policies.svg', import.meta.url), drawPlot());
  console.log('\ndrew docs/batching-policies.svg');
}

/** Latency up to capacity, and answers in time beyond it, for the README. */
function drawPlot() {
  const cost = CURVES['CPU model, 1 + 0.5 n'];
  const sloMs = 100;
  const shares = Array.from({ length: 40 }, (_, i) => (i + 1) / 20);
  const policies = {
    'no batching': none,
    'fixed window, 5 ms': () => fixedWindow(5, { maxBatchSize }),
    'CORK (BentoML)': () => cork({ maxBatchSize, maxLatencyMs: sloMs }),
    'ours, maxLatencyMs 100': () => ours({ maxBatchSize, maxLatencyMs: sloMs }),
  };
  const lines = Object.entries(policies).map(([name, policy]) => {
    const results = shares.map((share) => {
      const { capacity, ...rest } = scenario(cost, 1, 40_000);
      const result = simulate(policy(), { ...rest, sloMs, load: poisson(share * capacity) });
      return { share, p99: result.p99, goodput: result.goodput / capacity };
    });
    return { name, results };
  });
  const x = { label: 'offered load, % of capacity', ticks: [0, 0.5, 1, 1.5, 2], format: percent };
  return plot([
    {
      title: 'p99 of the answers; n rows take 1 + 0.5 n ms',
      x,
      y: { label: 'ms', ticks: [2, 5, 10, 20, 50, 100, 200], log: true },
      lines: lines.map(({ name, results }) => ({ name, points: results.map(({ share, p99 }) => [share, p99]) })),
    },
    {
      title: 'Answers within 100 ms',
      x,
      y: { label: '% of capacity', ticks: [0, 0.25, 0.5, 0.75, 1], format: percent },
      lines: lines.map(({ name, results }) => ({
        name,
        points: results.map(({ share, goodput }) => [share, Math.min(1, goodput)]),
      })),
    },
  ]);
}

const mean = (runs, key) => runs.reduce((sum, result) => sum + result[key], 0) / runs.length;
const off = (a, b) => Math.max(a / b, b / a);
const multiple = (value) => (value < 100 ? `×${value.toFixed(2)}` : '×∞');
const percent = (value) => `${Math.round(value * 100)} %`;
const ms = (value) => (value < 100_000 ? `${value.toPrecision(3)} ms` : '∞');
