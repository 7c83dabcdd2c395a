/** A service with its pages, behind a node:http server that does not listen yet. */
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import { runnerInfo } from '@ekiben/runners';
import type { RunningRunners } from '@ekiben/runners';
import { cors, Dispatcher, runHooks } from '@ekiben/service';
import type { CorsOptions, ServiceDefinition } from '@ekiben/service';
import { startAccessLog } from './access-log.ts';
import { onClientError } from './client-error.ts';
import { trackConnections } from './drain.ts';
import { docsUiRoutes } from './docs-ui.ts';
import { GatheringRequest } from './gathering-request.ts';
import { healthRoutes } from './health.ts';
import { HEADERS_TIMEOUT_MS, KEEP_ALIVE_TIMEOUT_MS, REQUEST_TIMEOUT_MS } from './limits.ts';
import { createListener } from './listener.ts';
import type { Listener } from './listener.ts';
import { Metrics } from './metrics.ts';
import type { NodeExchange } from './node-exchange.ts';
import { documentRoutes } from './openapi.ts';
import { underPrefix } from './path-prefix.ts';
import { NO_VERSION } from './site-options.ts';
import type { SiteOptions } from './site-options.ts';
import { startTracing } from './tracing.ts';

export interface Site {
  readonly http: Server;
  readonly metrics: Metrics;
  /** Turns readiness off; from now on every answer ends its connection. */
  startDraining(): void;
  /** Runs what the service does at its end. */
  shutdown(): Promise<void>;
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
  const { version = NO_VERSION, probeRunners = true, securityHeaders = true, pathPrefix } = options;
  let draining = false;
  const names = service.runners.map((runner) => runner[runnerInfo].name);
  const metrics = new Metrics(
    { service_name: service.name, service_version: version },
    names,
    options.metrics,
    sumMetrics,
  );
  const dispatcher = new Dispatcher<NodeExchange>(withCors(service, options.cors), [
    ...healthRoutes(probeRunners ? runners : null, () => draining),
    ...metrics.routes,
    ...documentRoutes(service, version),
    ...docsUiRoutes(service.name, securityHeaders),
  ]);
  await dispatcher.start();
  await runHooks(service, 'startup', dispatcher.state);
  const listener = createListener(dispatcher, {
    meters: metrics.metersOf(dispatcher.routes),
    apis: service.apis.length,
    traffic: options,
    headers: options,
  });
  const prefixed = (onRequest: Listener['onRequest']) =>
    pathPrefix === undefined ? onRequest : underPrefix(pathPrefix, onRequest);
  const http = (await createServerFor(options))
    .on('request', prefixed(listener.onRequest))
    .on('checkContinue', prefixed(listener.onCheckContinue))
    .on('clientError', onClientError);
  trackConnections(http);
  const startDraining = () => {
    draining = true;
    listener.drain();
  };
  const { accessLog, tracing } = options;
  const hasLog = accessLog !== undefined && accessLog.enabled !== false;
  const endLog = hasLog ? await startAccessLog(service.name, accessLog) : () => {};
  const endTracing =
    tracing === undefined ? async () => {} : await startTracing(tracing, { service: service.name, version });
  const shutdown = async () => {
    endLog();
    try {
      await runHooks(service, 'shutdown', dispatcher.state);
    } finally {
      await endTracing();
    }
  };
  return { http, metrics, startDraining, shutdown };
}

/** How often node looks for clients over their time. Its own default would give a slow one half a minute more. */
const CHECK_INTERVAL_MS = 5_000;

async function createServerFor(options: SiteOptions): Promise<Server<typeof GatheringRequest>> {
  const requestTimeout = options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS;
  // No longer than for the whole request; 0 is for ever.
  const headersTimeout = Math.min(options.headersTimeoutMs ?? HEADERS_TIMEOUT_MS, requestTimeout || Infinity);
  const http = {
    IncomingMessage: GatheringRequest,
    headersTimeout,
    requestTimeout,
    keepAliveTimeout: options.keepAliveTimeoutMs ?? KEEP_ALIVE_TIMEOUT_MS,
    connectionsCheckingInterval: Math.min(headersTimeout || Infinity, CHECK_INTERVAL_MS),
  };
  if (options.tls === undefined) return createServer(http);
  const { createTlsServer } = await import('./tls.ts');
  return createTlsServer(http, options.tls);
}

/** Around all other middleware, so that a page can read what they refuse. */
function withCors(service: ServiceDefinition, options: CorsOptions | undefined): ServiceDefinition {
  if (options === undefined) return service;
  const { name, runners, apis, middleware, mounts, hooks, docs, makeState } = service;
  return { name, runners, apis, middleware: [cors(options), ...middleware], mounts, hooks, docs, makeState };
}
