/** A histogram in plain numbers: what is counted only adds, and Prometheus reads them when it comes. */
import { Histogram } from 'prom-client';
import type { HistogramConfiguration, MetricValueWithName } from 'prom-client';

/** BentoML's for durations, in seconds. */
export const DURATION_BUCKETS: readonly number[] = [
  0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
];

/** How often values came, by upper bound. */
export class Buckets {
  count = 0;
  sum = 0;
  readonly #bounds: readonly number[];
  /** One more than there are bounds; not cumulative. */
  readonly #counts: number[];

  /** @param bounds - ascending */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = [...bounds, Infinity].map(() => 0);
  }

  add(value: number, times = 1): void {
    this.count += times;
    this.sum += value * times;
    let at = 0;
    while (at < this.#bounds.length && value > (this.#bounds[at] as number)) at += 1;
    this.#counts[at] = (this.#counts[at] as number) + times;
  }

  samples(name: string, labels: Labels): MetricValueWithName<string>[] {
    let cumulated = 0;
    const buckets = [...this.#bounds, '+Inf'].map((le, at) => {
      cumulated += this.#counts[at] as number;
      return { metricName: `${name}_bucket`, labels: { le, ...labels }, value: cumulated };
    });
    return [
      ...buckets,
      { metricName: `${name}_sum`, labels, value: this.sum },
      { metricName: `${name}_count`, labels, value: this.count },
    ];
  }
}

export type Labels = Readonly<Record<string, string | number>>;

/** A histogram whose buckets are read instead of kept a second time. */
export class BucketsHistogram extends Histogram {
  readonly #config: HistogramConfiguration<string>;
  readonly #read: () => Iterable<readonly [Labels, Buckets]>;

  constructor(config: HistogramConfiguration<string>, read: () => Iterable<readonly [Labels, Buckets]>) {
    super(config);
    this.#config = config;
    this.#read = read;
  }

  /** What the text format is made of. prom-client's types leave it out, and have another idea of `get` than its code. */
  async getForPromString(): Promise<{ readonly values: MetricValueWithName<string>[] }> {
    const { name, help } = this.#config;
    const values = [...this.#read()].flatMap(([labels, buckets]) => buckets.samples(name, labels));
    return { name, help, type: 'histogram', aggregator: 'sum', values } as {
      readonly values: MetricValueWithName<string>[];
    };
  }

  override get(): Promise<never> {
    return this.getForPromString() as Promise<never>;
  }
}
