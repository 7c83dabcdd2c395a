// What `serve` is told by flags, environment and file, as options of the server.
import { readFileSync } from 'node:fs';
import path from 'node:path';

import { loadConfiguration } from '@ekiben/config';
import type { Configuration, Remark, TlsSettings } from '@ekiben/config';
import type { RunnerSettings } from '@ekiben/runners';
import type { ServeOptions as ServerOptions, TlsOptions } from '@ekiben/server';
import { EkibenError } from '@ekiben/spec';

import { tracingOf } from './configure-tracing.ts';
import type { ServeOptions } from './serve.ts';

export interface Configured {
  readonly configuration: Configuration;
  readonly server: ServerOptions;
  /** undefined: as many as there is room for. */
  readonly apiWorkers: number | undefined;
}

/** @throws EKIBEN_CONFIG_INVALID, EKIBEN_CONFIG_NOT_FOUND, EKIBEN_TLS_FILE */
export async function configure(options: ServeOptions, say: (line: string) => void): Promise<Configured> {
  const { config, workingDir, bento, quiet } = options;
  const { configuration, file } = loadConfiguration({ file: config, directory: workingDir, flags: flagsOf(options) });
  if (file !== null) say(`Configuration: ${path.join(workingDir, file)}`);
  warn(configuration.warnings);
  const { tls, workers, accessLog, ...server } = configuration.server();
  const tracing = await tracingOf(configuration, (name) => readPem(path.resolve(workingDir, name)), warn);
  const runners: Record<string, RunnerSettings> = { ...configuration.runners() };
  // What the build found out stays where nobody says otherwise.
  for (const [name, built] of Object.entries(bento?.runners ?? {})) {
    runners[name] = { ...built, ...configuration.runner(name) };
  }
  return {
    configuration,
    server: {
      ...server,
      ...bento,
      runners,
      accessLog: quiet === true ? undefined : { ...accessLog },
      tracing,
      ...(tls !== undefined && { tls: readTls(tls, workingDir) }),
    },
    apiWorkers: workers,
  };
}

/** On stderr, whether or not one wants to be quiet. */
export function warn(remarks: readonly Remark[]): void {
  for (const { place, message } of remarks) console.error(`Warning: ${place}: ${message}`);
}

/** commander's `apiWorkers` is `api-workers` again. */
function flagsOf(options: ServeOptions): Record<string, unknown> {
  const { workingDir: _, quiet: _q, production: _p, reload: _r, config: _c, bento: _b, ...flags } = options;
  const kebab = (name: string) => name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  const own = Object.entries(flags).filter(([name]) => !NOT_CONFIGURED.has(name));
  return Object.fromEntries(own.map(([name, value]) => [kebab(name), value]));
}

/** Taken, since BentoML does, and without effect. */
const NOT_CONFIGURED: ReadonlySet<string> = new Set(['development', 'debug', 'doNotTrack']);

function readTls(settings: TlsSettings, workingDir: string): TlsOptions {
  const { certFile, keyFile, caFile, ...rest } = settings;
  const read = (file: string) => readPem(path.resolve(workingDir, file));
  return { cert: read(certFile), key: read(keyFile), ...(caFile !== undefined && { ca: read(caFile) }), ...rest };
}

function readPem(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const why = code === 'ENOENT' ? 'there is no such file' : code;
    throw new EkibenError('EKIBEN_TLS_FILE', `${file} cannot be read: ${why}.`, { cause });
  }
}
