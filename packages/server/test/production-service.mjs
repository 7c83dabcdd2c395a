// A service for several processes: its APIs tell which of them answers.
import { existsSync } from 'node:fs';
import { json } from '@ekiben/io-descriptors';
import { toRunner } from '@ekiben/runners';
import { Service } from '@ekiben/service';

class Worker {
  static signatures = {};
  constructor() {
    if (existsSync(process.env.WORKER_BROKEN_MARK ?? '')) throw new Error('no weights');
  }
  pid() {
    return process.pid;
  }
}

const worker = toRunner(Worker, { name: 'worker', placement: 'process' });
const any = { input: json({}), output: json({}) };

export const svc = new Service('s', { runners: [worker] })
  .api('pids', any, async () => ({ api: process.pid, runner: await worker.pid.run() }))
  .api('slow', any, async (ms) => {
    await new Promise((resolve) => setTimeout(resolve, ms));
    return process.pid;
  })
  .api('block', any, (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms));
