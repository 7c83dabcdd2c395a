/**
 * The entry of a worker process (`@ekiben/runners/worker`): loads the service's module, takes the runner that it is named for, and
 * serves its calls until the parent says to stop or is gone. Arguments: a Bootstrap as JSON, and the path of the socket.
 */
import { rm, rmdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { findRunner } from './bootstrap.ts';
import type { Bootstrap, WorkerReport } from './bootstrap.ts';
import { serveCalls } from './call-server.ts';
import { toErrorRecord } from './remote-error.ts';

const [, , json = '{}', socket = ''] = process.argv;
const bootstrap = JSON.parse(json) as Bootstrap;

try {
  const close = await start();
  // Without its parent nobody could ever stop this process, and nobody would know of its socket.
  process.once(
    'disconnect',
    () =>
      void close()
        .then(removeSocket)
        .then(() => process.exit(0)),
  );
  process.once('SIGTERM', () => void close().then(() => process.exit(0)));
  process.on('SIGINT', () => {}); // Ctrl-C reaches the whole process group; the parent drains, then stops us.
  report({ kind: 'ready' });
} catch (error) {
  report({ kind: 'failed', error: toErrorRecord(error) });
  process.exitCode = 1;
  process.disconnect();
}

async function start(): Promise<() => Promise<void>> {
  if (bootstrap.role.kind !== 'runner') throw new Error('this entry runs the role of a runner only');
  const core = await findRunner(bootstrap.target, bootstrap.role.name);
  const embedded = await core.embedded();
  await embedded.warmUp();
  const server = await serveCalls(core, socket);
  return async () => {
    await server.close();
    await core.close();
  };
}

function report(message: WorkerReport): void {
  process.send?.(message);
}

/** The parent would do it, were it there. */
async function removeSocket(): Promise<void> {
  await rm(socket, { force: true });
  await rmdir(dirname(socket)).catch(() => undefined);
}
