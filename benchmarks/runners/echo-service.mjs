// A runner that gives back what it gets, for measuring nothing but the way there and back.
import { toRunner } from '../../packages/runners/dist/index.js';

export class Echo {
  static signatures = {};
  echo(value) {
    return value;
  }
  cpu() {
    return process.cpuUsage();
  }
}

export const svc = { runners: [toRunner(Echo, { name: 'echo', placement: 'process' })] };
