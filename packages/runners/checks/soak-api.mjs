// An API process of the soak: calls at random, gives up at random, and compares every answer with the direct call's.
import { tensor } from '@ekiben/tensor';
import { startRunners } from '@ekiben/runners';
import { booster, creditRisk } from './soak-service.mjs';

const CALLERS = Number(process.argv[2]);
const COLUMNS = 29;
const counts = { calls: 0, answered: 0, cancelled: 0, late: 0, refused: 0, failed: 0, wrong: 0 };
let stopped = false;

process.once('message', async (sockets) => {
  const running = await startRunners([creditRisk], { sockets });
  process.on('message', async (message) => {
    if (Array.isArray(message)) {
      const [method, argument] = message;
      await creditRisk[method].run(argument).catch(() => {}); // a worker that hangs is killed
      return;
    }
    if (message !== 'stop') return running.update(message);
    stopped = true;
    await callers;
    await running.close();
    process.send({ counts, rssMiB: process.memoryUsage.rss() / 2 ** 20 }, () => process.disconnect());
  });
  const callers = Promise.all(Array.from({ length: CALLERS }, caller));
});

async function caller(_, id) {
  while (!stopped) {
    const rows = Math.random() < 0.05 ? 1 + random(500) : 1 + random(8);
    const input = randomRows(rows);
    const options = { caller: `caller-${process.pid}-${id}`, priority: random(3) };
    if (Math.random() < 0.2) options.signal = AbortSignal.timeout(random(8));
    if (Math.random() < 0.1) options.deadline = performance.now() + random(20);
    counts.calls += 1;
    try {
      const answer = await creditRisk.predict.with(options).run(input);
      const same = Buffer.compare(bytesOf(answer), bytesOf(booster.predict(input))) === 0;
      counts[same ? 'answered' : 'wrong'] += 1;
    } catch (error) {
      counts[outcomeOf(error)] += 1;
    }
  }
}

function outcomeOf(error) {
  if (error.name === 'TimeoutError') return 'cancelled';
  if (error.code === 'EKIBEN_DEADLINE_EXCEEDED') return 'late';
  if (error.code === 'EKIBEN_BATCHER_OVERLOADED') return 'refused';
  if (error.code === 'EKIBEN_RUNNER_CRASHED') return 'failed';
  console.error(error);
  return 'wrong';
}

function randomRows(rows) {
  const Data = Math.random() < 0.5 ? Float32Array : Float64Array;
  const data = Data.from({ length: rows * COLUMNS }, () => (Math.random() < 0.02 ? NaN : Math.random() * 1000));
  return tensor(data, [rows, COLUMNS], Data === Float32Array ? 'float32' : 'float64');
}

const random = (below) => Math.floor(Math.random() * below);

const bytesOf = ({ data }) => Buffer.from(data.buffer, data.byteOffset, data.byteLength);
