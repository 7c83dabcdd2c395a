/** Decides where each runner computes, and keeps the worker processes of those that do not compute where they are called. */
import { channel } from 'node:diagnostics_channel';
import { EkibenError } from '@ekiben/spec';
import { availableCpus } from '@ekiben/supervisor';
import type { RunnerCore } from './core.ts';
import { choosePlacement } from './placement.ts';
import type { Placement } from './placement.ts';
import { RunnerWorkers } from './runner-workers.ts';
import type { Supervision } from './runner-workers.ts';
import type { RunnerSettings } from './types.ts';

export interface SuperviseOptions {
  /** The JavaScript file that exports the service: a worker process loads it again. Needed by runners in processes only. */
  readonly module?: string | undefined;
  /** Under which name it does. @default 'svc' */
  readonly exportName?: string | undefined;
  /** Tags that were resolved already, `{ 'm:latest': 'm:sizn5hxhsk3i4ax4' }`. @default `latest` of the runners' own models */
  readonly pinnedTags?: Readonly<Record<string, string>> | undefined;
  /** What a configuration says of single runners, by name; it counts before what the code says. */
  readonly settings?: Readonly<Record<string, RunnerSettings>> | undefined;
  readonly supervision?: Supervision | undefined;
  /** The workers, or the state of one, have changed. */
  onChange?(): void;
}

/** On the diagnostics channel `ekiben:runners:placed`, once for each runner that starts. */
export interface RunnerPlaced {
  readonly runner: string;
  readonly placement: 'embedded' | 'process';
  readonly reason: string;
}

const placed = channel('ekiben:runners:placed');

export interface Supervised {
  readonly core: RunnerCore;
  readonly placement: Placement;
  /** Of a runner in processes. */
  readonly workers: RunnerWorkers | null;
}

/**
 * Resolves when the workers are ready, or down.
 * @throws EKIBEN_RUNNER_NAME_TAKEN, EKIBEN_RUNNER_OPTION_INVALID, EKIBEN_SERVICE_MODULE_UNKNOWN, and what loading a model throws
 * that is measured here; nothing is left running then
 */
export async function supervise(
  cores: readonly RunnerCore[],
  options: SuperviseOptions,
): Promise<readonly Supervised[]> {
  configure(cores, options);
  const canSpawn = options.module !== undefined;
  const placements = await Promise.all(cores.map((core) => place(core, canSpawn)));
  const places = cores.map((core, at) => ({ core, placement: placements[at] as Placement }));
  const inProcesses = places.filter(({ placement }) => placement.place === 'process');
  const workers = inProcesses.reduce((sum, { core }) => sum + core.settings.workers, 0);
  const cpus = { available: availableCpus(), workers };
  const pinnedTags = { ...latestTags(cores), ...options.pinnedTags };
  const start = async ({ core, placement }: Omit<Supervised, 'workers'>): Promise<Supervised> => {
    const workers = placement.place === 'process' ? await startWorkers(core, { ...options, pinnedTags }, cpus) : null;
    return workers === null ? { core, placement, workers } : reconsider(core, placement, workers);
  };
  const supervised = await allOrNone(places.map(start), async ({ workers }) => workers?.close());
  for (const { core, placement } of supervised) {
    const message: RunnerPlaced = {
      runner: core.definition.name,
      placement: placement.place,
      reason: placement.reason,
    };
    placed.publish(message);
  }
  return supervised;
}

/** A runner that the adapter expects in this process is measured here; the others, once they run in their own. */
async function place(core: RunnerCore, canSpawn: boolean): Promise<Placement> {
  const { placement } = core.settings;
  const { name, declaredPlacement } = core.definition;
  if (placement === 'process' && !canSpawn) throw moduleUnknown(name);
  if (placement !== 'auto') return { place: placement, reason: 'as set' };
  if (declaredPlacement === 'process') return choosePlacement('process', null, canSpawn);
  const warmUpMs = await (await core.embedded()).warmUp();
  const choice = choosePlacement('embedded', warmUpMs, canSpawn);
  if (choice.place === 'process') await core.unload();
  return choice;
}

async function reconsider(core: RunnerCore, first: Placement, workers: RunnerWorkers): Promise<Supervised> {
  if (core.settings.placement !== 'auto' || core.definition.declaredPlacement === 'embedded') {
    return { core, placement: first, workers };
  }
  const placement = choosePlacement('process', workers.warmUpMs, true);
  if (placement.place === 'process') return { core, placement, workers };
  await workers.close();
  return { core, placement, workers: null };
}

function startWorkers(
  core: RunnerCore,
  { module, exportName = 'svc', pinnedTags = {}, settings, supervision = {}, onChange }: SuperviseOptions,
  cpus: { readonly available: number; readonly workers: number },
): Promise<RunnerWorkers> {
  const { name } = core.definition;
  if (module === undefined) throw moduleUnknown(name);
  return RunnerWorkers.start({
    core,
    source: { module, exportName, pinnedTags },
    settings: settings?.[name],
    supervision,
    cpus,
    onChange: () => onChange?.(),
  });
}

/** A worker started later must not find a newer version. A name that has two versions here was not asked for as `latest`. */
function latestTags(cores: readonly RunnerCore[]): Record<string, string> {
  const pins = new Map<string, string | null>();
  for (const tag of new Set(cores.flatMap((core) => core.definition.models))) {
    const latest = `${tag.slice(0, tag.indexOf(':'))}:latest`;
    pins.set(latest, pins.has(latest) ? null : tag);
  }
  return Object.fromEntries([...pins].filter((pin): pin is [string, string] => pin[1] !== null));
}

/** Gives each runner what the configuration says of it. @throws EKIBEN_RUNNER_NAME_TAKEN, EKIBEN_RUNNER_OPTION_INVALID */
export function configure(cores: readonly RunnerCore[], { settings }: SuperviseOptions): readonly RunnerCore[] {
  const names = cores.map((core) => core.definition.name);
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) {
    throw new EkibenError(
      'EKIBEN_RUNNER_NAME_TAKEN',
      `Two runners are called ${twice}: give one of them another \`name\`.`,
    );
  }
  for (const core of cores) core.configure(settings?.[core.definition.name] ?? {});
  return cores;
}

/** The values of all promises; if one rejects, those of the others are undone. */
export async function allOrNone<T>(
  promises: readonly Promise<T>[],
  undo: (value: T) => Promise<unknown>,
): Promise<T[]> {
  const outcomes = await Promise.allSettled(promises);
  const values = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failed === undefined) return values;
  await Promise.all(values.map(undo));
  throw failed.reason;
}

function moduleUnknown(runner: string): EkibenError {
  return new EkibenError(
    'EKIBEN_SERVICE_MODULE_UNKNOWN',
    `Runner ${runner} runs in a process of its own, which has to load the service: say from which \`module\`.`,
  );
}
