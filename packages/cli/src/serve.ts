// `ekiben serve`: load the service, listen, and drain on a signal.
import { subscribe } from 'node:diagnostics_channel';
import process from 'node:process';

import { runnerInfo } from '@ekiben/runners';
import type { RunnerPlaced } from '@ekiben/runners';
import { serve } from '@ekiben/server';
import type { ServiceDefinition } from '@ekiben/service';
import type { ChildEvent } from '@ekiben/supervisor';

import type { BentoService } from './bento.ts';
import { configure, warn } from './configure.ts';
import { loadService } from './load-service.ts';
import { nextSignal } from './signals.ts';

/** As they are typed; what else `@ekiben/config` knows of flags stands in it by its name, such as `sslCertfile`. */
export interface ServeOptions {
  readonly workingDir: string;
  readonly quiet?: boolean | undefined;
  readonly production?: boolean | undefined;
  readonly reload?: boolean | undefined;
  readonly config?: string | undefined;
  readonly apiWorkers?: number | undefined;
  /** What the bento that is served says of its models and runners. */
  readonly bento?: BentoService | undefined;
}

/** Serves until SIGINT or SIGTERM has drained the server; a second signal ends the process at once. */
export async function serveCommand(target: string, options: ServeOptions): Promise<void> {
  const say = options.quiet === true ? () => {} : console.log;
  const configured = await configure(options, say);
  reportRunners(say, options.reload !== true);
  if (options.production === true) {
    const { serveInProduction } = await import('./serve-production.ts');
    return serveInProduction(target, options, configured, say);
  }
  if (options.reload === true) {
    const { serveWithReload } = await import('./serve-reload.ts');
    return serveWithReload(target, options, configured, say);
  }
  if (options.apiWorkers !== undefined) console.error('Warning: --api-workers has no effect without --production');
  const { service, module, exportName } = await loadService(target, options.workingDir);
  const server = await serve(service, { ...configured.server, module, exportName });
  warn(configured.configuration.unknownRunners(service.runners.map((runner) => runner[runnerInfo].name)));
  const { pathPrefix = '', unixSocket } = configured.server;
  const base = `${unixSocket === undefined ? server.url : 'http://localhost'}${pathPrefix.replace(/\/$/, '')}`;
  say(`Serving "${service.name}" on ${server.url} (press Ctrl-C to quit)`);
  if (unixSocket === undefined) say(`  Swagger UI: ${base}/`);
  const [api] = service.apis;
  if (api !== undefined) say(`  ${curlFor(base, api, unixSocket)}`);
  const signal = await nextSignal();
  say(`${signal}: finishing the requests in flight`);
  void nextSignal().then((again) => process.exit(again === 'SIGINT' ? 130 : 143));
  await server.close();
  // Spans that a collector does not take are not worth the wait.
  if (configured.server.tracing !== undefined) setTimeout(() => process.exit(), LINGER_MS).unref();
}

/** For what else may be under way. */
const LINGER_MS = 100;

type Api = ServiceDefinition['apis'][number];

/** A request to copy, with the documentation's example as its body. */
function curlFor(url: string, { method, path, input }: Api, unixSocket: string | undefined): string {
  const [mediaType] = input.mediaTypes;
  const { example } = input;
  const body = example === undefined || mediaType !== 'application/json' ? undefined : JSON.stringify(example);
  const data =
    body === undefined ? '' : ` -H 'content-type: ${mediaType}' -d '${body.replaceAll("'", String.raw`'\''`)}'`;
  const socket = unixSocket === undefined ? '' : ` --unix-socket ${unixSocket}`;
  return `curl${socket} -X ${method} ${url}${path}${data}`;
}

/** Where each runner computes and why, and what becomes of worker processes: the libraries only publish it. */
function reportRunners(say: (line: string) => void, ofProcesses: boolean): void {
  subscribe('ekiben:runners:placed', (message) => {
    const { runner, placement, reason } = message as RunnerPlaced;
    say(`Runner ${runner}: ${placement} (${reason})`);
  });
  if (!ofProcesses) return;
  subscribe('ekiben:supervisor:child', (message) => {
    const { supervisor, event, pid, error } = message as ChildEvent;
    const process = `Process ${supervisor}${pid === undefined ? '' : ` (pid ${pid})`}`;
    const line = `${process}: ${event}${error === undefined ? '' : `: ${error.message}`}`;
    if (event === 'ready' || event === 'replaced' || event === 'recycled') say(line);
    else console.error(line);
  });
}
