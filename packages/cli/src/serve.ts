// `ekiben serve`: what its three ways have in common. Each loads only what it needs.
import { subscribe } from 'node:diagnostics_channel';

import type { RunnerPlaced } from '@ekiben/runners';
import type { ChildEvent } from '@ekiben/supervisor';

import type { BentoService } from './bento.ts';
import { configure } from './configure.ts';

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
  const { serveHere } = await import('./serve-development.ts');
  return serveHere(target, options, configured, say);
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
