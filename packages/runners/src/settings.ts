/** A runner's settings: checked, and completed by defaults. */
import { EkibenError } from '@ekiben/spec';
import { closest } from 'fastest-levenshtein';
import type { Batching, Resources, RunnerSettings } from './types.ts';

export interface Settings {
  readonly placement: 'auto' | 'embedded' | 'process';
  readonly workers: number;
  /** Infinity: none of its own. */
  readonly timeoutMs: number;
  readonly resources: {
    /** null: what is there. */
    readonly cpus: number | null;
    /** Ids as CUDA_VISIBLE_DEVICES takes them. */
    readonly gpus: readonly string[];
    readonly workersPerGpu: number;
    readonly memoryMiB: number;
  };
  readonly batching: {
    readonly enabled: boolean;
    readonly maxBatchSize: number;
    readonly maxLatencyMs: number;
    readonly maxWaitMs: number;
  };
}

const PLACEMENTS: ReadonlySet<unknown> = new Set<Settings['placement']>(['auto', 'embedded', 'process']);

const KNOWN = {
  settings: ['placement', 'workers', 'timeoutMs', 'resources', 'batching'] satisfies readonly (keyof RunnerSettings)[],
  resources: ['cpus', 'gpus', 'workersPerGpu', 'memoryMiB'] satisfies readonly (keyof Resources)[],
  batching: ['enabled', 'maxBatchSize', 'maxLatencyMs', 'maxWaitMs'] satisfies readonly (keyof Batching)[],
};

/**
 * A misspelt name would leave its setting as it is, in silence.
 * @param others - what may stand beside the settings
 * @throws EKIBEN_RUNNER_OPTION_INVALID
 */
export function checkNames(runner: string, settings: RunnerSettings, others: readonly string[]): void {
  const check = (where: string, given: object | undefined, known: readonly string[]) => {
    const unknown = Object.keys(given ?? {}).find((name) => !known.includes(name));
    if (unknown === undefined) return;
    const [near, all] = [where + closest(unknown, known), known.join(', ')];
    throw invalid(`Runner ${runner}: there is no option ${where}${unknown}; did you mean ${near}? There are: ${all}.`);
  };
  check('', settings, [...KNOWN.settings, ...others]);
  check('resources.', settings.resources, KNOWN.resources);
  check('batching.', settings.batching, KNOWN.batching);
}

/**
 * @param layers - the later ones count
 * @throws EKIBEN_RUNNER_OPTION_INVALID
 */
export function resolveSettings(runner: string, ...layers: readonly (RunnerSettings | undefined)[]): Settings {
  const { placement = 'auto', timeoutMs = Infinity, ...rest } = assign(layers);
  const batching = assign(layers.map((layer) => layer?.batching));
  const resources = assign(layers.map((layer) => layer?.resources));
  const { enabled = true, maxBatchSize = 100, maxLatencyMs = 10_000, maxWaitMs = 0 } = batching;
  const { cpus = null, workersPerGpu = 1, memoryMiB = Infinity } = resources;
  const gpus = gpuIds(resources.gpus ?? 0);
  const workers = rest.workers ?? Math.max(1, Math.ceil(gpus.length * workersPerGpu));
  if (!PLACEMENTS.has(placement)) {
    const known = [...PLACEMENTS].join(', ');
    throw invalid(`Runner ${runner}: placement is ${JSON.stringify(placement)}, but must be one of ${known}.`);
  }
  const check = (name: string, value: number, min: number, whole: boolean) => {
    if (value >= min && (!whole || Number.isInteger(value))) return;
    const expected = `a ${whole ? 'whole ' : ''}number from ${min} on`;
    throw invalid(`Runner ${runner}: ${name} is ${String(value)}, but must be ${expected}.`);
  };
  check('workers', workers, 1, true);
  check('timeoutMs', timeoutMs, 1, false);
  check('batching.maxBatchSize', maxBatchSize, 1, true);
  if (!(maxLatencyMs > 0)) {
    throw invalid(`Runner ${runner}: batching.maxLatencyMs is ${String(maxLatencyMs)}, but must be above 0.`);
  }
  check('batching.maxWaitMs', maxWaitMs, 0, false);
  check('resources.cpus', cpus ?? 1, 0, false);
  check('resources.memoryMiB', memoryMiB, 1, false);
  if (!(workersPerGpu >= 1 ? Number.isInteger(workersPerGpu) : workersPerGpu > 0)) {
    throw invalid(
      `Runner ${runner}: resources.workersPerGpu is ${String(workersPerGpu)}, but must be a whole number, or a fraction below 1.`,
    );
  }
  return {
    placement,
    workers,
    timeoutMs,
    resources: { cpus, gpus, workersPerGpu, memoryMiB },
    batching: { enabled, maxBatchSize, maxLatencyMs, maxWaitMs },
  };
}

/** Like Object.assign, but `undefined` says nothing. */
function assign<T extends object>(layers: readonly (T | undefined)[]): Partial<T> {
  const entries = layers.flatMap((layer) => Object.entries(layer ?? {}).filter(([, value]) => value !== undefined));
  return Object.fromEntries(entries) as Partial<T>;
}

/** Settings, or what holds some, for another process. JSON has no Infinity, which a limit may be. */
export function settingsJson(value: object): string {
  return JSON.stringify(value, (_name, member: unknown) => (member === Infinity ? Number.MAX_VALUE : member));
}

/** As BentoML reads `nvidia.com/gpu`: a number n means the first n, -1 none, and anything else names them. */
function gpuIds(gpus: number | string | readonly (number | string)[]): readonly string[] {
  if (typeof gpus === 'number') return Array.from({ length: Math.max(0, gpus) }, (_, id) => String(id));
  return typeof gpus === 'string' ? [gpus] : gpus.map(String);
}

const invalid = (message: string) => new EkibenError('EKIBEN_RUNNER_OPTION_INVALID', message);
