/** A runner's settings: checked, and completed by defaults. */
import { EkibenError } from '@ekiben/spec';
import type { RunnerSettings } from './types.ts';

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

/** As BentoML reads `nvidia.com/gpu`: a number n means the first n, -1 none, and anything else names them. */
function gpuIds(gpus: number | string | readonly (number | string)[]): readonly string[] {
  if (typeof gpus === 'number') return Array.from({ length: Math.max(0, gpus) }, (_, id) => String(id));
  return typeof gpus === 'string' ? [gpus] : gpus.map(String);
}

const invalid = (message: string) => new EkibenError('EKIBEN_RUNNER_OPTION_INVALID', message);
