// A service whose runner is a process of its own; the process loads this file, too.
import { json } from '@ekiben/io-descriptors';
import { toRunner } from '@ekiben/runners';
import { Service } from '@ekiben/service';

class Worker {
  static signatures = {};
  pid() {
    return process.pid;
  }
  crash() {
    process.kill(process.pid, 'SIGKILL');
    return new Promise(() => {});
  }
}

const worker = toRunner(Worker, { name: 'worker', placement: 'process' });
const any = { input: json({}), output: json({}) };

export const svc = new Service('s', { runners: [worker] })
  .api('pid', any, () => worker.pid.run())
  .api('crash', any, () => worker.crash.run())
  .api('here', any, () => process.pid);
