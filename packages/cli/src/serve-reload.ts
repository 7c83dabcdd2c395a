// `ekiben serve --reload`: one API worker, replaced by a new one when the code or a model has changed; another process stands by for
// that. What does not compile, or throws while it is loaded, is shown, and the worker that was there stays.
import { subscribe } from 'node:diagnostics_channel';
import path from 'node:path';

import { serveProduction } from '@ekiben/server/production';
import type { GenerationEvent } from '@ekiben/server/production';
import { watch } from 'chokidar';

import { withCodeFrame } from './code-frame.ts';
import { projectFolder } from './compile.ts';
import type { Configured } from './configure.ts';
import { findService } from './find-service.ts';
import { untilEnd, warnOfRunners } from './serve-production.ts';
import type { ServeOptions } from './serve.ts';

/** What a service is made of; a log or a data base that it writes is not. */
const SOURCES = /\.(?:[cm]?[jt]sx?|json|ya?ml)$/;

/** An editor that saves several files, or one in several steps. */
const SETTLE_MS = 20;

/** As `serveInProduction`; a model that is saved is taken up where the service asks for `latest`. */
export async function serveWithReload(
  target: string,
  options: ServeOptions,
  { server: configured, configuration }: Configured,
  say: (line: string) => void,
): Promise<void> {
  const { source, locate } = await findService(target, options.workingDir);
  const folder = path.isAbsolute(source) ? projectFolder(source) : undefined;
  reportGenerations(say, folder);
  warnOfRunners(configuration);
  const server = await serveProduction({
    ...configured,
    module: locate,
    standby: true,
    apiWorkers: 1,
    followLatest: true,
  });
  const reload = async (changed: string) => {
    const started = performance.now();
    await server.reload().then(
      () => say(`${changed} has changed: loaded anew in ${Math.round(performance.now() - started)} ms`),
      () => {}, // reported as a generation that was refused
    );
  };
  const watcher = folder === undefined ? undefined : watchSources(folder, reload);
  say(`Serving on ${server.url}, and loading anew what changes (press Ctrl-C to quit)`);
  say(`  Swagger UI: ${server.url}/`);
  try {
    await untilEnd(server, say);
  } finally {
    await watcher?.close();
  }
}

function reportGenerations(say: (line: string) => void, folder: string | undefined): void {
  let served = '';
  subscribe('ekiben:server:generation', (message) => {
    const { event, tags, error } = message as GenerationEvent;
    const models = Object.values(tags).join(', ');
    if (event === 'started' && models !== served) say(`Models: ${models}`);
    if (event === 'started') served = models;
    else void withCodeFrame(error as Error, folder).then((text) => console.error(`${text}\nWhat was there stays.`));
  });
}

/** Calls `onChange` for one change at a time; what changes meanwhile is one more. */
function watchSources(folder: string, onChange: (file: string) => Promise<void>) {
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> = Promise.resolve();
  const watcher = watch(folder, {
    ignoreInitial: true,
    ignored: (file) => /(?:^|[\\/])(?:node_modules|\.[^\\/]+)$/.test(path.relative(folder, file)),
  });
  return watcher.on('all', (_event, file) => {
    if (!SOURCES.test(file)) return;
    clearTimeout(timer);
    timer = setTimeout(() => {
      running = running.then(() => onChange(path.relative(folder, file)));
    }, SETTLE_MS);
  });
}
