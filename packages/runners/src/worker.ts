/**
 * The entry of a worker process (`@ekiben/runners/worker`): loads the service's module, takes the runner that it is named for, and
 * answers its calls until the supervisor says to stop or is gone. Arguments: a Bootstrap as JSON, and the path of the socket.
 */
import { rmdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { runChild, sendNote } from '@ekiben/supervisor';
import { batchesRun } from './batches.ts';
import type { BatchesRun } from './batches.ts';
import { findRunner } from './bootstrap.ts';
import type { BatchNote, Bootstrap, WorkerFacts } from './bootstrap.ts';
import { serveCalls } from './call-server.ts';
import type { CallServer } from './call-server.ts';
import type { RunnerCore } from './core.ts';

/** How often the supervisor hears of batches. */
const NOTE_MS = 500;

const [, , json = '{}', socket = ''] = process.argv;
const { target, role, settings = {} } = JSON.parse(json) as Bootstrap;
let core: RunnerCore | undefined;
let server: CallServer | undefined;

await runChild({
  async start(): Promise<WorkerFacts> {
    if (role.kind !== 'runner') throw new Error('this entry takes the role of a runner only');
    core = await findRunner(target, role.name);
    core.configure(settings);
    const embedded = await core.embedded();
    embedded.batchAll();
    const warmUpMs = await embedded.warmUp();
    noteBatches();
    server = await serveCalls(core, socket);
    return { socket, warmUpMs };
  },
  async stop() {
    await server?.close();
    await core?.unload();
    // The supervisor removes the directory, if it is still there to do so.
    if (!process.connected) await rmdir(dirname(socket)).catch(() => {});
  },
});

function noteBatches(): void {
  let batches: Record<string, Record<number, number>> = {};
  batchesRun.subscribe((message) => {
    const { method, rows } = message as BatchesRun;
    const ofMethod = (batches[method] ??= {});
    ofMethod[rows] = (ofMethod[rows] ?? 0) + 1;
  });
  const note = () => {
    if (Object.keys(batches).length === 0) return;
    sendNote({ batches } satisfies BatchNote);
    batches = {};
  };
  setInterval(note, NOTE_MS).unref();
}
