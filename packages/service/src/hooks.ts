/** What a service does when a server takes it up, and lets it go. */
import type { ServiceDefinition } from './dispatch.ts';

/**
 * - `deployment`: once for all processes of a server, before any of them takes requests; for what is to be done once, such as a
 *   migration. There is no state yet.
 * - `startup`: in every process that answers requests, when runners and state are ready.
 * - `shutdown`: in the same, when the last request is answered and the runners can still be called.
 */
export type HookEvent = 'deployment' | 'startup' | 'shutdown';

export interface Hook {
  readonly on: HookEvent;
  /** @param state - the service's own */
  run(state: unknown): unknown;
}

/**
 * Runs the hooks of an event one after the other, in the order in which they were added. Of `shutdown` all are run, whatever one of
 * them throws.
 * @throws what the first that fails throws
 */
export async function runHooks({ hooks }: ServiceDefinition, on: HookEvent, state: unknown): Promise<void> {
  const failures: unknown[] = [];
  for (const hook of hooks) {
    if (hook.on !== on) continue;
    try {
      await hook.run(state);
    } catch (error) {
      if (on !== 'shutdown') throw error;
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}
