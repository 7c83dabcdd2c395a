// `ekiben serve`: load the service, listen, and drain on a signal.
import process from 'node:process';

import { serve } from '@ekiben/server';

import { loadService } from './load-service.ts';

export interface ServeOptions {
  readonly port: number;
  readonly host: string;
  readonly workingDir: string;
}

/** Serves until SIGINT or SIGTERM has drained the server; a second signal ends the process at once. */
export async function serveCommand(target: string, options: ServeOptions): Promise<void> {
  const { service, module, exportName } = await loadService(target, options.workingDir);
  const server = await serve(service, { port: options.port, host: options.host, module, exportName });
  console.log(`Serving "${service.name}" on ${server.url} (press Ctrl-C to quit)`);
  const signal = await nextSignal();
  console.log(`${signal}: finishing the requests in flight`);
  void nextSignal().then((again) => process.exit(again === 'SIGINT' ? 130 : 143));
  await server.close();
}

function nextSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    const listen = (signal: NodeJS.Signals) => {
      process.off('SIGINT', listen).off('SIGTERM', listen);
      resolve(signal);
    };
    process.on('SIGINT', listen).on('SIGTERM', listen);
  });
}
