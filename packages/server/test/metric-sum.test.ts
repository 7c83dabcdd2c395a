/** The sum of the metrics of processes, some of which have ended. */
import { expect, test } from '@jest/globals';
import { Histogram, Registry } from 'prom-client';
import { MetricSum } from '../src/metric-sum.ts';
import type { Snapshot } from '../src/metric-sum.ts';

async function observed(buckets: number[], values: readonly number[]): Promise<Snapshot> {
  const registers = [new Registry()];
  const sizes = new Histogram({ name: 'sizes', help: 'Sizes', labelNames: ['of'], buckets, registers });
  for (const value of values) sizes.observe({ of: 'x' }, value);
  return (await registers[0]?.getMetricsAsJSON()) ?? [];
}

test.each(['living', 'ended'])('histograms whose bounds differ are one that never falls: %s', async (before) => {
  const sum = new MetricSum();
  const [old, young] = [{}, {}];
  sum.set(old, 'metrics', await observed([1, 10], [0.5, 5, 50]));
  if (before === 'ended') sum.end(old);
  sum.set(young, 'metrics', await observed([2, 10, 100], [1.5, 50]));
  const lines = (await sum.text()).split('\n').filter((line) => line.startsWith('sizes_'));
  const found = Object.fromEntries(
    lines.map((line) => [/le="([^"]+)"/.exec(line)?.[1] ?? line.split('{')[0], Number(line.split(' ')[1])]),
  );
  expect(found).toEqual({ 1: 1, 2: 2, 10: 3, 100: 4, '+Inf': 5, sizes_sum: 107, sizes_count: 5 });
});
