// The service of the life-cycle check. Its model comes by an alias; every answer tells which version answered, in the API worker and in
// the worker of the runner.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { json, models, Service, toRunner } from 'ekiben';

const model = await models.get('scale:production');
const { factor } = JSON.parse(readFileSync(join(model.path, 'scale.json'), 'utf8'));
const any = { input: json({}), output: json({}) };

// Once this file is there, no process starts any more.
if (existsSync(process.env.BROKEN_MARK ?? '')) throw new Error('broken, as the mark says');

const sleepBlocked = (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);

class Scale {
  static signatures = { scale: { batchable: true, batchDim: [0, 0] } };
  // A version that cannot compute fails when it is loaded, before it is given a request.
  constructor() {
    if (typeof factor !== 'number') throw new Error(`${model.tag} has no factor`);
  }
  scale(values) {
    return values.map((value) => ({ value: value * factor, tag: model.tag, pid: process.pid }));
  }
  fail() {
    throw new Error('as asked');
  }
}

/** A GPU, as it were: 2 ms a batch and 0.1 ms a row, in which its process is blocked, but takes no CPU time from the others. */
class Costly {
  static signatures = { run: { batchable: true, batchDim: [0, 0] } };
  run(values) {
    sleepBlocked(2 + 0.1 * values.length);
    return values;
  }
}

const scale = toRunner(Scale, { name: 'scale', placement: 'process', workers: 2 });
const costly = toRunner(Costly, { name: 'costly', placement: 'process', batching: { maxLatencyMs: 200 } });
const leaked = [];

export const svc = new Service('life-cycle', { runners: [scale, costly] })
  .api('scale', any, async (value) => {
    const [scaled] = await scale.scale.run([value]);
    return { ...scaled, api: model.tag, apiPid: process.pid };
  })
  .api('costly', any, (rows) => costly.run.run(rows))
  .api('slow', any, async (ms) => {
    await new Promise((resolve) => setTimeout(resolve, ms));
    return process.pid;
  })
  .api('block', any, (ms) => sleepBlocked(ms))
  .api('leak', any, (mib) => {
    leaked.push(Buffer.alloc(mib * 2 ** 20, 1));
    return process.pid;
  })
  .api('fail', any, () => {
    throw new Error('as asked');
  });
