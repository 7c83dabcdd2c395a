// What is wrong with a bentofile: its shape by the published schema, and what a schema cannot say by the rules below. All faults at once.
import { readFileSync } from 'node:fs';
import type { YamlPath } from '@ekiben/config/yaml';
import { nearest } from '@ekiben/store';
import { Ajv, type ErrorObject } from 'ajv';
import { DISTROS, type DistroName } from './distros.ts';

export interface BentofileFault {
  readonly path: YamlPath;
  readonly message: string;
}

type Fields = Readonly<Record<string, unknown>>;

/** Looks at what the schema accepts. */
type Rule = (fields: Fields) => readonly BentofileFault[];

const RULES: readonly Rule[] = [
  function serviceIsNotPython({ service }) {
    if (typeof service !== 'string' || !isPython(service)) return [];
    const [, name = 'svc'] = service.split(':');
    const message = `'${service}' is a Python service, which Node cannot run: write it in TypeScript and name that, such as 'src/service.ts:${name}'`;
    return [{ path: ['service'], message }];
  },
  function packagesAreNames({ node }) {
    return texts(node, 'packages').flatMap((name, index) =>
      /^(@[a-z0-9-~][a-z0-9-._~]*\/)?[a-z0-9-~][a-z0-9-._~]*$/.test(name)
        ? []
        : [
            {
              path: ['node', 'packages', index],
              message: `'${name}' is not the name of a package; versions are those of the lock file`,
            },
          ],
    );
  },
  function patternsStayInside(fields) {
    return ['include', 'exclude'].flatMap((key) =>
      texts(fields, key).flatMap((pattern, index) =>
        /^([A-Za-z]:)?[\\/]{2}|^[A-Za-z]:|(^|\/)\.\.(\/|$)/.test(pattern)
          ? [{ path: [key, index], message: `'${pattern}' leads out of the project` }]
          : [],
      ),
    );
  },
  function systemPackagesAreNames({ docker }) {
    return texts(docker, 'system_packages').flatMap((name, index) =>
      /^[A-Za-z0-9@][A-Za-z0-9@.+_:=~*/-]*$/.test(name)
        ? []
        : [{ path: ['docker', 'system_packages', index], message: `'${name}' is not the name of a package` }],
    );
  },
  function baseImageWhereNodeHasNone({ docker }) {
    const { distro, base_image: image } = (docker ?? {}) as { distro?: DistroName | null; base_image?: string | null };
    if (DISTROS[distro ?? 'debian'].image !== undefined || typeof image === 'string') return [];
    const message = `there is no image of Node for ${distro}: name one as docker.base_image`;
    return [{ path: ['docker', 'distro'], message }];
  },
  function variablesInOneLine({ docker, envs }) {
    const { env } = (docker ?? {}) as { readonly env?: unknown };
    const values: (readonly [YamlPath, unknown])[] = [
      ...Object.entries(typeof env === 'object' ? (env ?? {}) : {}).map(
        ([key, value]) => [['docker', 'env', Array.isArray(env) ? Number(key) : key], value] as const,
      ),
      ...(Array.isArray(envs) ? envs : []).map(
        ({ value }: { value?: unknown }, index) => [['envs', index, 'value'], value] as const,
      ),
    ];
    return values.flatMap(([path, value]) =>
      /[\r\n]/.test(String(value)) ? [{ path, message: 'a Dockerfile cannot set a value of several lines' }] : [],
    );
  },
  function envsOnce({ envs }) {
    const names = (Array.isArray(envs) ? envs : []).map((each: { readonly name: string }) => each.name);
    return names.flatMap((name, index) =>
      names.indexOf(name) < index ? [{ path: ['envs', index], message: `'${name}' is set twice` }] : [],
    );
  },
];

/** `service.py:svc`, and BentoML's import path `service:svc`. */
function isPython(service: string): boolean {
  return /\.py(:|$)/.test(service) || /^[\w.]+:[A-Za-z_]\w*$/.test(service.replace(/\.[cm]?[jt]sx?:/, '/:'));
}

/** @param document - what the file holds */
export function bentofileFaults(document: unknown): readonly BentofileFault[] {
  const { validate, schema } = compiledSchema();
  if (!validate(document)) return (validate.errors ?? []).flatMap((error) => shapeFault(error, schema));
  return RULES.flatMap((rule) => rule(document as Fields));
}

/** The schema's own keys, for what stands beside them in package.json. */
export function bentofileKeys(): readonly string[] {
  return Object.keys(compiledSchema().schema.properties);
}

interface Schema {
  readonly properties: Readonly<Record<string, { readonly properties?: object }>>;
}

let compiled: { readonly validate: ReturnType<Ajv['compile']>; readonly schema: Schema } | undefined;

function compiledSchema(): NonNullable<typeof compiled> {
  if (compiled === undefined) {
    const text = readFileSync(new URL('../bentofile.schema.json', import.meta.url), 'utf8');
    const schema = JSON.parse(text) as Schema;
    const ajv = new Ajv({ allErrors: true, verbose: true, allowUnionTypes: true, strictTypes: false });
    compiled = { validate: ajv.compile(schema), schema };
  }
  return compiled;
}

function shapeFault(error: ErrorObject, schema: Schema): readonly BentofileFault[] {
  const path = error.instancePath.split('/').slice(1).map(unescapePointer);
  const value = JSON.stringify(error.data)?.slice(0, 100);
  switch (error.keyword) {
    case 'additionalProperties': {
      const key = String(error.params['additionalProperty']);
      const parent = error.parentSchema as { readonly properties?: object } | undefined;
      const known = Object.keys(parent?.properties ?? schema.properties);
      const meant = nearest(key, known);
      const advice = meant === undefined ? `the keys here are ${known.join(', ')}` : `did you mean '${meant}'?`;
      return [{ path: [...path, key], message: `'${key}' is not a key of a bentofile; ${advice}` }];
    }
    case 'type':
      return [{ path, message: `must be ${words(error.params['type'])}, not ${value}` }];
    case 'enum':
      return [{ path, message: `must be one of ${words(error.params['allowedValues'])}, not ${value}` }];
    case 'required':
      return [{ path, message: `lacks '${String(error.params['missingProperty'])}'` }];
    case 'pattern':
      return [{ path, message: `${value} does not fit ${String(error.params['pattern'])}` }];
    default:
      return [{ path, message: `${error.message ?? error.keyword}, unlike ${value}` }];
  }
}

function words(values: unknown): string {
  const all = (Array.isArray(values) ? values : [values]).filter((each) => each !== null && each !== 'null');
  return all.map(String).join(' or ');
}

function unescapePointer(part: string): string | number {
  const text = part.replaceAll('~1', '/').replaceAll('~0', '~');
  return /^\d+$/.test(text) ? Number(text) : text;
}

function texts(fields: unknown, key: string): readonly string[] {
  const value = (fields as Fields | null | undefined)?.[key];
  return Array.isArray(value) ? (value as string[]) : [];
}
