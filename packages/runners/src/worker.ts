/**
 * The entry of a worker process (`@ekiben/runners/worker`): loads the service's module, takes the runner that it is named for, and
 * answers its calls until the supervisor says to stop or is gone. Arguments: a Bootstrap as JSON, and the path of the socket.
 */
import { rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { runChild } from '@ekiben/supervisor';
import { findRunner, startObserver } from './bootstrap.ts';
import type { Bootstrap, WorkerFacts } from './bootstrap.ts';
import { noteBatches } from './batch-notes.ts';
import { serveCalls } from './call-server.ts';
import type { CallServer } from './call-server.ts';
import type { RunnerCore } from './core.ts';
import { ORPHAN_MS } from './limits.ts';

const [, , json = '{}', socket = ''] = process.argv;
const bootstrap = JSON.parse(json) as Bootstrap;
const { target, role, settings = {} } = bootstrap;
let core: RunnerCore | undefined;
let server: CallServer | undefined;
let sendLastNote = (): void => {};
let endObserver = async (): Promise<void> => {};

await runChild({
  async start(): Promise<WorkerFacts> {
    if (role.kind !== 'runner') throw new Error('this entry takes the role of a runner only');
    endObserver = await startObserver(bootstrap);
    core = await findRunner(target, role.name);
    core.configure(settings);
    const embedded = await core.embedded();
    embedded.batchAll();
    const warmUpMs = await embedded.warmUp();
    sendLastNote = noteBatches();
    server = await serveCalls(core, embedded, socket);
    return { socket, warmUpMs };
  },
  async stop() {
    // Without a supervisor there is nobody else for the calls of API workers that finish what they have.
    if (!process.connected) await Promise.race([server?.callersGone(), sleep(ORPHAN_MS)]);
    await server?.close();
    await core?.unload();
    sendLastNote();
    await endObserver();
    // The supervisor removes the directory, if it is still there to do so. On Windows there is none.
    if (!process.connected && process.platform !== 'win32') await rm(dirname(socket), { recursive: true, force: true });
  },
});
