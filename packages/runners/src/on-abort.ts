/** Callbacks on a signal. However many calls share it, it has one listener of ours: Node takes more than ten for a leak. */
const callbacks = new WeakMap<AbortSignal, Set<() => void>>();

/** @returns forgets the callback */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  let all = callbacks.get(signal);
  if (all === undefined) {
    const set = new Set<() => void>();
    all = set;
    callbacks.set(signal, set);
    signal.addEventListener('abort', () => set.forEach((each) => each()), { once: true });
  }
  const set = all;
  set.add(callback);
  return () => void set.delete(callback);
}
