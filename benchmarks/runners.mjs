// What it costs to reach a model: in this process, and in one of its own.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadBooster, xgboost } from '../packages/frameworks/xgboost/dist/index.js';
import { startRunners, toRunner } from '../packages/runners/dist/index.js';
import { tensor } from '../packages/tensor/dist/index.js';
import { file, startCreditRisk } from './credit-risk.mjs';
import { compare, VoidRun } from './harness.mjs';
import { Echo } from './runners/echo-service.mjs';

export async function run(args) {
  const quick = args.includes('--quick');
  const parts = [
    () => embedded(quick ? 1_000 : 200_000, quick),
    () => transport('small', 29, 64, quick ? 2_000 : 300_000, 0.5, quick),
    () => transport('1MiB', 131_072, 4, quick ? 20 : 2_000, 0.8, quick),
    () => http(0.45, quick),
  ];
  let voids = 0;
  for (const part of parts) {
    try {
      await part();
    } catch (error) {
      if (!(error instanceof VoidRun)) throw error;
      console.error(`void: ${error.message}`);
      voids += 1;
    }
  }
  if (voids > 0) throw new VoidRun(`${voids} of ${parts.length} parts`);
}

/** Says how a measured ratio stands to what it should be. */
function judge(ratio, least) {
  console.log(`\nratio ${ratio.toFixed(2)}, to reach: ${least}${ratio >= least ? '' : ' — MISSED'}`);
}

/** What the runner adds to a model in the same process. */
async function embedded(calls, quick) {
  console.log('\n── embedded: one row of the credit model ──');
  const fixtures = new URL('../packages/frameworks/xgboost/test/fixtures/credit-risk/', import.meta.url);
  const bytes = readFileSync(new URL('saved_model.ubj', fixtures));
  const [line] = readFileSync(new URL('expected.jsonl', fixtures), 'utf8').split('\n', 1);
  const row = tensor(Float64Array.from(JSON.parse(line).vector), [1, 29], 'float64');
  const manifest = { module: xgboost.module, signatures: { predict: { batchable: true } }, options: {} };
  const model = { tag: 'credit:1', manifest, framework: xgboost, load: async () => loadBooster(bytes) };
  const direct = async () => {
    const booster = loadBooster(bytes);
    return { sample: await closedLoop(async () => booster.predict(row), 1, calls) };
  };
  const runner = async () => {
    const credit = toRunner(model);
    const running = await startRunners([credit]);
    return { sample: await closedLoop(() => credit.predict.run(row), 1, calls), close: () => running.close() };
  };
  const { [RUNNERS]: ours, [DIRECT]: theirs } = await compare({
    title: 'runners-embedded',
    quick,
    baseline: { name: DIRECT, sources: [new URL(import.meta.url)], start: direct },
    contenders: [{ name: RUNNERS, start: runner }],
  });
  if (theirs === undefined) return;
  const added = ours.cpu.median - ours.cpu.median * ours.cpuRatio.median;
  console.log(
    `\nthe runner adds ${added.toFixed(2)} µs to the direct call, to reach: 1${added <= 1 ? '' : ' — MISSED'}`,
  );
}

const DIRECT = 'the method, in an async function';
const RUNNERS = '@ekiben/runners';

/** A tensor there and back, in calls that `concurrency` callers make one after the other. */
async function transport(title, length, concurrency, calls, least, quick) {
  console.log(`\n── transport: float64 [1, ${length}] there and back, ${concurrency} callers ──`);
  const input = tensor(
    Float64Array.from({ length }, (_, i) => i),
    [1, length],
    'float64',
  );
  const { [RUNNERS]: ours } = await compare({
    title: `runners-transport-${title}`,
    quick,
    baseline: {
      name: 'bare Unix-socket echo of the same bytes',
      sources: [new URL('runners/bare-echo.mjs', import.meta.url), new URL(import.meta.url)],
      start: () => bareEcho(Buffer.from(input.data.buffer), concurrency, calls),
    },
    contenders: [{ name: RUNNERS, start: () => runnerEcho(input, concurrency, calls) }],
  });
  if (!quick) judge(ours.throughputRatio.median, least);
}

async function bareEcho(bytes, concurrency, calls) {
  const directory = await mkdtemp(join(tmpdir(), 'ekiben-bench-'));
  const path = join(directory, 'echo.sock');
  const child = fork(file('runners/bare-echo.mjs'), [path]);
  await once(child, 'message');
  const socket = connect(path);
  await once(socket, 'connect');
  // Answers come in the order of the messages: each is complete when its bytes have come.
  const waiting = [];
  let received = 0;
  socket.on('data', (chunk) => {
    for (received += chunk.length; received >= bytes.length; received -= bytes.length) waiting.shift()();
  });
  const call = () =>
    new Promise((resolve) => {
      waiting.push(resolve);
      socket.write(bytes);
    });
  const childCpu = async () => {
    child.send('cpu');
    return (await once(child, 'message'))[0];
  };
  const sample = await closedLoop(call, concurrency, calls, childCpu);
  return {
    sample,
    async close() {
      socket.destroy();
      child.disconnect();
      await once(child, 'exit');
      await rm(directory, { recursive: true });
    },
  };
}

async function runnerEcho(input, concurrency, calls) {
  const echo = toRunner(Echo, { name: 'echo', placement: 'process' });
  const running = await startRunners([echo], { module: file('runners/echo-service.mjs') });
  const sample = await closedLoop(
    () => echo.echo.run(input),
    concurrency,
    calls,
    () => echo.cpu.run(),
  );
  return { sample, close: () => running.close() };
}

/** Samples of `calls` calls, once warm; the CPU time is that of both processes. */
async function closedLoop(call, concurrency, calls, childCpu = async () => ({ user: 0, system: 0 })) {
  const sample = async () => {
    const [own, child] = [process.cpuUsage(), await childCpu()];
    const start = performance.now();
    let left = calls;
    const caller = async () => {
      while (left-- > 0) await call();
    };
    await Promise.all(Array.from({ length: concurrency }, caller));
    const seconds = (performance.now() - start) / 1000;
    const [ownAfter, childAfter] = [process.cpuUsage(own), await childCpu()];
    const micros = ownAfter.user + ownAfter.system + childAfter.user + childAfter.system - child.user - child.system;
    return { operations: calls, seconds, cpuSeconds: micros / 1e6 };
  };
  await sample();
  return sample;
}

/** The credit-risk service with its model in a worker process, against a server that only parses JSON. */
async function http(least, quick) {
  console.log('\n── credit-risk over HTTP, the model in a worker process, 64 connections ──');
  const bare = file('http/bare.mjs');
  const { [IN_PROCESS]: ours } = await compare({
    title: 'runners-http',
    quick,
    baseline: {
      name: 'bare node:http',
      sources: [bare],
      start: () => startCreditRisk([bare], { quick, answers: false, connections: 64 }),
    },
    contenders: [
      {
        name: IN_PROCESS,
        start: () => startCreditRisk([file('runners/credit-risk-server.mjs')], { quick, connections: 64 }),
      },
    ],
  });
  if (!quick) judge(ours.throughputRatio.median, least);
}

const IN_PROCESS = 'credit-risk in a process';
