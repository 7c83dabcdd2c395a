/**
 * Cancellation that costs nothing until it happens. An AbortSignal is an EventTarget that the garbage collector has to watch: made for
 * every request, it costs as much as the call.
 */

import type { CancelSignal } from '@ekiben/batching';

export type { CancelSignal } from '@ekiben/batching';

/** Signal and controller in one, for one request or call. */
export class Cancellation implements CancelSignal {
  aborted = false;
  reason: unknown;
  /** The only one, mostly; further ones are in `#others`. */
  #listener: (() => void) | null = null;
  #others: Set<() => void> | null = null;

  abort(reason: unknown): void {
    if (this.aborted) return;
    this.aborted = true;
    this.reason = reason;
    const listeners = [this.#listener, ...(this.#others ?? [])];
    this.#listener = null;
    this.#others = null;
    for (const listener of listeners) listener?.();
  }

  throwIfAborted(): void {
    if (this.aborted) throw this.reason;
  }

  addEventListener(_type: 'abort', listener: () => void): void {
    if (this.#listener === null || this.#listener === listener) this.#listener = listener;
    else (this.#others ??= new Set()).add(listener);
  }

  removeEventListener(_type: 'abort', listener: () => void): void {
    if (this.#listener === listener) this.#listener = null;
    else this.#others?.delete(listener);
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
