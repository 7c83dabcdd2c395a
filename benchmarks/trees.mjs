// One row and many rows of the credit model (175 trees of depth 3, 29 features): @ekiben/xgboost against trees made of objects, and,
// where it is installed, onnxruntime-node with the same model converted to ONNX.
import { readFileSync } from 'node:fs';
import { tensor } from '../packages/tensor/dist/index.js';
import { loadBooster } from '../packages/frameworks/xgboost/dist/index.js';
import { decodeUbjson } from '../packages/frameworks/xgboost/dist/ubjson.js';
import { compare, inProcess } from './harness.mjs';
import { objectTrees, predict } from './trees/object-trees.mjs';

const fixtures = new URL('../packages/frameworks/xgboost/test/fixtures/credit-risk/', import.meta.url);

export async function run(args) {
  const quick = args.includes('--quick');
  const file = readFileSync(new URL('saved_model.ubj', fixtures));
  const vectors = readFileSync(new URL('expected.jsonl', fixtures), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).vector);
  const onnx = await onnxSession();
  if (onnx === undefined) console.log('onnxruntime-node is not installed: measured without it');

  for (const count of [1, 64, 10_000]) {
    const batches = batchesOf(vectors, count);
    const booster = loadBooster(file);
    const trees = objectTrees(decodeUbjson(file));
    agree(predict(trees, 0, batches[0].rows), booster.predict(batches[0].tensor).data);
    const options = { operations: count, seconds: quick ? 0.05 : 0.5 };
    const contenders = [
      {
        name: '@ekiben/xgboost',
        start: () =>
          inProcess(
            inTurn(batches, (batch) => booster.predict(batch.tensor)),
            options,
          ),
      },
    ];
    if (onnx !== undefined) {
      const feed = batches.map((batch) => ({ x: new onnx.Tensor('float32', batch.float32, [count, 29]) }));
      const score = inTurn(feed, (inputs) => onnx.session.run(inputs));
      contenders.push({ name: 'onnxruntime-node', start: () => inProcessAsync(score, options) });
    }
    console.log(`\n── ${count === 1 ? 'one row' : `${count} rows`} a call; figures are by row ──`);
    await compare({
      title: `trees-${count}`,
      quick,
      baseline: {
        name: 'object trees',
        sources: [new URL(import.meta.url), new URL('trees/object-trees.mjs', import.meta.url)],
        start: () =>
          inProcess(
            inTurn(batches, (batch) => predict(trees, 0, batch.rows)),
            options,
          ),
      },
      contenders,
    });
  }
}

/** Different rows from call to call, so that no branch predictor learns one by heart. */
function batchesOf(vectors, count) {
  return Array.from({ length: count === 1 ? vectors.length : 4 }, (_, batch) => {
    const rows = Array.from({ length: count }, (_, i) => vectors[(batch * 37 + i) % vectors.length]);
    const float32 = Float32Array.from(rows.flat());
    return { rows, float32, tensor: tensor(float32, [count, 29], 'float32') };
  });
}

/** Calls `run` with one input after the other. */
function inTurn(inputs, run) {
  let next = 0;
  return () => {
    next = next + 1 < inputs.length ? next + 1 : 0;
    return run(inputs[next]);
  };
}

function agree(expected, actual) {
  const differs = expected.findIndex((value, i) => Math.abs(value - actual[i]) > 1e-6);
  if (differs >= 0)
    throw new Error(`The baseline gives ${expected[differs]} for row ${differs}, we ${actual[differs]}.`);
}

async function onnxSession() {
  const onnxruntime = await import('onnxruntime-node').catch(() => undefined);
  if (onnxruntime === undefined) return undefined;
  const { InferenceSession, Tensor } = onnxruntime.default;
  const model = readFileSync(new URL('trees/credit-risk.onnx', import.meta.url));
  // One thread, as we have; more of them cost a single row more than they bring.
  return { Tensor, session: await InferenceSession.create(model, { intraOpNumThreads: 1, interOpNumThreads: 1 }) };
}

/** `inProcess` for a function that returns a promise: one call after the other. */
async function inProcessAsync(run, { operations, seconds }) {
  const time = async (calls) => {
    const cpu = process.cpuUsage();
    const start = process.hrtime.bigint();
    for (let i = 0; i < calls; i += 1) await run();
    const elapsed = Number(process.hrtime.bigint() - start) / 1e9;
    const { user, system } = process.cpuUsage(cpu);
    return { operations: calls * operations, seconds: elapsed, cpuSeconds: (user + system) / 1e6 };
  };
  let calls = 1;
  let warm = await time(calls);
  while (warm.seconds < seconds / 2) warm = await time((calls *= 2));
  calls = Math.ceil((calls * seconds) / warm.seconds);
  return { sample: () => time(calls) };
}
