/** What each source says, as plain data: the file, the variables of the environment, the flags. */
import { runnerKeys, serverKeys } from './keys.ts';
import type { Key } from './keys.ts';
import { MAX_BYTES, MAX_DEPTH } from './limits.ts';
import { parsePath } from './paths.ts';
import type { Path } from './paths.ts';
import { readScalar } from './scalar.ts';
import { YamlFault, readYaml } from './yaml.ts';
import type { YamlPlace } from './yaml.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface Layer {
  readonly kind: 'file' | 'environment' | 'flag';
  readonly value: unknown;
  /** `bentoconfiguration.yaml:3:5`, `EKIBEN_PORT`, `--port`. */
  place(path: Path): string;
  /** Whether a value may be text for a number, as in a variable. */
  readonly isText: boolean;
  /** Whether what it says of all also counts before what others say of one: flags, and the variables that stand for flags. */
  readonly isFlag: boolean;
}

export interface Remark {
  /** Where: `bentoconfiguration.yaml:3:5`, `EKIBEN_PORT`, `--port`. */
  readonly place: string;
  readonly message: string;
}

export type Report = (remark: Remark) => void;

export function fileLayer(path: string, text: string, report: Report): Layer[] {
  const placeOf = ({ line, column }: YamlPlace): string => `${path}:${line}:${column}`;
  try {
    const { value, at } = readYaml(text, { maxBytes: MAX_BYTES, maxDepth: MAX_DEPTH });
    return [{ kind: 'file', value, place: (key) => placeOf(at(key)), isText: false, isFlag: false }];
  } catch (error) {
    if (!(error instanceof YamlFault)) throw error;
    report({ place: placeOf(error.place), message: `it is no YAML here: ${error.message}` });
    return [];
  }
}

/** The later ones count, and of twins that of ours. */
const PREFIXES = ['BENTOML_', 'EKIBEN_'] as const;

export function environmentLayers(env: Environment, report: Report): Layer[] {
  const twins = (name: string) => PREFIXES.map((prefix) => `${prefix}${name}`).filter((each) => env[each]);
  return [
    ...twins('CONFIG_OVERRIDES').flatMap((name) => jsonLayer(name, env[name] ?? '', report)),
    ...twins('CONFIG_OPTIONS').flatMap((name) => optionsLayer(name, env[name] ?? '', report)),
    ...Object.entries(env).flatMap(([name, value]) => {
      const key = LONG_NAME.exec(name)?.[1];
      return key === undefined || value === undefined
        ? []
        : [variableLayer(name, key.toLowerCase().split('__'), value)];
    }),
    ...shortVariables.flatMap(([variable, path]) =>
      twins(variable).map((name) => variableLayer(name, path, env[name] ?? '', true)),
    ),
  ];
}

/** The variables that have a name of their own: BENTOML_PORT and EKIBEN_PORT. */
const shortVariables: readonly (readonly [string, Path])[] = [...namedBy('variable')];
const flags = new Map<string, Path[]>();
for (const [flag, path] of namedBy('flag')) flags.set(flag, [...(flags.get(flag) ?? []), path]);

function* namedBy(name: 'flag' | 'variable'): Generator<readonly [string, Path]> {
  for (const [section, keys] of Object.entries({ api_server: serverKeys, runners: runnerKeys })) {
    for (const [path, key] of Object.entries(keys as Readonly<Record<string, Key>>)) {
      const own = key[name];
      if (own !== undefined) yield [own, [section, ...parsePath(path)]];
    }
  }
}

/** `EKIBEN__RUNNERS__MY_MODEL__BATCHING__ENABLED`. */
const LONG_NAME = /^EKIBEN__(.+)$/;

function variableLayer(name: string, path: Path, value: string, isFlag = false): Layer {
  return { kind: 'environment', value: nested(path, value), place: () => name, isText: true, isFlag };
}

function jsonLayer(name: string, text: string, report: Report): Layer[] {
  try {
    return [
      { kind: 'environment', value: JSON.parse(text) as unknown, place: () => name, isText: false, isFlag: false },
    ];
  } catch (error) {
    report({ place: name, message: `it is no JSON: ${(error as Error).message}` });
    return [];
  }
}

/** `api_server.workers=4 runners.my_model.resources."nvidia.com/gpu"[0]=2`, as BentoML reads it. */
function optionsLayer(name: string, text: string, report: Report): Layer[] {
  const lists = new Map<string, unknown[]>();
  const layers: Layer[] = [];
  for (const [option] of text.matchAll(/(?:"[^"]*"|[^\s"])+/g)) {
    const [, key, index, value] = /^((?:"[^"]*"|[^="[\]])+)(?:\[(\d+)\])?=(.*)$/s.exec(option) ?? [];
    if (key === undefined || value === undefined) {
      report({ place: name, message: `"${option}" is no key=value, such as api_server.workers=4` });
    } else if (index === undefined) {
      layers.push(variableLayer(name, parsePath(key), value));
    } else {
      const list = lists.get(key) ?? [];
      if (list.length === 0)
        layers.push({
          kind: 'environment',
          value: nested(parsePath(key), list),
          place: () => name,
          isText: false,
          isFlag: false,
        });
      list.push(readScalar(value));
      lists.set(key, list);
    }
  }
  return layers;
}

/** By the flag's name, without dashes: `{ port: 3001 }`. */
export function flagLayers(values: Readonly<Record<string, unknown>>, report: Report): Layer[] {
  return Object.entries(values).flatMap(([flag, value]) => {
    if (value === undefined) return [];
    const paths = flags.get(flag);
    if (paths === undefined) report({ place: `--${flag}`, message: 'there is no such flag of the configuration' });
    return (paths ?? []).map((path): Layer => ({
      kind: 'flag',
      value: nested(path, value),
      place: () => `--${flag}`,
      isText: typeof value === 'string',
      isFlag: true,
    }));
  });
}

function nested(path: Path, value: unknown): unknown {
  return path.reduceRight<unknown>((inner, segment) => ({ [segment]: inner }), value);
}
