/**
 * Starts the runners of a service.
 *
 * In one process `startRunners` does it all: it loads the embedded ones, keeps worker processes for the others and connects to them.
 * Where several API processes share the workers, one of them calls `planRunners` and tells its supervisor the plans, the supervisor calls
 * `superviseRunners` once, and each of them `startRunners` with the sockets that the supervisor tells it, and `update` when they change.
 */
import { PROTOCOL } from './call-frames.ts';
import { coreOf } from './core.ts';
import type { RunnerCore } from './core.ts';
import type { WorkerStatus } from './runner-workers.ts';
import { allOrNone, configure, plan, supervise } from './supervise.ts';
import type { RunnerPlan, Supervised, SuperviseOptions } from './supervise.ts';
import type { AnyRunner } from './types.ts';
import { WorkerPool } from './worker-pool.ts';

export interface StartOptions extends SuperviseOptions {
  /** Workers that another process supervises: none is started here, and the runners that are not listed are embedded. */
  readonly sockets?: RunnerSockets | undefined;
}

/** The sockets of the workers that are ready, by the name of their runner. Plain data, for sending to other processes. */
export type RunnerSockets = Readonly<Record<string, readonly string[]>>;

export interface RunnerStatus {
  readonly name: string;
  readonly placement: 'embedded' | 'process';
  /** Why there. */
  readonly reason: string;
  /** `down`: a call would not be computed now. */
  readonly state: 'ready' | 'down';
  /** Its processes, if this one supervises them. */
  readonly workers: readonly WorkerStatus[];
}

export interface SupervisedRunners {
  status(): readonly RunnerStatus[];
  readonly sockets: RunnerSockets;
  /** Replaces every worker process without a gap. @throws what a new one threw while it started */
  roll(): Promise<void>;
  /** Asks every worker; see `onAnswer`. Resolves when all have answered, or the time is over. */
  ask(topic: string, timeoutMs: number): Promise<void>;
  /** Lets calls under way finish, then ends every process. */
  close(): Promise<void>;
  /** Ends every process at once. */
  kill(): void;
}

export interface RunningRunners extends Omit<SupervisedRunners, 'ask' | 'kill'> {
  /** The workers that another process supervises have changed. */
  update(sockets: RunnerSockets): void;
}

/**
 * Decides where each runner computes, for whoever supervises the workers. What was measured for this in this process stays loaded.
 * @throws EKIBEN_RUNNER_NAME_TAKEN, EKIBEN_RUNNER_OPTION_INVALID, EKIBEN_SERVICE_MODULE_UNKNOWN, and what loading a model throws
 */
export function planRunners(
  runners: readonly AnyRunner[],
  options: Pick<SuperviseOptions, 'module' | 'settings'> = {},
): Promise<readonly RunnerPlan[]> {
  return plan(runners.map(coreOf), options);
}

/**
 * Keeps the worker processes of all runners that need some, for other processes that call them. A runner that does not start is down.
 * @throws EKIBEN_SERVICE_MODULE_UNKNOWN; nothing is left running then
 */
export async function superviseRunners(
  plans: readonly RunnerPlan[],
  options: SuperviseOptions = {},
): Promise<SupervisedRunners> {
  const supervised = await supervise(plans, options);
  return {
    status: () => supervised.map((each) => statusOf(each, each.workers === null || each.workers.sockets.length > 0)),
    get sockets() {
      return socketsOf(supervised);
    },
    roll: () => roll(supervised),
    ask: async (topic, timeoutMs) =>
      void (await Promise.all(supervised.map(async ({ workers }) => workers?.ask(topic, timeoutMs)))),
    close: async () => void (await Promise.all(supervised.map(async ({ workers }) => workers?.close()))),
    kill: () => supervised.forEach(({ workers }) => workers?.kill()),
  };
}

/**
 * Makes every runner ready to be called in this process.
 * @throws EKIBEN_RUNNER_NAME_TAKEN, EKIBEN_RUNNER_OPTION_INVALID, EKIBEN_SERVICE_MODULE_UNKNOWN, and whatever loading a model throws;
 * nothing is left running then
 */
export async function startRunners(runners: readonly AnyRunner[], options: StartOptions = {}): Promise<RunningRunners> {
  const cores = runners.map(coreOf);
  const { sockets, onChange } = options;
  let callable: readonly Callable[] = [];
  const connect = () => {
    for (const { pool, workers } of callable) if (workers !== null) pool?.update(workers.sockets, workers.down);
    onChange?.();
  };
  const supervised =
    sockets === undefined
      ? await supervise(await plan(cores, options), { ...options, onChange: connect })
      : configure(cores, options).map((core) => elsewhere(core, sockets));
  callable = await allOrNone(
    cores.map((core, at) => makeCallable(core, supervised[at] as Supervised)),
    release,
  );
  const update = (changed: RunnerSockets) => {
    for (const { pool, core } of callable) pool?.update(changed[core.definition.name] ?? []);
  };
  if (sockets === undefined) connect();
  else update(sockets);
  return {
    status: () => callable.map((each) => statusOf(each, each.pool?.isReady ?? true)),
    get sockets() {
      return sockets ?? socketsOf(supervised);
    },
    update,
    roll: () => roll(supervised),
    close: async () => void (await Promise.all(callable.map(release))),
  };
}

/** A runner that can be called here: by its pool of connections if it is in processes. */
interface Callable extends Supervised {
  readonly core: RunnerCore;
  readonly pool: WorkerPool | null;
}

/** A worker that cannot start at all would be no better later: better to know now. */
async function makeCallable(core: RunnerCore, supervised: Supervised): Promise<Callable> {
  const { placement, workers } = supervised;
  if (placement.place === 'embedded') {
    await (await core.embedded()).warmUp();
    return { ...supervised, core, pool: null };
  }
  const { name, models } = core.definition;
  const pool = new WorkerPool({ protocol: PROTOCOL, runner: name, models });
  if (workers !== null) {
    try {
      if (workers.down !== null) throw workers.down;
      pool.update(workers.sockets);
      await pool.ready();
    } catch (error) {
      await Promise.all([pool.close(), workers.close()]);
      throw error;
    }
  }
  core.attach(pool);
  return { ...supervised, core, pool };
}

async function release({ core, pool, workers }: Callable): Promise<void> {
  await pool?.close();
  core.attach(null);
  await Promise.all([workers?.close(), core.unload()]);
}

function elsewhere(core: RunnerCore, sockets: RunnerSockets): Supervised {
  const { name } = core.definition;
  const place = Object.hasOwn(sockets, name) ? 'process' : 'embedded';
  return { name, placement: { place, reason: 'as the supervisor decided' }, workers: null };
}

function socketsOf(supervised: readonly Supervised[]): RunnerSockets {
  const sockets: Record<string, readonly string[]> = {};
  for (const { name, workers } of supervised) if (workers !== null) sockets[name] = workers.sockets;
  return sockets;
}

async function roll(supervised: readonly Supervised[]): Promise<void> {
  for (const { workers } of supervised) await workers?.roll();
}

function statusOf({ name, placement, workers }: Supervised, isReady: boolean): RunnerStatus {
  return {
    name,
    placement: placement.place,
    reason: placement.reason,
    state: isReady ? 'ready' : 'down',
    workers: workers?.status() ?? [],
  };
}
