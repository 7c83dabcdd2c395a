/** What a batcher needs of an AbortSignal, which is one of these; a lighter signal may stand in for it. */
export interface CancelSignal {
  readonly aborted: boolean;
  readonly reason: unknown;
  /** @throws the reason, once aborted */
  throwIfAborted(): void;
  addEventListener(type: 'abort', listener: () => void): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

const listeners = new WeakMap<EventTarget, Listener>();

/** The one listener of ours on an AbortSignal, however many calls share it: Node takes more than ten for a leak, and says so. */
class Listener {
  readonly #signal: CancelSignal & EventTarget;
  readonly #callbacks = new Set<() => void>();

  constructor(signal: CancelSignal & EventTarget) {
    this.#signal = signal;
    listeners.set(signal, this);
    signal.addEventListener('abort', this.#run);
  }

  add(callback: () => void): void {
    this.#callbacks.add(callback);
  }

  remove(callback: () => void): void {
    if (!this.#callbacks.delete(callback) || this.#callbacks.size > 0) return;
    listeners.delete(this.#signal);
    this.#signal.removeEventListener('abort', this.#run);
  }

  readonly #run = (): void => {
    for (const callback of this.#callbacks) callback();
  };
}

/** Calls back when the signal aborts, unless the result is called before. */
export function onAbort(signal: CancelSignal, callback: () => void): () => void {
  if (!(signal instanceof EventTarget)) {
    signal.addEventListener('abort', callback);
    return () => signal.removeEventListener('abort', callback);
  }
  const listener = listeners.get(signal) ?? new Listener(signal);
  listener.add(callback);
  return () => listener.remove(callback);
}
