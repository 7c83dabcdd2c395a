/** Prometheus metrics under the names and labels of BentoML. */
import { performance } from 'node:perf_hooks';
import { Counter, Gauge, Registry } from 'prom-client';
import type { SiteRoute } from '@ekiben/service';
import type { NodeExchange } from './node-exchange.ts';
import { RequestMeter } from './request-meter.ts';
import { registerRequests } from './request-metrics.ts';
import { countRunners } from './runner-metrics.ts';

export type ServiceLabels = Readonly<{
  service_name: string;
  /** A bento's version; BentoML says 'not available' where there is none. */
  service_version: string;
}>;

/** A scraper's own requests, and those of the probes, are nobody's traffic. */
const UNCOUNTED: ReadonlySet<string> = new Set(['/livez', '/readyz', '/healthz', '/metrics']);

export class Metrics {
  readonly route: SiteRoute<NodeExchange>;
  readonly #meters: RequestMeter[] = [];
  readonly #forgetRunners: () => void;

  /** @param runners - the names of the service's */
  constructor(service: ServiceLabels, runners: readonly string[]) {
    const registry = createRegistry(service, this.#meters);
    this.#forgetRunners = countRunners([registry], service, runners);
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

  /** Counts no more. */
  close(): void {
    this.#forgetRunners();
  }
}

function createRegistry(service: ServiceLabels, meters: readonly RequestMeter[]): Registry {
  const registry = new Registry();
  const used = () => meters.filter(({ statuses, inProgress }) => statuses.length > 0 || inProgress > 0);
  registerRequests(
    {
      prefix: 'bentoml_api_server',
      help: { each: 'API HTTP request', all: 'HTTP requests' },
      labels: Object.keys(service),
      meters: () => used().map((meter) => [meter, service] as const),
    },
    [registry],
  );
  registerProcess([registry]);
  return registry;
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
