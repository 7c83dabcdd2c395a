/** Metrics of a service's own. Every process that makes them counts for itself; `/metrics` shows the sum. */
import { EkibenError } from '@ekiben/spec';
import { answer } from '@ekiben/supervisor';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { CounterConfiguration, GaugeConfiguration, HistogramConfiguration, Metric } from 'prom-client';
import { USER_METRICS } from './worker-messages.ts';

/** In the process's registry, with a version: the service may have another copy of this package than the server. */
const REGISTRY: unique symbol = Symbol.for('@ekiben/server/user-metrics/1') as never;
export const userRegistry: Registry = ((globalThis as { [REGISTRY]?: Registry })[REGISTRY] ??= new Registry());

/** Those of the server. */
const RESERVED = /^(bentoml|ekiben|process|nodejs)_/;

type Options<C> = Omit<C, 'registers'>;

/**
 * Makes metrics of Prometheus, which `/metrics` shows beside the server's own: `name` and `help` are required, `labelNames` and
 * `buckets` are prom-client's. Asked again for a name, the same metric. In production each is the sum over all processes, runner
 * workers included; a gauge that is no sum says so (`aggregator: 'max'`, `'min'`, `'average'`).
 *
 * Each throws EKIBEN_METRIC_INVALID for a name that is none, begins as the server's own do, or is another metric's.
 *
 * @example
 * const declined = metrics.counter({ name: 'declined_total', help: 'Applications declined', labelNames: ['job'] });
 * declined.inc({ job: 'freelance' });
 */
export const metrics = {
  counter<L extends string = string>(options: Options<CounterConfiguration<L>>): Counter<L> {
    return make(options, Counter<L>);
  },
  gauge<L extends string = string>(options: Options<GaugeConfiguration<L>>): Gauge<L> {
    return make(options, Gauge<L>);
  },
  histogram<L extends string = string>(options: Options<HistogramConfiguration<L>>): Histogram<L> {
    return make(options, Histogram<L>);
  },
} as const;

interface Named {
  readonly name: string;
  readonly labelNames?: readonly string[];
}

function make<C extends Named, M extends Metric>(
  options: C,
  Kind: new (configuration: C & { registers: Registry[] }) => M,
): M {
  const { name } = options;
  if (RESERVED.test(name))
    throw invalid(`'${name}': names that begin with bentoml_, ekiben_, process_ and nodejs_ are the server’s own.`);
  const there = userRegistry.getSingleMetric(name);
  if (there !== undefined) {
    // By name, not by identity: another copy of prom-client may have made it.
    if (there.constructor.name === Kind.name) return there as M;
    throw invalid(`'${name}' is a ${there.constructor.name} already.`);
  }
  answer(USER_METRICS, () => userRegistry.getMetricsAsJSON());
  try {
    return new Kind({ ...options, registers: [userRegistry] });
  } catch (cause) {
    throw invalid(`'${name}': ${(cause as Error).message}.`, cause);
  }
}

function invalid(message: string, cause?: unknown): EkibenError {
  return new EkibenError('EKIBEN_METRIC_INVALID', `Metric ${message}`, { cause });
}
