// The service as `npm start` has it, on a port of its own, for programs of others to call.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { temporary } from '../../../packages/store/checks/harness.mjs';

const app = fileURLToPath(new URL('..', import.meta.url));

/** @returns {Promise<{ url: string, stop(): Promise<void> }>} */
export async function startCreditRisk() {
  const child = spawn(process.execPath, [join(app, 'start.mjs'), '--port', '0'], {
    env: { ...process.env, EKIBEN_HOME: temporary() },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  process.on('exit', () => child.kill('SIGKILL'));
  for await (const line of createInterface({ input: child.stdout })) {
    const [url] = /http:\/\/127\.0\.0\.1:\d+/.exec(line) ?? [];
    if (url === undefined) continue;
    child.stdout.resume();
    return {
      url,
      async stop() {
        const ended = once(child, 'exit');
        child.kill('SIGTERM');
        await ended;
      },
    };
  }
  throw new Error('The service did not start.');
}
