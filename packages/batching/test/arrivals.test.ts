import { expect, test } from '@jest/globals';
import { ArrivalModel } from '../src/arrivals.ts';

const horizonMs = 8;

test('learns how many rows come in a millisecond, and overlooks silence', () => {
  const model = new ArrivalModel();
  for (let time = 0; time < 2_000; time += 2) model.arrived(time, 3, horizonMs);
  expect(model.rowsPerMs).toBeCloseTo(1.5);
  model.arrived(1e9, 3, horizonMs);
  for (let time = 1e9; time < 1e9 + 1_000; time += 2) model.arrived(time, 3, horizonMs);
  expect(model.rowsPerMs).toBeCloseTo(1.5, 1);
});

test('tells calls that come close together from the pauses between them', () => {
  const model = new ArrivalModel();
  for (let burst = 0; burst < 100; burst++) {
    for (let i = 0; i < 10; i++) model.arrived(1_000 * burst + i * 0.1, 1, horizonMs);
  }
  expect(model.closeGapMs).toBeCloseTo(0.1);
  expect(model.gapMs).toBeGreaterThan(0.1);
  expect(model.gapMs).toBeLessThan(horizonMs / 4);
});

test('learns how soon callers return, and counts those that have', () => {
  const model = new ArrivalModel();
  for (let round = 0; round < 100; round++) {
    model.answered(20 * round, 3);
    expect(model.awaited).toBe(3);
    for (let i = 0; i < 3; i++) model.arrived(20 * round + 2, 1, horizonMs);
    expect(model.awaited).toBe(0);
  }
  expect(model.returnMs).toBeCloseTo(2, 1);
});

test('expects nobody before it is known what company is worth', () => {
  const model = new ArrivalModel();
  for (let time = 0; time < 10; time++) model.arrived(time, 1, 0);
  expect([model.gapMs, model.returnMs]).toEqual([Infinity, Infinity]);
  model.arrived(10, 1, horizonMs);
  expect(model.gapMs).toBeGreaterThan(7);
});
