import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { CostModel, predict } from '../src/cost-model.ts';

/** A model that saw `sizes`, each taking `time(rows)`. */
function taught(
  sizes: readonly number[],
  time: (rows: number, index: number) => number,
  model = new CostModel(),
): CostModel {
  for (const [index, rows] of sizes.entries()) model.observe(rows, time(rows, index));
  return model;
}

/** `count` sizes from 1 to 32. */
const mixed = (count: number) => Array.from({ length: count }, (_, i) => ((i * 7) % 32) + 1);

const line = (rows: number) => 8 + 0.5 * rows;

test('knows nothing at first', () => {
  expect(predict(new CostModel().cost, 10)).toBe(0);
});

test('finds the line that the batches lie on', () => {
  const { fixed, perRow } = taught(mixed(40), line).cost;
  expect(fixed).toBeCloseTo(8, 1);
  expect(perRow).toBeCloseTo(0.5, 2);
});

test('leaves the first batches out, which are slower', () => {
  const { cost } = taught(mixed(40), (rows, index) => (index < 2 ? 5_000 : line(rows)));
  expect(predict(cost, 16)).toBeCloseTo(16, 0);
});

test('takes rows to be free while all batches have one size', () => {
  const { fixed, perRow } = taught(Array<number>(20).fill(4), line).cost;
  expect(fixed).toBeCloseTo(10, 5);
  expect(perRow).toBeCloseTo(0, 5);
});

test('is hardly moved by a batch that was held up', () => {
  const model = taught(mixed(50), line);
  model.observe(16, 10_000);
  expect(predict(model.cost, 16)).toBeLessThan(1.03 * line(16));
});

test('is hardly moved by one disturbed batch in twenty', () => {
  const { cost } = taught(mixed(400), (rows, index) => (index % 20 === 19 ? 20 : 1) * line(rows));
  expect(predict(cost, 16)).toBeLessThan(1.1 * line(16));
});

test('follows a lasting change within 120 batches', () => {
  const model = taught(mixed(200), line);
  taught(mixed(120), (rows) => 10 * line(rows), model);
  expect(Math.abs(predict(model.cost, 16) / (10 * line(16)) - 1)).toBeLessThan(0.1);
  taught(mixed(120), line, model);
  expect(Math.abs(predict(model.cost, 16) / line(16) - 1)).toBeLessThan(0.1);
});

test('remembers what a large batch costs through a thousand small ones', () => {
  const model = taught(mixed(50), line);
  taught(Array<number>(1_000).fill(1), line, model);
  expect(predict(model.cost, 32)).toBeCloseTo(line(32), 0);
});

describe('says how far to trust it', () => {
  const noisy = (rows: number, index: number) => line(rows) * (1 + 0.2 * Math.sin(index * 12.9898));

  test('its fixed part is right within four standard errors', () => {
    const { fixed, doubt } = taught(mixed(60), noisy).cost;
    expect(Math.abs(fixed - 8)).toBeLessThan(4 * doubt);
    expect(doubt).toBeLessThan(2);
  });

  test('the spread of batches around it', () => {
    expect(taught(mixed(60), noisy).cost.spread).toBeCloseTo(0.2 * (2 / Math.PI), 1);
  });
});

test('is finite and not negative whatever it sees', () => {
  const rows = fc.oneof(fc.nat(100), fc.double({ min: 0.01, max: 1e9, noNaN: true }));
  const ms = fc.oneof(fc.nat(100), fc.double({ min: 0, max: 1e7, noNaN: true }));
  const batch = fc.record({ rows, ms });
  fc.assert(
    fc.property(fc.array(batch, { maxLength: 200 }), (batches) => {
      const model = new CostModel();
      for (const { rows, ms } of batches) {
        model.observe(rows, ms);
        const { fixed, perRow } = model.cost;
        expect(Number.isFinite(fixed) && fixed >= 0 && Number.isFinite(perRow) && perRow >= 0).toBe(true);
      }
    }),
  );
});
