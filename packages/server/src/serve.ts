import { startRunners } from '@ekiben/runners';
import type { RunnerSettings, RunningRunners } from '@ekiben/runners';
import { runHooks } from '@ekiben/service';
import type { ServiceDefinition } from '@ekiben/service';
import { bind } from './bind.ts';
import { drain } from './drain.ts';
import { GRACE_MS } from './limits.ts';
import { NO_VERSION } from './site-options.ts';
import type { SiteOptions } from './site-options.ts';
import { tracingObserver } from './tracing.ts';

export interface ServeOptions extends SiteOptions {
  /** 0 takes a free one. @default 3000 */
  readonly port?: number | undefined;
  /** The address to listen on; '0.0.0.0' or '::' for all. @default '127.0.0.1' */
  readonly host?: string | undefined;
  /** A path: the server listens on a Unix socket there, and on no port. One that a program left behind is replaced. @default none */
  readonly unixSocket?: string | undefined;
  /** Connections that may wait to be accepted. @default 2048 */
  readonly backlog?: number | undefined;
  /** The JavaScript file that exports the service: a runner in a process of its own loads it again. */
  readonly module?: string | undefined;
  /** Under which name it does. @default 'svc' */
  readonly exportName?: string | undefined;
  /** What a configuration says of runners, by name, and of all others under `*`; it counts before what the code says. */
  readonly runners?: Readonly<Record<string, RunnerSettings>> | undefined;
  /** Tags of models that were resolved already, `{ 'm:latest': 'm:sizn5hxhsk3i4ax4' }`: worker processes resolve none of them anew. */
  readonly pinnedTags?: Readonly<Record<string, string>> | undefined;
  /** How long `close` waits for requests in flight, in milliseconds. @default 25000 */
  readonly graceMs?: number | undefined;
}

export interface RunningServer {
  /** Such as `http://127.0.0.1:3000`, or `unix:` and the path of the socket. */
  readonly url: string;
  /** 0 for a Unix socket. */
  readonly port: number;
  /**
   * Turns readiness off, accepts no more connections, lets requests in flight finish within the grace time, then ends the runners.
   * A second call waits for the first.
   */
  close(): Promise<void>;
}

/**
 * Loads the service's models and serves it over HTTP, with documentation at `/`, health and metrics. Resolves when it is ready.
 * @throws EKIBEN_PORT_IN_USE, EKIBEN_LISTEN_FAILED, EKIBEN_TLS_INVALID, EKIBEN_ROUTE_CONFLICT when an API has the path of one of these pages, and whatever
 *   loading a model throws; nothing is left running then
 */
export async function serve(service: ServiceDefinition, options: ServeOptions = {}): Promise<RunningServer> {
  const { module, exportName, runners: settings, pinnedTags, tracing, version = NO_VERSION } = options;
  const observer = tracingObserver(tracing, { service: service.name, version });
  const runners = await startRunners(service.runners, { module, exportName, settings, pinnedTags, observer });
  try {
    await runHooks(service, 'deployment', undefined);
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
  const { graceMs = GRACE_MS } = options;
  const { createSite } = await import('./site.ts');
  const site = await createSite(service, runners, options);
  const address = await bind(site.http, options);
  let closing: Promise<void> | null = null;
  const close = async () => {
    site.startDraining();
    await drain(site.http, graceMs);
    try {
      await site.shutdown();
    } finally {
      await runners.close();
      site.metrics.close();
    }
  };
  return {
    ...address,
    close: () => (closing ??= close()),
  };
}
