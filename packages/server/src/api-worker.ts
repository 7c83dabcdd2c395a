/**
 * The entry of an API worker (`@ekiben/server/api-worker`): serves the connections that its supervisor hands it. The first of a
 * generation also finds out what all of them have to agree on: which versions the tags mean, and where the runners compute.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { EventEmitter, once } from 'node:events';
import type { Socket } from 'node:net';
import { pathToFileURL } from 'node:url';
import { planRunners, startRunners } from '@ekiben/runners';
import type { RunnerSockets, RunningRunners } from '@ekiben/runners';
import { runHooks } from '@ekiben/service';
import type { ServiceDefinition } from '@ekiben/service';
import type { TagResolved } from '@ekiben/store';
import { answer, runChild, sendNote } from '@ekiben/supervisor';
import { finish } from './drain.ts';
import { CONNECTION } from './front-door.ts';
import { SCRAPE_TIMEOUT_MS } from './limits.ts';
import { importService } from './service-module.ts';
import { createSite } from './site.ts';
import type { Site } from './site.ts';
import { METRICS } from './worker-messages.ts';
import type { Task, WorkerNote, WorkerOrder } from './worker-messages.ts';

const orders = new EventEmitter();
const connections = new Set<Socket>();
let sockets: RunnerSockets | undefined;
let runners: RunningRunners | undefined;
let site: Site | undefined;
let graceMs = 0;

await runChild({
  async start(): Promise<void> {
    // A log that cannot be written, because its disk is full or its reader gone, is no reason to end.
    process.stdout.on('error', () => {});
    process.stderr.on('error', () => {});
    const given = once(orders, 'task');
    note({ kind: 'hello' });
    const [task] = (await given) as [Task];
    graceMs = task.graceMs;
    const service = await load(task);
    if (sockets === undefined) await once(orders, 'runners');
    runners = await startRunners(service.runners, { sockets, settings: task.settings });
    const { metrics } = (site = await createSite(service, runners, task.site, sumMetrics));
    answer(METRICS, () => metrics.snapshot());
    // It never listens by itself; with this event node begins to watch over slow requests.
    site.http.emit('listening');
  },
  async stop(): Promise<void> {
    site?.startDraining();
    if (site !== undefined) await finish(site.http, allClosed(), graceMs);
    try {
      await site?.shutdown();
    } finally {
      await runners?.close();
    }
  },
  onMessage(message, connection) {
    if (message === CONNECTION) {
      if (connection !== undefined) serveConnection(connection);
      return;
    }
    const order = message as WorkerOrder;
    if (order.kind === 'task') orders.emit('task', order.task);
    else if (order.kind === 'runners') {
      sockets = order.sockets;
      orders.emit('runners');
      runners?.update(order.sockets);
    } else if (order.kind === 'standby') void standBy(order.imports);
    else orders.emit(`scraped ${order.id}`, order.text);
  },
});

/** What fails here fails again, and is told, when there is a task. */
async function standBy(imports: string): Promise<void> {
  await import(pathToFileURL(imports).href).catch(() => {});
}

async function load({ module, exportName, pinnedTags, settings }: Task): Promise<ServiceDefinition> {
  if (pinnedTags !== null) {
    process.env['EKIBEN_PINNED_TAGS'] = JSON.stringify(pinnedTags);
    return (await importService(module, exportName)).service;
  }
  const tags: TagResolved[] = [];
  const hear = (message: unknown) => void tags.push(message as TagResolved);
  subscribe('ekiben:store:resolved', hear);
  const found = await importService(module, exportName);
  unsubscribe('ekiben:store:resolved', hear);
  await runHooks(found.service, 'deployment', undefined);
  const plans = await planRunners(found.service.runners, { module, settings });
  const { service } = found;
  note({ kind: 'plan', plan: { service: service.name, exportName: found.exportName, runners: plans, tags } });
  return service;
}

let scrapes = 0;

async function sumMetrics(): Promise<string> {
  const id = (scrapes += 1);
  const scraped = once(orders, `scraped ${id}`, { signal: AbortSignal.timeout(2 * SCRAPE_TIMEOUT_MS) });
  note({ kind: 'scrape', id });
  return ((await scraped) as [string])[0];
}

function serveConnection(connection: Socket): void {
  connections.add(connection);
  connection.once('close', () => connections.delete(connection));
  // As node:http has it for connections that it accepts.
  connection.allowHalfOpen = true;
  if (site === undefined) connection.destroy();
  else site.http.emit('connection', connection);
}

async function allClosed(): Promise<void> {
  for (const connection of connections) await new Promise((resolve) => connection.once('close', resolve));
}

function note(message: WorkerNote): void {
  sendNote(message);
}
