// What the adapter for ONNX costs over ONNX Runtime alone, what batches bring behind HTTP, and both beside what a Node team does today.
import { readFileSync } from 'node:fs';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { loadOnnx } from '../packages/frameworks/onnx/dist/index.js';
import { tensor } from '../packages/tensor/dist/index.js';
import { file, startCreditRisk } from './credit-risk.mjs';
import { compare, server } from './harness.mjs';

const FIXTURES = '../packages/frameworks/onnx/test/fixtures/';

/** One thread: more of them cost models as small as these more than they bring, and a server here has one core. */
const ONE_THREAD = { intraOpNumThreads: 1, interOpNumThreads: 1 };
const CONNECTIONS = 64;

/** `bench adapters [overhead|batches|fastify] [--quick]` */
export async function run(args) {
  const quick = args.includes('--quick');
  const parts = { overhead, batches, fastify };
  const chosen = Object.keys(parts).filter((name) => args.includes(name));
  for (const name of chosen.length > 0 ? chosen : Object.keys(parts)) await parts[name](quick);
}

async function overhead(quick) {
  for (const rows of [1, CONNECTIONS]) {
    console.log(`\n── the MLP, ${rows} rows a call: what we add to onnxruntime-node ──`);
    const { [OURS]: ours } = await compare({
      title: `adapters-overhead-${rows}`,
      quick,
      baseline: {
        name: 'onnxruntime-node',
        sources: [new URL(import.meta.url)],
        start: () => ortAlone('mlp-dynamic-batch', rows, quick),
      },
      contenders: [{ name: OURS, start: () => adapter('mlp-dynamic-batch', rows, quick) }],
    });
    if (!quick) goal(`CPU time added at ${rows} rows`, 1 / ours.cpuRatio.median - 1, { atMost: 0.05 });
  }
}

const OURS = '@ekiben/onnx';

async function ortAlone(model, rows, quick) {
  const { name, data, shape } = inputOf(model, rows);
  const session = await InferenceSession.create(file(`${FIXTURES}${model}.onnx`), ONE_THREAD);
  const [output] = session.outputNames;
  const call = async () => (await session.run({ [name]: new Tensor('float32', data, shape) }))[output].data;
  return { sample: await oneAfterAnother(call, quick), close: () => session.release() };
}

async function adapter(model, rows, quick) {
  const { name, data, shape } = inputOf(model, rows);
  const loaded = await loadOnnx(file(`${FIXTURES}${model}.onnx`), { session: ONE_THREAD });
  const [output] = loaded.outputs;
  const call = async () => (await loaded.run({ [name]: tensor(data, shape, 'float32') }))[output.name].data;
  return { sample: await oneAfterAnother(call, quick), close: () => loaded.close() };
}

async function batches(quick) {
  for (const model of ['mlp-dynamic-batch', 'cnn-image-features']) {
    console.log(
      `\n── ${model} behind HTTP in a worker process, ${CONNECTIONS} connections: joined, against one by one ──`,
    );
    const start = (batched) => startModel({ MODEL: model, BATCHED: batched }, quick);
    const { joined } = await compare({
      title: `adapters-batches-${model}`,
      quick,
      baseline: {
        name: 'one by one',
        sources: [new URL('adapters/onnx-service.mjs', import.meta.url), new URL(import.meta.url)],
        start: () => start('0'),
      },
      contenders: [{ name: 'joined', start: () => start('1') }],
    });
    if (quick) continue;
    goal('joined, in throughput', joined.throughputRatio.median, { atLeast: 0.95 });
    const allowed = await allowedGain(model, joined);
    const least = model.startsWith('cnn') ? { atLeast: 0.9 } : {};
    goal(`of the gain of ${allowed.toFixed(2)} that the batch curve allows`, joined.cpuRatio.median / allowed, least);
  }
}

/**
 * How much less CPU time a request takes, at the most, when only the model's part changes: from that of one row to that of a row in a
 * batch of all connections.
 */
async function allowedGain(model, joined) {
  const micros = async (rows) => {
    const { sample, close } = await adapter(model, rows, false);
    const { cpuSeconds, operations } = await sample();
    await close();
    return (cpuSeconds * 1e6) / operations / rows;
  };
  const [alone, inBatch] = [await micros(1), await micros(CONNECTIONS)];
  console.log(
    `\nthe model takes ${alone.toFixed(1)} µs for a row alone, ${inBatch.toFixed(1)} µs for one of ${CONNECTIONS}`,
  );
  const oneByOne = joined.cpu.median * joined.cpuRatio.median;
  return oneByOne / (oneByOne - alone + inBatch);
}

async function fastify(quick) {
  console.log('\n── the credit model as ONNX, against Fastify and onnxruntime-node ──');
  const start = (command) => startCreditRisk([file(command)], { quick, connections: CONNECTIONS });
  const rival = 'http/fastify-onnx.mjs';
  const { Ekiben: ours } = await compare({
    title: 'adapters-fastify',
    quick,
    baseline: {
      name: 'Fastify 5 + onnxruntime-node',
      sources: [new URL(rival, import.meta.url)],
      start: () => start(rival),
    },
    contenders: [{ name: 'Ekiben', start: () => start('adapters/credit-onnx-server.mjs') }],
  });
  if (!quick) goal('CPU time a request, Fastify to ours', ours.cpuRatio.median, { atLeast: 1.2 });
}

function goal(what, value, { atLeast = -Infinity, atMost = Infinity }) {
  const reached = value >= atLeast && value <= atMost;
  const bound = atMost < Infinity ? `, at most ${atMost}` : atLeast > -Infinity ? `, at least ${atLeast}` : '';
  console.log(`${bound === '' ? 'seen   ' : reached ? 'reached' : 'MISSED '} ${what}: ${value.toFixed(3)}${bound}`);
  if (!reached) process.exitCode = 1;
}

let port = 30_000 + (process.pid % 10_000); // of two runs at a time, each has its own

/** A server that computes one of the fixture's inputs, batched or not. */
function startModel(env, quick) {
  port += 1;
  return server({
    command: [process.execPath, file('adapters/onnx-server.mjs')],
    env: { PORT: String(port), ...env },
    url: `http://127.0.0.1:${port}/predict`,
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ row: 1 }),
    connections: CONNECTIONS,
    ...(quick ? { warmUpSeconds: 1, seconds: 1 } : {}),
  });
}

/** The fixture's own input, repeated or cut to so many rows. */
function inputOf(model, rows) {
  const { inputs } = JSON.parse(readFileSync(file(`${FIXTURES}${model}.expected.json`), 'utf8'));
  const [[name, { data, shape }]] = Object.entries(inputs);
  const [, ...rest] = shape;
  const length = rest.reduce((product, each) => product * each, rows);
  return { name, data: Float32Array.from({ length }, (_, i) => data[i % data.length]), shape: [rows, ...rest] };
}

/** Samples of about half a second of calls, one after the other; warm. */
async function oneAfterAnother(call, quick) {
  const time = async (calls) => {
    const cpu = process.cpuUsage();
    const start = performance.now();
    for (let i = 0; i < calls; i++) await call();
    const { user, system } = process.cpuUsage(cpu);
    return { operations: calls, seconds: (performance.now() - start) / 1000, cpuSeconds: (user + system) / 1e6 };
  };
  const warm = await time(quick ? 10 : 20_000);
  const calls = Math.ceil((warm.operations * (quick ? 0.1 : 0.7)) / warm.seconds);
  return () => time(calls);
}
