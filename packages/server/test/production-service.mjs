// A service for several processes: its APIs tell which of them answers.
import { existsSync } from 'node:fs';
import { json } from '@ekiben/io-descriptors';
import { toRunner } from '@ekiben/runners';
import { metrics } from '@ekiben/server';
import { Service } from '@ekiben/service';

const asked = metrics.counter({ name: 'asked_total', help: 'Asked', labelNames: ['where'] });
const waiting = metrics.gauge({ name: 'waiting', help: 'Waiting' });
const sizes = metrics.histogram({ name: 'sizes', help: 'Sizes', buckets: [1, 10] });

class Worker {
  static signatures = {};
  constructor() {
    if (existsSync(process.env.WORKER_BROKEN_MARK ?? '')) throw new Error('no weights');
  }
  pid() {
    asked.inc({ where: 'runner' });
    return process.pid;
  }
}

const worker = toRunner(Worker, { name: 'worker', placement: 'process' });
const any = { input: json({}), output: json({}) };

export const svc = new Service('s', { runners: [worker] })
  .api('pids', any, async () => {
    asked.inc({ where: 'api' });
    waiting.set(1);
    sizes.observe(5);
    return { api: process.pid, runner: await worker.pid.run() };
  })
  .api('slow', any, async (ms) => {
    await new Promise((resolve) => setTimeout(resolve, ms));
    return process.pid;
  })
  .api('block', any, (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms));
