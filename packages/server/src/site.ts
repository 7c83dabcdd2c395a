/** A service with its pages, behind a node:http server that does not listen yet. */
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import { runnerInfo } from '@ekiben/runners';
import type { RunningRunners } from '@ekiben/runners';
import { Dispatcher } from '@ekiben/service';
import type { ServiceDefinition } from '@ekiben/service';
import { onClientError } from './client-error.ts';
import { docsUiRoutes } from './docs-ui.ts';
import { GatheringRequest } from './gathering-request.ts';
import { healthRoutes } from './health.ts';
import { HEADERS_TIMEOUT_MS, KEEP_ALIVE_TIMEOUT_MS, REQUEST_TIMEOUT_MS } from './limits.ts';
import { createListener } from './listener.ts';
import { Metrics, NO_VERSION } from './metrics.ts';
import type { NodeExchange } from './node-exchange.ts';
import { openApiRoute } from './openapi.ts';

export interface SiteOptions {
  /** What metrics and documentation say of the service's version. @default 'not available', as BentoML says */
  readonly version?: string | undefined;
  /** How long an idle connection is kept, in milliseconds. @default 72000 */
  readonly keepAliveTimeoutMs?: number | undefined;
  /** How long a client may take for its headers, in milliseconds. @default 20000 */
  readonly headersTimeoutMs?: number | undefined;
  /** How long a client may take for a whole request, in milliseconds. @default 300000 */
  readonly requestTimeoutMs?: number | undefined;
}

export interface Site {
  readonly http: Server;
  readonly metrics: Metrics;
  /** Turns readiness off; from now on every answer ends its connection. */
  startDraining(): void;
}

/**
 * Resolves when the service's state is made.
 * @param sumMetrics - the text of `/metrics` for all processes. @default that of this one
 * @throws EKIBEN_ROUTE_CONFLICT, and what making the state throws
 */
export async function createSite(
  service: ServiceDefinition,
  runners: RunningRunners,
  options: SiteOptions,
  sumMetrics?: () => Promise<string>,
): Promise<Site> {
  const { version = NO_VERSION } = options;
  let draining = false;
  const names = service.runners.map((runner) => runner[runnerInfo].name);
  const metrics = new Metrics({ service_name: service.name, service_version: version }, names, sumMetrics);
  const dispatcher = new Dispatcher<NodeExchange>(service, [
    ...healthRoutes(runners, () => draining),
    metrics.route,
    openApiRoute(service, version),
    ...docsUiRoutes(service.name),
  ]);
  await dispatcher.start();
  const listener = createListener(dispatcher, metrics.metersOf(dispatcher.routes));
  const http = createHttpServer(options)
    .on('request', listener.onRequest)
    .on('checkContinue', listener.onCheckContinue)
    .on('clientError', onClientError);
  const startDraining = () => {
    draining = true;
    listener.drain();
  };
  return { http, metrics, startDraining };
}

/** How often node looks for clients over their time. Its own default would give a slow one half a minute more. */
const CHECK_INTERVAL_MS = 5_000;

function createHttpServer(options: SiteOptions): Server<typeof GatheringRequest> {
  const requestTimeout = options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS;
  // No longer than for the whole request; 0 is for ever.
  const headersTimeout = Math.min(options.headersTimeoutMs ?? HEADERS_TIMEOUT_MS, requestTimeout || Infinity);
  return createServer({
    IncomingMessage: GatheringRequest,
    headersTimeout,
    requestTimeout,
    keepAliveTimeout: options.keepAliveTimeoutMs ?? KEEP_ALIVE_TIMEOUT_MS,
    connectionsCheckingInterval: Math.min(headersTimeout || Infinity, CHECK_INTERVAL_MS),
  });
}
