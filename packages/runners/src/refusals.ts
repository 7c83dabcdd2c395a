/**
 * What a worker has refused because too much is queued, and would refuse again: the calls are told so on this side, since each one that
 * is sent would keep the worker from computing.
 */
import { EkibenError } from '@ekiben/spec';
import type { Call } from './call.ts';
import { MAX_REFUSED_CALLERS, REFUSE_MS } from './limits.ts';

interface Refusal {
  readonly until: number;
  readonly error: EkibenError;
}

/** Of one worker. */
export class Refusals {
  /** By method and caller: callers have equal shares of a queue, and one may find it full where another does not. */
  readonly #refused = new Map<string, Refusal>();

  /** An answer is an error. Only what was refused for the latency to keep counts: a call with a deadline of its own may be in more haste. */
  note(method: string, call: Call, error: Error): void {
    if (!EkibenError.is(error) || error.code !== 'EKIBEN_BATCHER_OVERLOADED') return;
    const { retryAfterMs, maxLatencyMs } = error.details ?? {};
    if (typeof retryAfterMs !== 'number' || maxLatencyMs === undefined) return;
    if (this.#refused.size >= MAX_REFUSED_CALLERS) this.#refused.clear();
    this.#refused.set(keyOf(method, call), { until: performance.now() + Math.min(retryAfterMs, REFUSE_MS), error });
  }

  /** What a call like this one was refused with a moment ago; null if the worker may be asked. */
  find(method: string, call: Call): EkibenError | null {
    if (this.#refused.size === 0) return null;
    const key = keyOf(method, call);
    const refusal = this.#refused.get(key);
    if (refusal === undefined) return null;
    if (refusal.until > performance.now()) return refusal.error;
    this.#refused.delete(key);
    return null;
  }
}

const keyOf = (method: string, { caller = '' }: Call) => `${method} ${caller}`;
