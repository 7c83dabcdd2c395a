// A service that says what happens to it; every process loads this file.
import { json } from '@ekiben/io-descriptors';
import { Service } from '@ekiben/service';

const say = (what) => process.stdout.write(`${JSON.stringify({ said: what, pid: process.pid })}\n`);
const any = { input: json({}), output: json({}) };

export const svc = new Service('hooks')
  .api('pid', any, () => process.pid)
  .onDeployment(() => say('deployment'))
  .onStartup(() => say('startup'))
  .onShutdown(() => say('shutdown'));
