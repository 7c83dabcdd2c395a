/** What the worker process of a runner loads to be traced (`@ekiben/server/runner-observer`). */
import type { Bootstrap } from '@ekiben/runners';
import { traceRunner } from './tracing.ts';

export function observe(options: unknown, role: Bootstrap['role']): Promise<() => Promise<void>> {
  return traceRunner(options, role.kind === 'runner' ? role.name : '');
}
