// `ekiben serve --production`: this process supervises, and neither loads the service nor answers requests.
import { subscribe } from 'node:diagnostics_channel';
import process from 'node:process';

import { serveProduction } from '@ekiben/server/production';
import type { GenerationEvent, RunningProduction } from '@ekiben/server/production';
import { EkibenError } from '@ekiben/spec';

import { endCompiler } from './compile.ts';
import { warn } from './configure.ts';
import type { Configured } from './configure.ts';
import { findService } from './find-service.ts';
import type { ServeOptions } from './serve.ts';
import { nextSignal } from './signals.ts';

/**
 * Serves until SIGINT or SIGTERM has drained every process; a second signal ends them at once. SIGHUP loads everything anew.
 * @throws why the server did not start, or why no API worker is left
 */
export async function serveInProduction(
  target: string,
  options: ServeOptions,
  { server: configured, apiWorkers, configuration }: Configured,
  say: (line: string) => void,
): Promise<void> {
  // A log that cannot be written, because its disk is full or its reader gone, is no reason to end.
  process.stdout.on('error', () => {});
  process.stderr.on('error', () => {});
  const { locate } = await findService(target, options.workingDir);
  reportGenerations(say);
  warnOfRunners(configuration);
  const locateOnce = () => locate().finally(() => void endCompiler());
  const server = await serveProduction({ ...configured, apiWorkers, module: locateOnce });
  const workers = `${server.apiWorkers} API worker${server.apiWorkers === 1 ? '' : 's'}`;
  say(`Serving on ${server.url} with ${workers} (pid ${process.pid})`);
  process.on('SIGHUP', () => {
    say('SIGHUP: loading everything anew');
    server.reload().catch(() => {}); // reported as a generation that was refused
  });
  await untilEnd(server, say);
}

/** Drains the server on a signal. @throws why no API worker is left */
export async function untilEnd(server: RunningProduction, say: (line: string) => void): Promise<void> {
  const end = await Promise.race([nextSignal(), server.down]);
  if (end instanceof Error) {
    server.kill();
    throw end;
  }
  say(`${end}: finishing the requests in flight`);
  void nextSignal().then((again) => {
    server.kill();
    process.exit(again === 'SIGINT' ? 130 : 143);
  });
  await server.close();
}

/** Of runners in the configuration that the service does not have. */
export function warnOfRunners(configuration: Configured['configuration']): void {
  const warned = new Set<string>();
  subscribe('ekiben:server:generation', (message) => {
    const { event, runners } = message as GenerationEvent;
    if (event !== 'started') return;
    const remarks = configuration.unknownRunners(runners).filter(({ message: text }) => !warned.has(text));
    for (const { message: text } of remarks) warned.add(text);
    warn(remarks);
  });
}

function reportGenerations(say: (line: string) => void): void {
  subscribe('ekiben:server:generation', (message) => {
    const { event, tags, error } = message as GenerationEvent;
    const versions = Object.entries(tags).map(([tag, version]) => (tag === version ? tag : `${tag} = ${version}`));
    if (event === 'started') say(`Ready${versions.length > 0 ? `: ${versions.join(', ')}` : ''}`);
    else console.error(`What was to be loaded anew did not start, and what was there stays: ${describe(error)}`);
  });
}

/** A stack for what the service's code threw: its lines are the user's. */
function describe(error: Error | undefined): string {
  return EkibenError.is(error) ? error.message : (error?.stack ?? String(error));
}
