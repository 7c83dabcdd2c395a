import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Arrivals } from '../src/arrivals.ts';
import { unknownCost, type Cost } from '../src/cost-model.ts';
import { decide, predictFinish, rowsToKeep, type Limits, type Load, type Workers } from '../src/policy.ts';

const now = 1_000;
const cost = (fixed: number, perRow: number): Cost => ({ fixed, perRow, doubt: 0, spread: 0 });
const limits: Limits = { maxBatchSize: 64, maxWaitMs: 0 };
const patient: Limits = { maxBatchSize: 64, maxWaitMs: 5 };
const nobody: Arrivals = {
  lastAt: now,
  gapMs: Infinity,
  closeGapMs: 0,
  answeredAt: -Infinity,
  returnMs: Infinity,
  awaited: 0,
};
const one: Workers = { idle: 1, total: 1, idleSince: 900, busySince: 800 };
const queue = (rows: number, arrivals: Partial<Arrivals> = {}, since = now) => ({
  rows,
  since,
  arrivals: { ...nobody, ...arrivals },
});

describe('releases', () => {
  test('nothing while all workers are busy', () => {
    expect(decide(queue(64), { ...one, idle: 0 }, cost(8, 1), limits, now).at).toBe(Infinity);
  });

  test('what is queued, as soon as a worker is idle', () => {
    expect(decide(queue(3), one, cost(8, 1), limits, now)).toEqual({ at: now, rows: 3 });
    expect(decide(queue(3), one, unknownCost, limits, now)).toEqual({ at: now, rows: 3 });
  });

  test('no more than the cap', () => {
    expect(decide(queue(100), one, cost(8, 1), limits, now).rows).toBe(64);
  });

  test('no more than pays: where rows cost all the time, few', () => {
    expect(decide(queue(64), one, cost(0.05, 1), limits, now).rows).toBe(3);
    expect(decide(queue(64), one, { ...cost(0.05, 1), doubt: 1 }, limits, now).rows).toBe(64);
  });

  test('shares for several idle workers, if each share is worth its fixed cost', () => {
    const four: Workers = { ...one, idle: 4, total: 4 };
    expect(decide(queue(40), four, cost(1, 1), limits, now).rows).toBe(10);
    expect(decide(queue(40), four, cost(20, 1), limits, now).rows).toBe(20);
    expect(decide(queue(40), four, cost(100, 1), limits, now).rows).toBe(40);
  });
});

describe('waits beside an idle worker', () => {
  const closeBehind = { gapMs: 0.1, closeGapMs: 0.1 };

  test('not without leave', () => {
    expect(decide(queue(1, closeBehind), one, cost(8, 0.1), limits, now).at).toBe(now);
  });

  test('not for company of which nothing is known', () => {
    expect(decide(queue(1), one, cost(8, 0.1), patient, now).at).toBeLessThanOrEqual(now);
  });

  test('while calls come close together', () => {
    expect(decide(queue(2, closeBehind), one, cost(8, 0.1), patient, now).at).toBeCloseTo(now + 0.8);
  });

  test('not when the rows at hand take longer than the fixed part', () => {
    expect(decide(queue(2, closeBehind), one, cost(8, 5), patient, now).at).toBeLessThanOrEqual(now);
  });

  test('for callers that were just answered and return soon, until they have', () => {
    const answered = { answeredAt: now - 1, returnMs: 1, lastAt: now - 1, gapMs: 1, awaited: 5 };
    const waiting = queue(3, answered, now - 50);
    const idle = { ...one, idleSince: now - 1 };
    expect(decide(waiting, idle, cost(8, 0.1), patient, now).at).toBeCloseTo(now + 2);
    expect(
      decide(queue(8, { ...answered, awaited: 0 }, now - 50), idle, cost(8, 0.1), patient, now).at,
    ).toBeLessThanOrEqual(now);
    expect(
      decide(queue(3, { ...answered, returnMs: 4 }, now - 50), idle, cost(8, 0.1), patient, now).at,
    ).toBeLessThanOrEqual(now);
  });

  test('for workers to start at equal distances, when there are more calls than workers', () => {
    const two: Workers = { idle: 1, total: 2, idleSince: now, busySince: now - 1 };
    expect(decide(queue(2, { gapMs: 2 }, now - 5), two, cost(8, 0.1), patient, now).at).toBeCloseTo(now - 1 + 4.1);
  });

  test('not with a full batch, and never longer than allowed', () => {
    const number = fc.double({ min: 0, max: 100, noNaN: true });
    const known = fc.record({
      lastAt: number.map((ago) => now - ago),
      gapMs: number,
      closeGapMs: number,
      answeredAt: number.map((ago) => now - ago),
      returnMs: number,
      awaited: fc.nat(100),
    });
    fc.assert(
      fc.property(
        known,
        number,
        number,
        fc.integer({ min: 1, max: 100 }),
        number,
        (arrivals, fixed, perRow, rows, ago) => {
          const { at } = decide({ rows, since: now - ago, arrivals }, one, cost(fixed, perRow), patient, now);
          const heldSince = Math.max(now - ago, one.idleSince);
          expect(at).toBeLessThanOrEqual(rows < 64 ? Math.max(now, heldSince + 5) : now);
        },
      ),
    );
  });
});

describe('keeps the deadline of the next call', () => {
  test('by a smaller batch, where that costs little', () => {
    expect(rowsToKeep(now + 50, 1, 64, cost(1, 1), now)).toBe(49);
  });

  test('not by so small a batch that many others would be late', () => {
    expect(rowsToKeep(now + 8.5, 1, 64, cost(8, 0.5), now)).toBeLessThan(0);
  });

  test('not when it is too late even for the call alone', () => {
    expect(rowsToKeep(now + 5, 1, 64, cost(8, 0.5), now)).toBeLessThan(0);
    expect(rowsToKeep(now + 10, 5, 64, cost(8, 0.5), now)).toBeLessThan(0);
  });

  test('with the whole batch, where that is in time, and without a deadline', () => {
    expect(rowsToKeep(now + 40, 1, 64, cost(8, 0.5), now)).toBe(64);
    expect(rowsToKeep(Infinity, 1, 64, unknownCost, now)).toBe(64);
  });
});

describe('predicts when a call will be answered', () => {
  const idle: Load = { rowsAhead: 0, extraBatches: 0, rowsPerMs: 0, busyUntil: [], betweenMs: 0, concurrency: 1 };
  const finish = (rows: number, load: Partial<Load>, c = cost(8, 0.5)) =>
    predictFinish(rows, { ...idle, ...load }, c, limits, now) - now;

  test('after its batch, if a worker is idle', () => {
    expect(finish(4, {})).toBe(10);
    expect(finish(4, { rowsAhead: 4 })).toBe(12);
    expect(finish(4, { busyUntil: [now + 500], concurrency: 2 })).toBe(10);
  });

  test('after the batch in flight', () => {
    expect(finish(4, { busyUntil: [now + 20] })).toBe(30);
    expect(finish(4, { busyUntil: [now - 5] })).toBe(10);
  });

  test('after the full batches ahead, spread over the workers', () => {
    expect(finish(2, { rowsAhead: 128 })).toBe(40 + 40 + 9);
    expect(finish(2, { rowsAhead: 128, concurrency: 2 })).toBe(40 + 9);
    expect(finish(2, { rowsAhead: 64, busyUntil: [now + 30, now + 7], concurrency: 2 })).toBe(30 + 9);
  });

  test('after what passes between two batches', () => {
    expect(finish(2, { rowsAhead: 128, betweenMs: 3 })).toBe(40 + 3 + 40 + 3 + 9);
    expect(finish(2, { rowsAhead: 128, busyUntil: [now + 10], betweenMs: 3 })).toBe(10 + 3 + 40 + 3 + 40 + 3 + 9);
  });

  test('in a batch that fills up until it starts', () => {
    expect(finish(1, { busyUntil: [now + 10], rowsPerMs: 1 })).toBe(10 + 8 + 0.5 * 11);
    expect(finish(1, { busyUntil: [now + 10], rowsPerMs: 100 })).toBe(10 + 8 + 0.5 * 64);
  });

  test('the later the less even batches are', () => {
    expect(finish(4, {}, { ...cost(8, 0.5), spread: 0.1 })).toBeCloseTo(12);
  });
});
