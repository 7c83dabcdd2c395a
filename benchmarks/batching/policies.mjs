// The policies compared. `next(state, now)` says, of a queue that is not empty, when to release how many calls, or how many of the
// oldest to drop. The others are optional: `refuses` at the door, and `arrived` and `completed` to learn from.
import { ArrivalModel } from '../../packages/batching/dist/arrivals.js';
import { CostModel, predict } from '../../packages/batching/dist/cost-model.js';
import { decide, predictFinish, rowsToKeep } from '../../packages/batching/dist/policy.js';

const notYet = { at: Infinity };

/** No batching: a call at a time. */
export const none = () => ({
  next: ({ inFlight, concurrency }, now) => (inFlight.length < concurrency ? { at: now, rows: 1 } : notYet),
});

/** A full batch, or what is there when the oldest call has waited `windowMs`: TensorFlow Serving's `batch_timeout_micros`, Triton's `max_queue_delay`. */
export const fixedWindow = (windowMs, { maxBatchSize }) => ({
  next({ queue, inFlight, concurrency }, now) {
    if (inFlight.length === concurrency) return notYet;
    const rows = Math.min(queue.length, maxBatchSize);
    return { at: rows === maxBatchSize ? now : queue[0].arrivedAt + windowMs, rows };
  },
});

/** The pure policy of `@ekiben/batching` over a plain first-in-first-out queue. */
export function ours({ maxBatchSize, maxWaitMs = 0, maxLatencyMs = Infinity }) {
  const costs = new CostModel();
  const arrivals = new ArrivalModel();
  const limits = { maxBatchSize, maxWaitMs };
  return {
    refuses({ queue, inFlight, concurrency }, now) {
      arrivals.arrived(now, 1, costs.cost.fixed);
      if (maxLatencyMs === Infinity || queue.length + inFlight.length === 0) return false;
      const busyUntil = inFlight.map((batch) => batch.startedAt + predict(costs.cost, batch.rows));
      const load = {
        rowsAhead: queue.length,
        extraBatches: 0,
        rowsPerMs: arrivals.rowsPerMs,
        busyUntil,
        betweenMs: 0,
        concurrency,
      };
      return predictFinish(1, load, costs.cost, limits, now) > now + maxLatencyMs;
    },
    next({ queue, inFlight, concurrency, idleSince, busySince }, now) {
      const calls = { rows: queue.length, since: queue[0].arrivedAt, arrivals };
      const workers = { idle: concurrency - inFlight.length, total: concurrency, idleSince, busySince };
      const { at, rows } = decide(calls, workers, costs.cost, limits, now);
      const planned = Math.min(rows, queue.length);
      if (at > now || queue.length + inFlight.length === 1) return { at, rows: planned };
      const kept = rowsToKeep(queue[0].arrivedAt + maxLatencyMs, 1, planned, costs.cost, now);
      return kept < 1 ? { drop: 1 } : { at, rows: Math.floor(kept) };
    },
    completed({ rows, ms }, now) {
      costs.observe(rows, ms);
      arrivals.answered(now, rows);
    },
  };
}

/** Our words for the constants of BentoML's dispatcher; times in ms. */
const CORK = { tick: 1, keptBatches: 50, skippedBatches: 2, refreshEvery: 5000, decay: 0.95 };
/** Batches that train CORK: how many calls a lesson still needs, its batches, and their size. */
const LESSONS = [
  { needed: 2, batches: 8, size: 1 },
  { needed: 6, batches: 1, size: 1 },
  { needed: 5, batches: 1, size: 2 },
  { needed: 3, batches: 1, size: 3 },
];

/**
 * CORK, BentoML's dispatcher, as published (src/bentoml/_internal/marshal/dispatcher.py at 32230a52, April 2026); the code is ours.
 * It looks at the queue when a call comes to an empty one and then every millisecond. It trains on eleven batches, fits
 * time = a · n + b to the last 50, drops the oldest call when n calls would end after `maxLatencyMs`, and holds a batch back while
 * n · (time since the last arrival + 1 ms + a) is below 95 % of the average time that recent batches were held.
 */
export function cork({ maxBatchSize, maxLatencyMs = 60_000 }) {
  const samples = [];
  let a = Math.min(2000, (maxLatencyMs * 2) / 30);
  let b = Math.min(1000, maxLatencyMs / 30);
  let wait = 10;
  let seen = 0;
  let refreshedAt = -Infinity;
  let asleepUntil = -Infinity;
  let lesson = 0;
  let taught = 0;

  const refresh = () => {
    if (samples.length === 0) return;
    const mean = (of) => samples.reduce((sum, sample) => sum + of(sample), 0) / samples.length;
    const x = mean(({ rows }) => rows);
    const y = mean(({ ms }) => ms);
    const sxx = mean(({ rows }) => (rows - x) ** 2);
    const sxy = mean(({ rows, ms }) => (rows - x) * (ms - y));
    // Of batches of one size, numpy's lstsq gives the shortest solution.
    const slope = sxx > 0 ? sxy / sxx : (x * y) / (x * x + 1);
    a = Math.max(0.001, slope);
    b = Math.max(0, y - slope * x);
    wait = mean(({ waited }) => waited);
  };
  const sleep = (now) => ({ at: (asleepUntil = now + CORK.tick) });
  const train = ({ queue }, now, age, locked) => {
    const { needed, batches, size } = LESSONS[lesson];
    const rows = Math.min(size, maxBatchSize);
    const patience = Math.min(maxLatencyMs * 0.95, (rows * 2 + 1) * a + b);
    if (queue.length > needed - taught && age >= maxLatencyMs) return { drop: 1 };
    if (rows > 1 && queue.length < rows && rows * a + b + age <= patience) return sleep(now);
    if (locked) return sleep(now);
    taught++;
    if (taught === batches) {
      if (lesson > 0) refresh();
      lesson++;
      taught = 0;
    }
    return { at: now, rows: Math.min(queue.length, maxBatchSize) };
  };
  return {
    next(state, now) {
      if (now < asleepUntil) return { at: asleepUntil };
      const { queue, inFlight, concurrency } = state;
      const n = queue.length;
      const age = now - queue[0].arrivedAt;
      const locked = inFlight.length === concurrency;
      if (lesson < LESSONS.length) return train(state, now, age, locked);
      if (n > 1 && age + a * n + b >= maxLatencyMs) return { drop: 1 };
      if (locked) return n === 1 && age >= maxLatencyMs ? { drop: 1 } : sleep(now);
      const sinceLast = now - queue[n - 1].arrivedAt;
      if (n < maxBatchSize && n * (sinceLast + CORK.tick + a) <= wait * CORK.decay) return sleep(now);
      return { at: now, rows: Math.min(n, maxBatchSize) };
    },
    completed({ rows, ms, waited }, now) {
      seen++;
      if (seen <= CORK.skippedBatches) return;
      samples.push({ rows, ms, waited: lesson < LESSONS.length ? 0 : waited });
      if (samples.length > CORK.keptBatches) samples.shift();
      if (now - refreshedAt < CORK.refreshEvery) return;
      refreshedAt = now;
      refresh();
    },
  };
}
