/** `resolveConfiguration`: all sources together, in their order. Pure; `loadConfiguration` reads the file. */
import { EkibenError } from '@ekiben/spec';
import { closest, distance } from 'fastest-levenshtein';
import { collect } from './collect.ts';
import type { Setting } from './collect.ts';
import { runnerKeys, serverKeys, tracingKeys } from './keys.ts';
import type { Key, Values } from './keys.ts';
import { environmentLayers, fileLayer, flagLayers } from './layers.ts';
import type { Environment, Remark } from './layers.ts';
import { parsePath, pathText } from './paths.ts';
import type { Path } from './paths.ts';
import { brokenRules, ineffective } from './rules.ts';
import { runnerSettings, serverSettings, tracingSettings } from './settings.ts';
import type { RunnerSettings, ServerSettings, TracingSettings } from './settings.ts';

export interface ConfigurationSources {
  /** The file's text, and the name by which faults speak of it. @default none */
  readonly file?: { readonly path: string; readonly text: string } | undefined;
  /** Usually `process.env`. @default none */
  readonly env?: Environment | undefined;
  /** Flags of `ekiben serve` by name, such as `{ port: 3001, 'api-workers': '2' }`; undefined says nothing. @default none */
  readonly flags?: Readonly<Record<string, unknown>> | undefined;
}

/** A key, its value, and who says so. */
export interface ConfiguredValue {
  /** Such as `runners.my_model.batching.enabled`. */
  readonly key: string;
  /** null: nothing. A secret is not shown. */
  readonly value: unknown;
  readonly from: 'flag' | 'environment' | 'file' | 'default';
  /** `--port`, `EKIBEN_PORT`, `bentoconfiguration.yaml:3:5`; '' for a default. */
  readonly place: string;
}

/**
 * Reads and checks all that was said: flags count before the environment, the environment before the file; what is said of one
 * runner before what is said of all.
 * @throws EKIBEN_CONFIG_INVALID that names every fault with its place
 */
export function resolveConfiguration(sources: ConfigurationSources): Configuration {
  const { file, env = {}, flags = {} } = sources;
  const faults: Remark[] = [];
  const warnings: Remark[] = [];
  const reports = { fault: (fault: Remark) => faults.push(fault), warn: (warning: Remark) => warnings.push(warning) };
  const layers = [
    ...(file === undefined ? [] : fileLayer(file.path, file.text, reports.fault)),
    ...environmentLayers(env, reports.fault),
    ...flagLayers(flags, reports.fault),
  ];
  const settings = new Map<string, Setting>();
  for (const setting of layers.flatMap((layer) => collect(layer, env, reports))) {
    settings.set(pathText(setting.path), setting);
  }
  warnings.push(...ineffective((key) => settings.get(key)));
  const configuration = new Configuration(settings, warnings);
  faults.push(...brokenRules((key) => settings.get(`api_server.${key}`)));
  if (faults.length > 0) throw invalid(faults);
  return configuration;
}

export class Configuration {
  /** What was said and has no effect. */
  readonly warnings: readonly Remark[];
  readonly #settings: ReadonlyMap<string, Setting>;

  constructor(settings: ReadonlyMap<string, Setting>, warnings: readonly Remark[]) {
    this.#settings = settings;
    this.warnings = warnings;
  }

  server(): ServerSettings {
    return serverSettings(this.#values(serverKeys, ['api_server']));
  }

  /** undefined: no traces were asked for. */
  tracing(): TracingSettings | undefined {
    return tracingSettings(this.#values(tracingKeys, ['tracing']));
  }

  /** For one runner. */
  runner(name: string): RunnerSettings {
    return runnerSettings(this.#values(runnerKeys, ['runners'], name));
  }

  /** For each runner that has settings of its own, by name, and for all others under `*`. */
  runners(): Readonly<Record<string, RunnerSettings>> {
    return Object.fromEntries(['*', ...this.#names().keys()].map((name) => [name, this.runner(name)]));
  }

  /** Names that are configured and that no runner of the service has. */
  unknownRunners(runners: readonly string[]): readonly Remark[] {
    const has = runners.length === 0 ? 'the service has no runners' : `the service has ${runners.join(', ')}`;
    const unknown = [...this.#names()].filter(([name]) => !runners.includes(name));
    return unknown.map(([name, place]) => {
      const near = runners.length === 0 ? '' : closest(name, [...runners]);
      const hint = near !== '' && distance(name, near) <= 3 ? `; did you mean ${near}?` : '';
      return { place, message: `runners.${name} has no effect: ${has}${hint}` };
    });
  }

  /** The runners that have settings of their own, and where the first of them is. */
  #names(): ReadonlyMap<string, string> {
    const names = new Map<string, string>();
    for (const { path, place } of this.#settings.values()) {
      const name = runnerName(path);
      if (name !== undefined && !names.has(name)) names.set(name, place);
    }
    return names;
  }

  /** Every key with its value: those of the table, and those of single runners. */
  entries(): readonly ConfiguredValue[] {
    const tables = [...all('api_server', serverKeys), ...all('runners', runnerKeys), ...all('tracing', tracingKeys)];
    const general = tables.map(([key, { default: value }]) => {
      const setting = this.#settings.get(key);
      return setting === undefined || setting.value === null ? defaultOf(key, value, setting) : shown(key, setting);
    });
    const single = [...this.#settings].filter(([, { path }]) => runnerName(path) !== undefined);
    return [...general, ...single.map(([key, setting]) => shown(key, setting))];
  }

  #values<Keys extends Readonly<Record<string, Key>>>(keys: Keys, section: Path, name?: string): Values<Keys> {
    const values: Record<string, unknown> = {};
    for (const key of Object.keys(keys)) {
      const path = parsePath(key);
      const ofAll = this.#settings.get(pathText([...section, ...path]));
      const ofOne = name === undefined ? undefined : this.#settings.get(pathText([...section, name, ...path]));
      const setting = ofOne === undefined || ofAll?.isFlag === true ? ofAll : ofOne;
      if (setting !== undefined && setting.value !== null) values[key] = setting.value;
    }
    return values as Values<Keys>;
  }
}

function* all(section: string, keys: Readonly<Record<string, Key>>): Generator<[string, Key]> {
  for (const [name, key] of Object.entries(keys)) yield [`${section}.${name}`, key];
}

function defaultOf(key: string, value: unknown, setting: Setting | undefined): ConfiguredValue {
  return { key, value, from: 'default', place: setting?.place ?? '' };
}

function shown(name: string, { key, value, kind, place }: Setting): ConfiguredValue {
  return { key: name, value: key.secret === true ? '(secret)' : value, from: kind, place };
}

const RUNNER_SECTIONS = new Set(Object.keys(runnerKeys).map((key) => parsePath(key)[0]));

/** The name in `runners.NAME.workers`. */
function runnerName([section, name]: Path): string | undefined {
  return section === 'runners' && name !== undefined && !RUNNER_SECTIONS.has(name) ? name : undefined;
}

function invalid(faults: readonly Remark[]): EkibenError {
  const lines = faults.map(({ place, message }) => `${place}: ${message}`);
  const message =
    lines.length === 1
      ? `The configuration is wrong: ${lines[0]}`
      : `The configuration is wrong:\n  ${lines.join('\n  ')}`;
  const errors = faults.map((fault) => ({ pointer: '', message: `${fault.place}: ${fault.message}` }));
  return new EkibenError('EKIBEN_CONFIG_INVALID', message, { details: { errors } });
}
