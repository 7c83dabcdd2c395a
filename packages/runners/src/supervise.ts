/** Decides where each runner computes, and keeps the worker processes of those that do not compute where they are called. */
import { channel } from 'node:diagnostics_channel';
import { EkibenError } from '@ekiben/spec';
import { availableCpus } from '@ekiben/supervisor';
import type { Child } from '@ekiben/supervisor';
import type { Observer } from './bootstrap.ts';
import type { RunnerCore } from './core.ts';
import { choosePlacement } from './placement.ts';
import type { Placement } from './placement.ts';
import { RunnerWorkers } from './runner-workers.ts';
import type { Supervision } from './runner-workers.ts';
import { settingsJson } from './settings.ts';
import type { Settings } from './settings.ts';
import type { RunnerSettings } from './types.ts';

export interface SuperviseOptions {
  /** The JavaScript file that exports the service: a worker process loads it again. Needed by runners in processes only. */
  readonly module?: string | undefined;
  /** Under which name it does. @default 'svc' */
  readonly exportName?: string | undefined;
  /** Tags that were resolved already, `{ 'm:latest': 'm:sizn5hxhsk3i4ax4' }`. @default `latest` of the runners' own models */
  readonly pinnedTags?: Readonly<Record<string, string>> | undefined;
  /** What a configuration says of runners, by name, and of all others under `*`; it counts before what the code says. */
  readonly settings?: Readonly<Record<string, RunnerSettings>> | undefined;
  readonly supervision?: Supervision | undefined;
  /** What watches the worker processes from inside. @default nothing */
  readonly observer?: Observer | undefined;
  /** The workers, or the state of one, have changed. */
  onChange?(): void;
  /** A worker has answered `ask(topic)`, or says how it would when it ends. */
  onAnswer?(worker: Child, topic: string, answer: unknown): void;
  /** A worker has ended, for whatever reason, and there is nothing more to hear of it. */
  onExit?(worker: Child): void;
}

/** On the diagnostics channel `ekiben:runners:placed`, once for each runner that starts. */
export interface RunnerPlaced {
  readonly runner: string;
  readonly placement: 'embedded' | 'process';
  readonly reason: string;
}

const placed = channel('ekiben:runners:placed');

/** What starts the workers of a runner: plain data, JSON as well, so that it may come from another process. */
export interface RunnerPlan {
  readonly name: string;
  /** Tags of the models it runs. */
  readonly models: readonly string[];
  readonly placement: Placement;
  /** What its workers measure may still change the placement. */
  readonly isTentative: boolean;
  readonly settings: Settings;
}

export interface Supervised {
  /** Of the runner. */
  readonly name: string;
  readonly placement: Placement;
  /** Of a runner in processes. */
  readonly workers: RunnerWorkers | null;
}

/**
 * Decides where each runner computes. One that its adapter expects in this process is measured here; the others, once they run in
 * their own.
 * @throws EKIBEN_RUNNER_NAME_TAKEN, EKIBEN_RUNNER_OPTION_INVALID, EKIBEN_SERVICE_MODULE_UNKNOWN, and what loading a model throws
 */
export async function plan(cores: readonly RunnerCore[], options: SuperviseOptions): Promise<readonly RunnerPlan[]> {
  configure(cores, options);
  const canSpawn = options.module !== undefined;
  return Promise.all(
    cores.map(async (core) => {
      const { settings, definition } = core;
      const { name, models, declaredPlacement } = definition;
      const placement = await place(core, canSpawn);
      const isTentative = settings.placement === 'auto' && declaredPlacement === 'process';
      return { name, models, placement, isTentative, settings: JSON.parse(settingsJson(settings)) as Settings };
    }),
  );
}

/** Resolves when the workers are ready, or down. @throws EKIBEN_SERVICE_MODULE_UNKNOWN; nothing is left running then */
export async function supervise(
  plans: readonly RunnerPlan[],
  options: SuperviseOptions,
): Promise<readonly Supervised[]> {
  const inProcesses = plans.filter(({ placement }) => placement.place === 'process');
  const workers = inProcesses.reduce((sum, { settings }) => sum + settings.workers, 0);
  const cpus = { available: availableCpus(), workers };
  const pinnedTags = { ...latestTags(plans), ...options.pinnedTags };
  const start = async (planned: RunnerPlan): Promise<Supervised> => {
    const { name, placement } = planned;
    if (placement.place === 'embedded') return { name, placement, workers: null };
    return reconsider(planned, await startWorkers(planned, { ...options, pinnedTags }, cpus));
  };
  const supervised = await allOrNone(plans.map(start), async (each) => each.workers?.close());
  for (const { name, placement } of supervised) {
    const message: RunnerPlaced = { runner: name, placement: placement.place, reason: placement.reason };
    placed.publish(message);
  }
  return supervised;
}

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

async function reconsider({ name, placement, isTentative }: RunnerPlan, workers: RunnerWorkers): Promise<Supervised> {
  if (!isTentative) return { name, placement, workers };
  const measured = choosePlacement('process', workers.warmUpMs, true);
  if (measured.place === 'process') return { name, placement: measured, workers };
  await workers.close();
  return { name, placement: measured, workers: null };
}

function startWorkers(
  { name, settings }: RunnerPlan,
  options: SuperviseOptions,
  cpus: { readonly available: number; readonly workers: number },
): Promise<RunnerWorkers> {
  const { module, exportName = 'svc', pinnedTags = {}, supervision = {}, observer } = options;
  if (module === undefined) throw moduleUnknown(name);
  return RunnerWorkers.start({
    name,
    settings,
    source: { module, exportName, pinnedTags },
    configured: settingsOf(options, name),
    observer,
    supervision,
    cpus,
    onChange: () => options.onChange?.(),
    onAnswer: (worker, topic, answer) => options.onAnswer?.(worker, topic, answer),
    onExit: (worker) => options.onExit?.(worker),
  });
}

/** A worker started later must not find a newer version. A name that has two versions here was not asked for as `latest`. */
function latestTags(plans: readonly RunnerPlan[]): Record<string, string> {
  const pins = new Map<string, string | null>();
  for (const tag of new Set(plans.flatMap(({ models }) => models))) {
    const latest = `${tag.slice(0, tag.indexOf(':'))}:latest`;
    pins.set(latest, pins.has(latest) ? null : tag);
  }
  return Object.fromEntries([...pins].filter((pin): pin is [string, string] => pin[1] !== null));
}

/** Those under the name, else those of `*`. */
function settingsOf({ settings }: Pick<SuperviseOptions, 'settings'>, name: string): RunnerSettings | undefined {
  return settings?.[name] ?? settings?.['*'];
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
  for (const core of cores) core.configure(settingsOf({ settings }, core.definition.name) ?? {});
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
