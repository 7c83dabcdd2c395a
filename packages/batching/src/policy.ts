// When to release a batch, how large, and whom to refuse: pure functions over (queue, idle workers, cost model, now).
//
// Work-conserving: an idle worker takes what is queued; while all are busy the queue gathers. Times in milliseconds of one clock.

import { predict, type Cost } from './cost-model.ts';

export interface Limits {
  /** Rows of the largest batch. */
  readonly maxBatchSize: number;
  /** The longest that calls are held back beside an idle worker. */
  readonly maxWaitMs: number;
}

export interface QueueState {
  /** Rows queued; calls of one key only, since others cannot join the batch. */
  readonly rows: number;
  /** Since when an idle worker and a queued call look at each other. */
  readonly heldSince: number;
}

export interface Release {
  /** When to release: now or earlier means at once, `Infinity` not before something changes. */
  readonly at: number;
  /** Rows of the batch at most. */
  readonly rows: number;
}

export function decide(queue: QueueState, idleWorkers: number, cost: Cost, limits: Limits, now: number): Release {
  if (idleWorkers === 0 || queue.rows === 0) return { at: Infinity, rows: 0 };
  if (queue.rows >= limits.maxBatchSize) return { at: now, rows: limits.maxBatchSize };
  const at = queue.heldSince + Math.min(limits.maxWaitMs, cost.fixed);
  return { at, rows: share(queue.rows, idleWorkers, cost) };
}

/**
 * Rows for the first of several idle workers. Each batch pays the fixed cost anew, so the queue is cut only while that stays the
 * smaller half of each piece.
 */
function share(rows: number, idleWorkers: number, cost: Cost): number {
  if (idleWorkers === 1 || cost.perRow === 0) return rows;
  const pieces = Math.floor((rows * cost.perRow) / Math.max(cost.fixed, Number.MIN_VALUE));
  return rows / Math.max(1, Math.min(pieces, idleWorkers));
}

/** Rows that a batch started now may have, at most, to be finished at `deadline`. */
export function rowsInTime(deadline: number, cost: Cost, now: number): number {
  const left = deadline - now - cost.fixed;
  if (left < 0) return 0;
  return cost.perRow === 0 ? Infinity : left / cost.perRow;
}

export interface Load {
  /** Rows that will be served before the call. */
  readonly rowsAhead: number;
  /** Batches more than the rows ahead need, since calls of different keys do not meet. */
  readonly extraBatches: number;
  /** When each busy worker is expected to be idle; workers not listed are idle. */
  readonly busyUntil: readonly number[];
  readonly concurrency: number;
}

/** When a call of `rows` that is queued now will be answered. */
export function predictFinish(rows: number, load: Load, cost: Cost, limits: Limits, now: number): number {
  const free = load.busyUntil.map((time) => Math.max(time, now));
  while (free.length < load.concurrency) free.push(now);
  free.sort((a, b) => a - b);
  const total = load.rowsAhead + rows;
  const fullBatches = Math.max(0, Math.ceil(total / limits.maxBatchSize) - 1);
  const ahead = fullBatches + load.extraBatches;
  const start = free[ahead % load.concurrency] ?? now;
  const rounds = Math.floor(ahead / load.concurrency);
  const rest = total - fullBatches * limits.maxBatchSize;
  return start + rounds * predict(cost, limits.maxBatchSize) + predict(cost, rest);
}
