/**
 * The metrics of processes that come and go, as those of one. Counters and histograms add up over all that ever were, so that no
 * counter goes back when a process ends; gauges over those that live, unless they say otherwise (prom-client's `aggregator`).
 */
import { AggregatorRegistry } from 'prom-client';
import type { MetricObjectWithValues, MetricValue } from 'prom-client';
import { alignBounds } from './histogram-bounds.ts';

/** What a registry's `getMetricsAsJSON` gives. */
export type Snapshot = MetricObjectWithValues<MetricValue<string>>[];

export class MetricSum {
  /** The last of each process, by what it tells about. */
  readonly #latest = new Map<object, Map<string, Snapshot>>();
  /** The sum of those that have ended. */
  #ended: Snapshot = [];

  /** @param part - a process may tell of several registries */
  set(process: object, part: string, snapshot: Snapshot): void {
    const parts = this.#latest.get(process) ?? new Map<string, Snapshot>();
    this.#latest.set(process, parts.set(part, snapshot));
  }

  end(process: object): void {
    const last = [...(this.#latest.get(process)?.values() ?? [])].flat();
    this.#latest.delete(process);
    this.#ended = sum([this.#ended, last.filter(({ type }) => isCounted(type))]);
  }

  /** In the text format of Prometheus. */
  text(): Promise<string> {
    const living = [...this.#latest.values()].flatMap((parts) => [...parts.values()]);
    return AggregatorRegistry.aggregate([...alignBounds([...living, this.#ended])]).metrics();
  }
}

/** prom-client's types know enums, its JSON has words. */
const isCounted = (type: unknown) => type === 'counter' || type === 'histogram';

function sum(snapshots: readonly Snapshot[]): Snapshot {
  const metrics = AggregatorRegistry.aggregate([...alignBounds(snapshots)]).getMetricsAsArray() as unknown as readonly {
    get(): Snapshot[number];
  }[];
  return metrics.map((metric) => metric.get());
}
