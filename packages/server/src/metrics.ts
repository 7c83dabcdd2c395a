/** Prometheus metrics under the names and labels of BentoML. */
import { Registry } from 'prom-client';
import type { SiteRoute } from '@ekiben/service';
import type { Snapshot } from './metric-sum.ts';
import type { NodeExchange } from './node-exchange.ts';
import { registerProcess } from './process-metrics.ts';
import { RequestMeter } from './request-meter.ts';
import { registerRequests } from './request-metrics.ts';
import { countRunners } from './runner-metrics.ts';
import { SITE_PATHS } from './site-paths.ts';
import { userRegistry } from './user-metrics.ts';

export type ServiceLabels = Readonly<{
  service_name: string;
  /** A bento's version, or 'not available'. */
  service_version: string;
}>;

export interface MetricsOptions {
  /** Whether there is a page of them. @default true */
  readonly enabled?: boolean | undefined;
  /** What the names of those of the server begin with. @default 'bentoml_api_server' */
  readonly namespace?: string | undefined;
  /** Upper bounds of the durations of requests, in seconds, rising. @default BentoML's, 0.005 to 10 */
  readonly buckets?: readonly number[] | undefined;
}

export class Metrics {
  /** None, or one. */
  readonly routes: readonly SiteRoute<NodeExchange>[];
  readonly #options: MetricsOptions;
  readonly #registry: Registry;
  readonly #meters: RequestMeter[] = [];
  readonly #forgetRunners: () => void;

  /**
   * @param runners - the names of the service's
   * @param sum - the text for all processes. @default that of this one
   */
  constructor(
    service: ServiceLabels,
    runners: readonly string[],
    options: MetricsOptions = {},
    sum?: () => Promise<string>,
  ) {
    this.#options = options;
    const { enabled = true, namespace = 'bentoml_api_server' } = options;
    const registry = createRegistry(namespace, service, this.#meters);
    this.#registry = registry;
    this.#forgetRunners = countRunners([registry], service, runners);
    const { contentType } = registry;
    const text = sum ?? (() => Registry.merge([registry, userRegistry]).metrics());
    const respond = async () => ({ status: 200, contentType, headers: null, body: await text() });
    this.routes = enabled ? [{ path: '/metrics', respond }] : [];
  }

  /** What was counted here, for a sum; without the user's own. */
  snapshot(): Promise<Snapshot> {
    return this.#registry.getMetricsAsJSON();
  }

  /** A meter for each route, by the route's index; routes of one path share it. What matched no route counts under `*`. */
  metersOf(routes: readonly { readonly path: string }[]): readonly RequestMeter[] {
    const byPath = new Map(routes.map(({ path }) => [path, new RequestMeter(path, this.#options.buckets)]));
    for (const [path, meter] of byPath) if (!SITE_PATHS.includes(path)) this.#meters.push(meter);
    return routes.map(({ path }) => byPath.get(path) as RequestMeter);
  }

  /** Counts no more. */
  close(): void {
    this.#forgetRunners();
  }
}

function createRegistry(prefix: string, service: ServiceLabels, meters: readonly RequestMeter[]): Registry {
  const registry = new Registry();
  const used = () => meters.filter(({ statuses, inProgress }) => statuses.length > 0 || inProgress > 0);
  registerRequests(
    {
      prefix,
      help: { each: 'API HTTP request', all: 'HTTP requests' },
      labels: Object.keys(service),
      meters: () => used().map((meter) => [meter, service] as const),
    },
    [registry],
  );
  registerProcess([registry]);
  return registry;
}
