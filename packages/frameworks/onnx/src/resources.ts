// What the process that computes was given. A runner says so to native libraries in these variables, as BentoML does.
import { env } from 'node:process';
import { availableCpus } from '@ekiben/supervisor';
import type { Provider } from './options.ts';

/** As many as the runner allows, else as this process has CPUs by affinity and by the quota of its container. */
export function threadCount(): number {
  const given = Number(env['OMP_NUM_THREADS']);
  return Number.isInteger(given) && given > 0 ? given : Math.floor(availableCpus());
}

/** A GPU is used where one was given, and nowhere else. */
export function defaultProviders(): readonly Provider[] {
  const gpus = env['CUDA_VISIBLE_DEVICES'] ?? '';
  return gpus === '' || gpus === '-1' ? ['cpu'] : ['cuda', 'cpu'];
}
