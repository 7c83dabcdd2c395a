/**
 * Cancellation that costs nothing until it happens. An AbortSignal is an EventTarget that the garbage collector has to watch: made for
 * every request, it costs as much as the call.
 */

/** What runners need of an AbortSignal, which is one of these. */
export interface CancelSignal {
  readonly aborted: boolean;
  readonly reason: unknown;
  /** @throws the reason, once aborted */
  throwIfAborted(): void;
  addEventListener(type: 'abort', listener: () => void): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

/** Signal and controller in one, for one request or call. */
export class Cancellation implements CancelSignal {
  aborted = false;
  reason: unknown;
  #listeners: Set<() => void> | null = null;

  abort(reason: unknown): void {
    if (this.aborted) return;
    this.aborted = true;
    this.reason = reason;
    const listeners = this.#listeners;
    this.#listeners = null;
    if (listeners !== null) for (const listener of listeners) listener();
  }

  throwIfAborted(): void {
    if (this.aborted) throw this.reason;
  }

  addEventListener(_type: 'abort', listener: () => void): void {
    (this.#listeners ??= new Set()).add(listener);
  }

  removeEventListener(_type: 'abort', listener: () => void): void {
    this.#listeners?.delete(listener);
  }
}

/** The same as an AbortSignal, for `fetch` and others. */
export function toAbortSignal(signal: CancelSignal): AbortSignal {
  if (signal instanceof AbortSignal) return signal;
  const controller = new AbortController();
  const abort = () => controller.abort(signal.reason);
  if (signal.aborted) abort();
  else signal.addEventListener('abort', abort);
  return controller.signal;
}

/** Aborted when one of the two is. */
export function eitherSignal(a: CancelSignal | undefined, b: CancelSignal | undefined): CancelSignal | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return AbortSignal.any([toAbortSignal(a), toAbortSignal(b)]);
}

const shared = new WeakMap<EventTarget, Set<() => void>>();

/**
 * Calls back when the signal is aborted, unless told to forget it. However many calls share an AbortSignal, it has one listener of
 * ours: Node takes more than ten for a leak.
 */
export function onAbort(signal: CancelSignal, callback: () => void): () => void {
  if (!(signal instanceof EventTarget)) {
    signal.addEventListener('abort', callback);
    return () => signal.removeEventListener('abort', callback);
  }
  let callbacks = shared.get(signal);
  if (callbacks === undefined) {
    const all = new Set<() => void>();
    signal.addEventListener('abort', () => all.forEach((each) => each()), { once: true });
    shared.set(signal, all);
    callbacks = all;
  }
  const all = callbacks;
  all.add(callback);
  return () => void all.delete(callback);
}
