/** Prometheus metrics under the names and labels of BentoML. */
import { performance } from 'node:perf_hooks';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { HistogramConfiguration, MetricValueWithName } from 'prom-client';
import type { SiteRoute } from '@ekiben/service';
import type { NodeExchange } from './node-exchange.ts';
import { DURATION_BUCKETS, RequestMeter } from './request-meter.ts';
import type { StatusCount } from './request-meter.ts';

export interface ServiceLabels {
  readonly service_name: string;
  /** A bento's version; BentoML says 'not available' where there is none. */
  readonly service_version: string;
}

/** A scraper's own requests, and those of the probes, are nobody's traffic. */
const UNCOUNTED: ReadonlySet<string> = new Set(['/livez', '/readyz', '/healthz', '/metrics']);

export class Metrics {
  readonly route: SiteRoute<NodeExchange>;
  readonly #meters: RequestMeter[] = [];

  constructor(service: ServiceLabels) {
    const registry = createRegistry(service, this.#meters);
    const { contentType } = registry;
    const respond = async () => ({ status: 200, contentType, headers: null, body: await registry.metrics() });
    this.route = { path: '/metrics', respond };
  }

  /** A meter for each route, by the route's index; routes of one path share it. What matched no route counts under `*`. */
  metersOf(routes: readonly { readonly path: string }[]): readonly RequestMeter[] {
    const byPath = new Map(routes.map(({ path }) => [path, new RequestMeter(path)]));
    for (const [path, meter] of byPath) if (!UNCOUNTED.has(path)) this.#meters.push(meter);
    return routes.map(({ path }) => byPath.get(path) as RequestMeter);
  }
}

function createRegistry(service: ServiceLabels, meters: readonly RequestMeter[]): Registry {
  const registry = new Registry();
  const registers: [Registry] = [registry];
  const endpointLabels = ['endpoint', 'service_name', 'service_version'];
  const labelNames = [...endpointLabels, 'http_response_code'];
  const used = () => meters.filter(({ statuses, inProgress }) => statuses.length > 0 || inProgress > 0);

  const durations = {
    name: 'bentoml_api_server_request_duration_seconds',
    help: 'API HTTP request duration in seconds',
    labelNames,
    registers,
  };
  new RequestDurations(durations, service, used);
  new Counter({
    name: 'bentoml_api_server_request_total',
    help: 'Total number of HTTP requests',
    labelNames,
    registers,
    collect() {
      this.reset();
      for (const { endpoint, statuses } of used()) {
        for (const { status, requests } of statuses)
          this.inc({ endpoint, http_response_code: status, ...service }, requests);
      }
    },
  });
  new Gauge({
    name: 'bentoml_api_server_request_in_progress',
    help: 'Total number of HTTP requests in progress now',
    labelNames: endpointLabels,
    registers,
    collect() {
      for (const { endpoint, inProgress } of used()) this.set({ endpoint, ...service }, inProgress);
    },
  });
  registerProcess(registers);
  return registry;
}

/** A histogram whose buckets are read from the meters instead of kept a second time. */
class RequestDurations extends Histogram {
  readonly #config: HistogramConfiguration<string>;
  readonly #service: ServiceLabels;
  readonly #meters: () => readonly RequestMeter[];

  constructor(config: HistogramConfiguration<string>, service: ServiceLabels, meters: () => readonly RequestMeter[]) {
    super(config);
    this.#config = config;
    this.#service = service;
    this.#meters = meters;
  }

  /** What the text format is made of. prom-client's types leave it out, and have another idea of `get` than its code. */
  async getForPromString(): Promise<{ readonly values: MetricValueWithName<string>[] }> {
    const { name, help } = this.#config;
    const values = this.#meters().flatMap(({ endpoint, statuses }) =>
      statuses.flatMap((count) =>
        samples(name, count, { endpoint, http_response_code: count.status, ...this.#service }),
      ),
    );
    return { name, help, type: 'histogram', aggregator: 'sum', values } as {
      readonly values: MetricValueWithName<string>[];
    };
  }

  override get(): Promise<never> {
    return this.getForPromString() as Promise<never>;
  }
}

function samples(
  name: string,
  count: StatusCount,
  labels: Record<string, string | number>,
): MetricValueWithName<string>[] {
  let cumulated = 0;
  const buckets = [...DURATION_BUCKETS, '+Inf'].map((le, i) => {
    cumulated += count.buckets[i] ?? 0;
    return { metricName: `${name}_bucket`, labels: { le, ...labels }, value: cumulated };
  });
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels, value: count.seconds },
    { metricName: `${name}_count`, labels, value: count.requests },
  ];
}

/** prom-client's own set has gauges named `_total`, which `promtool check metrics` refuses. */
function registerProcess(registers: [Registry]): void {
  new Counter({
    name: 'process_cpu_seconds_total',
    help: 'Total user and system CPU time spent in seconds',
    registers,
    collect() {
      const { user, system } = process.cpuUsage();
      this.reset();
      this.inc((user + system) / 1e6);
    },
  });
  new Gauge({
    name: 'process_start_time_seconds',
    help: 'Start time of the process since the Unix epoch in seconds',
    registers,
  }).set(performance.timeOrigin / 1000);
  new Gauge({
    name: 'process_resident_memory_bytes',
    help: 'Resident memory size in bytes',
    registers,
    collect() {
      this.set(process.memoryUsage.rss());
    },
  });
  new Gauge({
    name: 'nodejs_heap_used_bytes',
    help: 'Used part of the JavaScript heap in bytes',
    registers,
    collect() {
      this.set(process.memoryUsage().heapUsed);
    },
  });
}
