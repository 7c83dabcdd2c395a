/**
 * Histograms of one name whose bounds differ, since configuration or code has changed while other processes still count: each gets the
 * bounds of all, or their sum would be no histogram. In a bucket that it does not have, a histogram has what its next lower one has,
 * which are surely no more.
 */
import type { Snapshot } from './metric-sum.ts';

type Metric = Snapshot[number];
type Value = Metric['values'][number];

export function alignBounds(snapshots: readonly Snapshot[]): readonly Snapshot[] {
  const bounds = new Map<string, Set<number>>();
  for (const metric of snapshots.flat()) {
    for (const { labels } of metric.values) {
      if (labels['le'] === undefined) continue;
      const known = bounds.get(metric.name) ?? new Set<number>();
      bounds.set(metric.name, known.add(toNumber(labels['le'])));
    }
  }
  return snapshots.map((snapshot) => snapshot.map((metric) => fill(metric, bounds.get(metric.name))));
}

function fill(metric: Metric, bounds: ReadonlySet<number> | undefined): Metric {
  if (bounds === undefined) return metric;
  const series = new Map<string, Map<number, Value>>();
  const others: Value[] = [];
  for (const value of metric.values) {
    const { le, ...labels } = value.labels;
    if (le === undefined) {
      others.push(value);
      continue;
    }
    const key = JSON.stringify(Object.entries(labels).map(String).toSorted());
    const buckets = series.get(key) ?? new Map<number, Value>();
    series.set(key, buckets.set(toNumber(le), value));
  }
  if ([...series.values()].every((buckets) => buckets.size === bounds.size)) return metric;
  const ascending = [...bounds].toSorted((a, b) => a - b);
  const filled = [...series.values()].flatMap((buckets) => {
    let lower = 0;
    const [any] = buckets.values() as Iterable<Value> as [Value];
    return ascending.map((le): Value => {
      const value = buckets.get(le) ?? { ...any, labels: { ...any.labels, le: toLabel(le) }, value: lower };
      lower = value.value;
      return value;
    });
  });
  return { ...metric, values: [...filled, ...others] };
}

const toNumber = (le: string | number) => (le === '+Inf' ? Infinity : Number(le));
const toLabel = (le: number) => (le === Infinity ? '+Inf' : le);
