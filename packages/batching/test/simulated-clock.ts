import type { Clock } from '../src/clock.ts';

interface Event {
  readonly time: number;
  readonly run: () => void;
}

/** Time that passes only in `advance`, in jumps from event to event. */
export class SimulatedClock implements Clock {
  #now = 0;
  /** In the order of their times, and of their setting for equal ones. */
  #events: Event[] = [];

  now(): number {
    return this.#now;
  }

  after(ms: number, run: () => void): () => void {
    const event = { time: this.#now + ms, run };
    const place = this.#events.findIndex((other) => other.time > event.time);
    this.#events.splice(place < 0 ? this.#events.length : place, 0, event);
    return () => {
      this.#events = this.#events.filter((other) => other !== event);
    };
  }

  endOfTurn(run: () => void): void {
    this.after(0, run);
  }

  /** Timers and turns that are still to come. */
  get pending(): number {
    return this.#events.length;
  }

  /** A promise for work that takes `ms`. */
  async work<T>(ms: number, result: T): Promise<T> {
    await new Promise<void>((resolve) => void this.after(ms, resolve));
    return result;
  }

  /** Lets `ms` pass; with 0, the present turn ends. */
  async advance(ms: number): Promise<void> {
    const until = this.#now + ms;
    await microtasks();
    for (let event = this.#events[0]; event !== undefined && event.time <= until; event = this.#events[0]) {
      this.#events.shift();
      this.#now = event.time;
      event.run();
      await microtasks();
    }
    this.#now = until;
  }
}

/** Resolves when all promises that can go on have done so. */
function microtasks(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
