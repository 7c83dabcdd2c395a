import { createServer } from 'node:http';
import type { Server } from 'node:http';
import { runnerInfo, startRunners } from '@ekiben/runners';
import type { RunningRunners } from '@ekiben/runners';
import { Dispatcher } from '@ekiben/service';
import type { ServiceDefinition } from '@ekiben/service';
import { bind, urlOf } from './bind.ts';
import { onClientError } from './client-error.ts';
import { docsUiRoutes } from './docs-ui.ts';
import { drain } from './drain.ts';
import { GatheringRequest } from './gathering-request.ts';
import { healthRoutes } from './health.ts';
import { GRACE_MS, HEADERS_TIMEOUT_MS, KEEP_ALIVE_TIMEOUT_MS, REQUEST_TIMEOUT_MS } from './limits.ts';
import { createListener } from './listener.ts';
import { Metrics } from './metrics.ts';
import type { NodeExchange } from './node-exchange.ts';
import { openApiRoute } from './openapi.ts';

export interface ServeOptions {
  /** 0 takes a free one. @default 3000 */
  readonly port?: number | undefined;
  /** The address to listen on; '0.0.0.0' or '::' for all. @default '127.0.0.1' */
  readonly host?: string | undefined;
  /** The JavaScript file that exports the service: a runner in a process of its own loads it again. */
  readonly module?: string | undefined;
  /** Under which name it does. @default 'svc' */
  readonly exportName?: string | undefined;
  /** What metrics and documentation say of the service's version. @default 'not available', as BentoML says */
  readonly version?: string | undefined;
  /** How long `close` waits for requests in flight, in milliseconds. @default 25000 */
  readonly graceMs?: number | undefined;
  /** How long an idle connection is kept, in milliseconds. @default 72000 */
  readonly keepAliveTimeoutMs?: number | undefined;
  /** How long a client may take for its headers, in milliseconds. @default 20000 */
  readonly headersTimeoutMs?: number | undefined;
  /** How long a client may take for a whole request, in milliseconds. @default 300000 */
  readonly requestTimeoutMs?: number | undefined;
}

export interface RunningServer {
  /** Such as `http://127.0.0.1:3000`. */
  readonly url: string;
  readonly port: number;
  /**
   * Turns readiness off, accepts no more connections, lets requests in flight finish within the grace time, then ends the runners.
   * A second call waits for the first.
   */
  close(): Promise<void>;
}

/**
 * Loads the service's models and serves it over HTTP, with documentation at `/`, health and metrics. Resolves when it is ready.
 * @throws EKIBEN_PORT_IN_USE, EKIBEN_LISTEN_FAILED, EKIBEN_ROUTE_CONFLICT when an API has the path of one of these pages, and whatever
 *   loading a model throws; nothing is left running then
 */
export async function serve(service: ServiceDefinition, options: ServeOptions = {}): Promise<RunningServer> {
  const { module, exportName } = options;
  const runners = await startRunners(service.runners, { module, exportName });
  try {
    return await listen(service, runners, options);
  } catch (error) {
    await runners.close();
    throw error;
  }
}

async function listen(
  service: ServiceDefinition,
  runners: RunningRunners,
  options: ServeOptions,
): Promise<RunningServer> {
  const { port = 3000, host = '127.0.0.1', version = 'not available', graceMs = GRACE_MS } = options;
  let closing: Promise<void> | null = null;
  const names = service.runners.map((runner) => runner[runnerInfo].name);
  const metrics = new Metrics({ service_name: service.name, service_version: version }, names);
  const dispatcher = new Dispatcher<NodeExchange>(service, [
    ...healthRoutes(runners, () => closing !== null),
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
  const bound = await bind(http, port, host);
  const close = async () => {
    listener.drain();
    await drain(http, graceMs);
    await runners.close();
    metrics.close();
  };
  return {
    url: urlOf(host, bound),
    port: bound,
    close: () => (closing ??= close()),
  };
}

/** How often node looks for clients over their time. Its own default would give a slow one half a minute more. */
const CHECK_INTERVAL_MS = 5_000;

function createHttpServer(options: ServeOptions): Server<typeof GatheringRequest> {
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
