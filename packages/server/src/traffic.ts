/** What requests may cost in time and in number: BentoML's `traffic`. */
import { performance } from 'node:perf_hooks';
import { EkibenError } from '@ekiben/spec';
import { TIMEOUT_MS } from './limits.ts';
import type { NodeExchange } from './node-exchange.ts';

export interface TrafficOptions {
  /** How long an API may take until its answer begins, in milliseconds; 504 then. 0: for ever. @default 60000 */
  readonly timeoutMs?: number | undefined;
  /** Requests of APIs in flight at most; more are told 429. @default no limit */
  readonly maxConcurrency?: number | undefined;
}

/** A request that is not answered yet. */
export interface Flight {
  readonly exchange: NodeExchange;
  /** When it came, in milliseconds of `performance.now()`. */
  readonly started: number;
}

/** All time limits are alike, so the requests are due in the order in which they come, and one timer looks after all. */
export class Traffic<F extends Flight> {
  readonly #timeoutMs: number;
  readonly #maxConcurrency: number;
  readonly #flights = new Set<F>();
  readonly #onTimeout: (flight: F, error: EkibenError) => void;
  #timer: NodeJS.Timeout | null = null;

  constructor(options: TrafficOptions, onTimeout: (flight: F, error: EkibenError) => void) {
    const { timeoutMs = TIMEOUT_MS, maxConcurrency = Infinity } = options;
    this.#timeoutMs = timeoutMs === 0 ? Infinity : timeoutMs;
    this.#maxConcurrency = maxConcurrency;
    this.#onTimeout = onTimeout;
  }

  /** After it nobody waits for a request that came at `started`. */
  deadlineOf(started: number): number | undefined {
    return this.#timeoutMs === Infinity ? undefined : started + this.#timeoutMs;
  }

  get isFull(): boolean {
    return this.#flights.size >= this.#maxConcurrency;
  }

  begin(flight: F): void {
    this.#flights.add(flight);
    if (this.#timer === null && this.#timeoutMs !== Infinity) this.#look(this.#timeoutMs);
  }

  /** False when its time was over before. */
  end(flight: F): boolean {
    return this.#flights.delete(flight);
  }

  #look(afterMs: number): void {
    this.#timer = setTimeout(this.#sweep, Math.ceil(afterMs)).unref();
  }

  readonly #sweep = (): void => {
    this.#timer = null;
    const due = performance.now() - this.#timeoutMs;
    for (const flight of this.#flights) {
      if (flight.started > due) return this.#look(flight.started - due);
      this.#flights.delete(flight);
      this.#onTimeout(flight, tooLate(this.#timeoutMs));
    }
  };
}

const tooLate = (ms: number) =>
  new EkibenError('EKIBEN_DEADLINE_EXCEEDED', `The service did not answer within ${ms / 1000} s.`);

export const tooMany = () =>
  new EkibenError('EKIBEN_TOO_MANY_REQUESTS', 'The service has as many requests in flight as it takes; try again.', {
    details: { retryAfterMs: 1000 },
  });
