// When to release a batch, how large, and whom to refuse: pure functions over (queue, workers, cost model, now).
//
// Work-conserving: an idle worker takes what is queued; while all are busy the queue gathers. Only `maxWaitMs` allows a wait beside
// an idle worker, and then only for company that is known to come soon and to cost less time than the fixed part that it saves.
// Times are milliseconds of one clock.

import type { Arrivals } from './arrivals.ts';
import { predict, type Cost } from './cost-model.ts';

/** A batch stops growing when its fixed part is this small a share of it: more rows would save less than they make others wait. */
const NEGLIGIBLE_SHARE = 0.02;
/** Busy workers are left their rows when each piece's fixed part is this small a share of it. */
const SMALL_SHARE = 0.05;
/** The fixed part is taken to be larger by this many standard errors, so that doubt leads to larger batches, and they to knowledge. */
const BENEFIT_OF_DOUBT = 2;
/** Of what a wait can save at most, the fixed part, this share is staked on company that may not come. */
const STAKE = 1 / 2;
/** Company is near, on average, within this share of the fixed part. */
const NEAR = 1 / 4;
/** In three times the average, 95 of 100 callers are back, if they think for exponentially distributed times. */
const MOST_ARE_BACK = 3;
/** Calls that come close together have ended with a gap of eight times the average, which happens among them once in 3,000. */
const ROW_HAS_ENDED = 8;
/** A predicted time is lengthened by this many mean deviations: a promise that holds on average is broken half of the time. */
const SAFETY = 2;

export interface Limits {
  /** Rows of the largest batch. */
  readonly maxBatchSize: number;
  /** The longest that calls are held back beside an idle worker. */
  readonly maxWaitMs: number;
}

/** Calls that may share a batch; at least one. */
export interface QueueState {
  readonly rows: number;
  /** When it turned from empty to not. */
  readonly since: number;
  readonly arrivals: Arrivals;
}

export interface Workers {
  readonly idle: number;
  readonly total: number;
  /** When the last one became idle. */
  readonly idleSince: number;
  /** When the last one was given a batch. */
  readonly busySince: number;
}

export interface Release {
  /** When to release: now or earlier means at once, `Infinity` not before something changes. */
  readonly at: number;
  /** Rows of the batch at most. */
  readonly rows: number;
}

export function decide(queue: QueueState, workers: Workers, cost: Cost, limits: Limits, now: number): Release {
  if (workers.idle === 0) return { at: Infinity, rows: 0 };
  const rows = Math.min(limits.maxBatchSize, worthwhile(cost), share(queue.rows, workers, cost));
  if (limits.maxWaitMs === 0 || queue.rows >= limits.maxBatchSize) return { at: now, rows };
  const heldSince = Math.max(queue.since, workers.idleSince);
  const patience = Math.min(limits.maxWaitMs, STAKE * cost.fixed);
  return { at: Math.min(heldSince + patience, companyUntil(queue, workers, cost)), rows };
}

/** Rows beyond which a larger batch gains nothing. */
function worthwhile(cost: Cost): number {
  return Math.ceil(rowsFor(NEGLIGIBLE_SHARE, cost));
}

/** Rows of which the fixed part is the given share, at most. */
function rowsFor(fixedShare: number, { fixed, perRow, doubt }: Cost): number {
  return perRow === 0 ? Infinity : (fixed + BENEFIT_OF_DOUBT * doubt) / (fixedShare * perRow);
}

/**
 * The queue's rows, cut for several workers: for the idle ones as long as the fixed part, paid for each piece, stays the smaller half
 * of it; for the busy ones too where the fixed part hardly matters.
 */
function share(rows: number, workers: Workers, cost: Cost): number {
  if (workers.total === 1 || cost.perRow === 0) return rows;
  const pieces = Math.min(workers.idle, Math.floor((rows * cost.perRow) / cost.fixed));
  const forIdle = rows / Math.max(1, pieces);
  const forAll = Math.max(rows / workers.total, rowsFor(SMALL_SHARE, cost));
  return Math.ceil(Math.min(forIdle, forAll));
}

/** Until when company is expected that is worth waiting for. */
function companyUntil({ rows, since, arrivals }: QueueState, workers: Workers, cost: Cost): number {
  // From then on the wait has cost the queued calls together more than the fixed part that it can save.
  const breakEven = arrivals.lastAt + cost.fixed / rows;

  // Callers that were just answered will call again; when they have, there is nobody else.
  if (arrivals.returnMs * workers.total < NEAR * cost.fixed) {
    const mostAreBack = arrivals.awaited > 0 ? arrivals.answeredAt + MOST_ARE_BACK * arrivals.returnMs : -Infinity;
    return arrivals.lastAt > arrivals.answeredAt ? Math.min(mostAreBack, breakEven) : mostAreBack;
  }

  // Waiting would delay much work to save little.
  if (rows * cost.perRow > cost.fixed / 2) return -Infinity;

  // The first of many calls that come close together.
  if (since >= workers.idleSince && arrivals.gapMs < NEAR * cost.fixed) {
    return Math.min(arrivals.lastAt + ROW_HAS_ENDED * arrivals.closeGapMs, breakEven);
  }

  // More calls than workers: workers that start one after another at equal distances meet calls sooner than all at once.
  if (workers.idle < workers.total && arrivals.gapMs * workers.total < cost.fixed) {
    return workers.busySince + predict(cost, rows) / workers.total;
  }
  return -Infinity;
}

/**
 * Rows that a batch of `planned` rows keeps so that its next call, of `rows`, is answered at its deadline. Negative when it cannot
 * be, or when so small a batch would cost others more than the call is worth: under load, small batches for late calls make all late.
 */
export function rowsToKeep(deadline: number, rows: number, planned: number, cost: Cost, now: number): number {
  const left = deadline - now - cost.fixed;
  const inTime = left >= 0 && cost.perRow === 0 ? Infinity : left / cost.perRow;
  if (inTime >= planned) return planned;
  if (inTime < rows) return -1;
  const speed = (size: number) => size / predict(cost, size);
  const loss = 1 - speed(inTime) / speed(planned);
  return loss > rows / planned ? -1 : inTime;
}

/** What stands between a call and its answer. */
export interface Load {
  /** Rows that will be served before it. */
  readonly rowsAhead: number;
  /** Batches more than the rows ahead need, since calls of different keys do not meet. */
  readonly extraBatches: number;
  /** Rows that will join its batch, for each millisecond until it starts. */
  readonly rowsPerMs: number;
  /** When each busy worker is expected to be idle; workers not listed are idle. */
  readonly busyUntil: readonly number[];
  /** From the end of a batch to the start of the next on the same worker. */
  readonly betweenMs: number;
  readonly concurrency: number;
}

/** When a call of `rows` that is queued now will be answered, almost surely. */
export function predictFinish(rows: number, load: Load, cost: Cost, limits: Limits, now: number): number {
  const { betweenMs } = load;
  const free = load.busyUntil.map((time) => Math.max(time, now) + betweenMs);
  while (free.length < load.concurrency) free.push(now);
  free.sort((a, b) => a - b);
  const total = load.rowsAhead + rows;
  const fullBatches = Math.max(0, Math.ceil(total / limits.maxBatchSize) - 1);
  const batchesAhead = fullBatches + load.extraBatches;
  const rounds = Math.floor(batchesAhead / load.concurrency);
  const start =
    (free[batchesAhead % load.concurrency] ?? now) + rounds * (predict(cost, limits.maxBatchSize) + betweenMs);
  const batch = total - fullBatches * limits.maxBatchSize + load.rowsPerMs * (start - now);
  const finish = start + predict(cost, Math.max(rows, Math.min(batch, limits.maxBatchSize)));
  return finish + SAFETY * cost.spread * (finish - now);
}
