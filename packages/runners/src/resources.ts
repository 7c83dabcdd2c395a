/** What each worker process of a runner may use: BentoML's rule for GPUs, and threads that never outnumber the CPUs. */
import { EkibenError } from '@ekiben/spec';
import type { Settings } from './settings.ts';

/** The variables by which native libraries are told their threads; BentoML sets the same ones. */
const THREAD_VARIABLES = [
  'BENTOML_NUM_THREAD',
  'OMP_NUM_THREADS',
  'OPENBLAS_NUM_THREADS',
  'MKL_NUM_THREADS',
  'VECLIB_MAXIMUM_THREADS',
  'NUMEXPR_NUM_THREADS',
  'RAYON_RS_NUM_CPUS',
  'TF_NUM_INTEROP_THREADS',
  'TF_NUM_INTRAOP_THREADS',
];

/**
 * The environment of worker `index`.
 * @param cpus - that all workers of all runners share, unless the runner has its own number
 * @throws EKIBEN_RUNNER_OPTION_INVALID when there are fewer GPUs than the workers need
 */
export function workerEnvironment(
  runner: string,
  { resources, workers }: Settings,
  index: number,
  cpus: { readonly available: number; readonly workers: number },
): Record<string, string> {
  const share = resources.cpus === null ? cpus.available / cpus.workers : resources.cpus / workers;
  const threads = String(Math.max(1, Math.floor(share)));
  return {
    ...Object.fromEntries(THREAD_VARIABLES.map((name) => [name, threads])),
    // Without a GPU of its own a worker must not take one that belongs to another.
    CUDA_VISIBLE_DEVICES: resources.gpus.length === 0 ? '-1' : gpusOf(runner, resources, index).join(','),
  };
}

/** Several workers share a GPU, or one has several if `workersPerGpu` is a fraction. */
function gpusOf(runner: string, { gpus, workersPerGpu }: Settings['resources'], index: number): readonly string[] {
  const each = workersPerGpu < 1 ? roundHalfToEven(1 / workersPerGpu) : 1;
  const first = workersPerGpu < 1 ? index * each : Math.floor(index / workersPerGpu);
  const own = gpus.slice(first, first + each);
  if (own.length === each) return own;
  throw new EkibenError(
    'EKIBEN_RUNNER_OPTION_INVALID',
    `Runner ${runner}: worker ${index} should have GPU ${first}${each > 1 ? ` to ${first + each - 1}` : ''} of its list, ` +
      `but there are only ${gpus.length}. Use fewer workers, or more workersPerGpu.`,
  );
}

/** Python's `round`, by which BentoML gives a worker two GPUs for 0.4 as well as for 0.6. */
function roundHalfToEven(value: number): number {
  const rounded = Math.round(value);
  return rounded - value === 0.5 && rounded % 2 === 1 ? rounded - 1 : rounded;
}
