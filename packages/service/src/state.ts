/** `ctx.state` of each service: made once, for whoever asks first. */
import type { ServiceDefinition } from './dispatch.ts';

const states = new WeakMap<ServiceDefinition, Promise<unknown>>();

/** A failure is not kept: the next who asks tries again. */
export function stateOf(service: ServiceDefinition): Promise<unknown> {
  const kept = states.get(service);
  if (kept !== undefined) return kept;
  const made = Promise.resolve()
    .then(() => service.makeState?.())
    .catch((error: unknown) => {
      states.delete(service);
      throw error;
    });
  states.set(service, made);
  return made;
}
