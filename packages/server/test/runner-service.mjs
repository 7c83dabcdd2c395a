// A service whose runner is a process of its own; the process loads this file, too.
import { existsSync, writeFileSync } from 'node:fs';
import { json } from '@ekiben/io-descriptors';
import { callContext, toRunner } from '@ekiben/runners';
import { Service } from '@ekiben/service';

/** Once this file is there, no process of the runner starts any more. */
const broken = process.env.RUNNER_BROKEN_MARK;

class Worker {
  static signatures = {};
  constructor() {
    if (existsSync(broken)) throw new Error(`broken, as ${broken} says`);
  }
  pid() {
    return process.pid;
  }
  crash(forGood) {
    if (forGood) writeFileSync(broken, '');
    process.kill(process.pid, 'SIGKILL');
    return new Promise(() => {});
  }
}

const worker = toRunner(Worker, { name: 'worker', placement: 'process' });
const text = { ...json({}), contentType: 'text/plain', encode: (chunks) => chunks };
const any = { input: json({}), output: json({}) };

export const svc = new Service('s', { runners: [worker] })
  .api('pid', any, () => worker.pid.run())
  .api('crash', any, (forGood) => worker.crash.run(forGood))
  .api('here', any, () => process.pid)
  .api('context', any, () => Object.keys(callContext()))
  .api('context-of-stream', { input: any.input, output: text }, async function* () {
    for (let i = 0; i < 2; i += 1) yield Buffer.from(`${callContext()?.traceparent}\n`);
  });
