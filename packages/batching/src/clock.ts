/** Where a {@link Batcher} takes its time from, so that tests and simulations run it without waiting. */
export interface Clock {
  /** Milliseconds from any fixed moment; never goes back. */
  now(): number;
  /** Calls `callback` once after `ms`; the result cancels it. */
  after(ms: number, callback: () => void): () => void;
  /** Calls `callback` once when everything that this turn of the event loop brought has been handled. */
  endOfTurn(callback: () => void): void;
}

/**
 * The real one: `performance.now()` and Node's timers.
 *
 * The end of a turn is `setImmediate`, not a microtask: microtasks run between the callbacks of two sockets, immediates after all
 * sockets that were readable. What one turn reads from many connections so meets in one batch, and when nothing else is
 * readable Node does not block before running it.
 */
export const systemClock: Clock = {
  now: () => performance.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
  endOfTurn(callback) {
    setImmediate(callback);
  },
};
