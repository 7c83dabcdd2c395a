// `ekiben serve`: the service in this process.
import process from 'node:process';

import { runnerInfo } from '@ekiben/runners';
import { serve } from '@ekiben/server';
import type { ServiceDefinition } from '@ekiben/service';

import { endCompiler } from './compile.ts';
import { warn } from './configure.ts';
import type { Configured } from './configure.ts';
import { loadService } from './load-service.ts';
import type { ServeOptions } from './serve.ts';
import { nextSignal } from './signals.ts';

/** Serves until SIGINT or SIGTERM has drained the server; a second signal ends the process at once. */
export async function serveHere(
  target: string,
  options: ServeOptions,
  configured: Configured,
  say: (line: string) => void,
): Promise<void> {
  if (options.apiWorkers !== undefined) console.error('Warning: --api-workers has no effect without --production');
  const { service, module, exportName } = await loadService(target, options.workingDir);
  await endCompiler();
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
