// `bentofile.yaml`, or the same keys under `ekiben` in package.json: what the user says of a build.
import { readFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { readYaml, YamlFault, type PlacedYaml, type YamlPath, type YamlPlace } from '@ekiben/config/yaml';
import { EkibenError } from '@ekiben/spec';
import { bentofileFaults, bentofileKeys } from './bentofile-rules.ts';
import { readDocker, type DockerOptions } from './docker-options.ts';
import { BENTOFILE_MAX_ALIASES, BENTOFILE_MAX_BYTES, BENTOFILE_MAX_DEPTH } from './limits.ts';

/** With every default filled in. Names are the file's own, in camel case. */
export interface Bentofile {
  /** Such as `src/service.ts:svc`; undefined when neither file names it. */
  readonly service: string | undefined;
  readonly name: string | undefined;
  /** Markdown. */
  readonly description: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
  /** Patterns of .gitignore. @default all files */
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  readonly models: readonly BentofileModel[];
  readonly envs: readonly { readonly name: string; readonly value: string | undefined }[];
  readonly node: {
    readonly packages: readonly string[];
    readonly lockfile: string | undefined;
    readonly packageManager: PackageManager | undefined;
    readonly version: string | undefined;
    readonly bundle: boolean;
  };
  /** For images. */
  readonly docker: DockerOptions;
  /** What BentoML's sections mean here, for the user. */
  readonly notes: readonly string[];
}

export type PackageManager = 'npm' | 'pnpm' | 'yarn';

export interface BentofileModel {
  readonly tag: string;
  /** Labels that the model must have. */
  readonly labels: Readonly<Record<string, string>>;
  readonly alias: string | undefined;
}

const FILE = 'bentofile.yaml';

/**
 * Reads the bentofile of a project. What package.json says under `ekiben` counts where the bentofile says nothing.
 * @param file - @default `bentofile.yaml` in the project, if there is one
 * @throws EKIBEN_BENTOFILE_NOT_FOUND, EKIBEN_BENTOFILE_INVALID with every fault by file, line and column
 */
export async function readBentofile(project: string, file?: string): Promise<Bentofile> {
  const path = resolve(project, file ?? FILE);
  const text = await readIfThere(path);
  if (text === undefined && file !== undefined) {
    throw new EkibenError('EKIBEN_BENTOFILE_NOT_FOUND', `There is no bentofile ${path}.`);
  }
  const faults: string[] = [];
  const own = text === undefined ? {} : readFields(text, relative(project, path), [], faults);
  const manifest = await readIfThere(join(project, 'package.json'));
  const beside = manifest === undefined ? {} : readFields(manifest, 'package.json', ['ekiben'], faults);
  if (faults.length > 0) {
    throw new EkibenError('EKIBEN_BENTOFILE_INVALID', faults.join('\n'), {
      details: { errors: faults.map((message) => ({ pointer: '', message })) },
    });
  }
  return completed({ ...beside, ...own }, project);
}

type Fields = Readonly<Record<string, unknown>>;

const LIMITS = { maxBytes: BENTOFILE_MAX_BYTES, maxDepth: BENTOFILE_MAX_DEPTH, maxAliases: BENTOFILE_MAX_ALIASES };

/** @param root - where in the text the keys stand */
function readFields(text: string, file: string, root: YamlPath, faults: string[]): Fields {
  const add = ({ line, column }: YamlPlace, message: string): void => {
    faults.push(`${file}:${line}:${column}: ${message}`);
  };
  let yaml: PlacedYaml;
  try {
    yaml = readYaml(text, LIMITS);
  } catch (error) {
    if (!(error instanceof YamlFault)) throw error;
    add(error.place, error.message);
    return {};
  }
  const { value, at } = yaml;
  let fields: unknown = value ?? {};
  for (const key of root) fields = (fields as Fields)[key] ?? {};
  // package.json's `ekiben` holds what others look for, too.
  if (root.length > 0) fields = Object.fromEntries(bentofileKeys().flatMap((key) => pick(fields as Fields, key)));
  const found = bentofileFaults(fields).map((fault) => ({ ...fault, ...at([...root, ...fault.path]) }));
  for (const { path, message, line, column } of found.toSorted((a, b) => a.line - b.line || a.column - b.column)) {
    add({ line, column }, path.length === 0 ? message : `${path.join('.')}: ${message}`);
  }
  return fields as Fields;
}

function pick(fields: Fields, key: string): [string, unknown][] {
  return Object.hasOwn(fields, key) ? [[key, fields[key]]] : [];
}

async function completed(fields: Fields, project: string): Promise<Bentofile> {
  const node = (fields['node'] ?? {}) as Fields;
  return {
    service: text(fields['service']),
    name: text(fields['name']),
    description: await readDescription(text(fields['description']), project),
    labels: textsByKey(fields['labels']),
    include: list(fields['include']) ?? ['*'],
    exclude: list(fields['exclude']) ?? [],
    models: ((fields['models'] ?? []) as (string | Fields)[]).map(readModel),
    envs: ((fields['envs'] ?? []) as Fields[]).map(({ name, value }) => ({ name: String(name), value: text(value) })),
    node: {
      packages: list(node['packages']) ?? [],
      lockfile: text(node['lockfile']),
      packageManager: text(node['package_manager']) as PackageManager | undefined,
      version: text(node['version']),
      bundle: (node['bundle'] ?? true) === true,
    },
    docker: await readDocker((fields['docker'] ?? {}) as Fields, project),
    notes: notesOn(fields),
  };
}

/** The text itself, or `file:` and a path, as in BentoML. */
async function readDescription(value: string | undefined, project: string): Promise<string | undefined> {
  const path = /^file:\s*(.+)$/.exec(value ?? '')?.[1];
  if (path === undefined) return value;
  const content = await readIfThere(resolve(project, path.trim()));
  if (content !== undefined) return content;
  throw new EkibenError('EKIBEN_BENTOFILE_INVALID', `${FILE}: description: there is no file ${path.trim()}.`);
}

function readModel(model: string | Fields): BentofileModel {
  if (typeof model === 'string') return { tag: model, labels: {}, alias: undefined };
  const filter = text(model['filter']) ?? '';
  const labels = filter.split(',').flatMap((part): [string, string][] => {
    const [, key, value] = /^\s*(?:label:)?\s*([^=\s]+)\s*=\s*(.*?)\s*$/.exec(part) ?? [];
    return key === undefined || value === undefined ? [] : [[key, value]];
  });
  return { tag: String(model['tag']), labels: Object.fromEntries(labels), alias: text(model['alias']) };
}

function notesOn(fields: Fields): readonly string[] {
  const sections = ['python', 'conda'].filter((key) => fields[key] !== undefined && fields[key] !== null);
  const docker = (fields['docker'] ?? {}) as Fields;
  return [
    ...sections.map((key) => `The section '${key}' is for BentoML and not used: no Python runs here.`),
    ...(text(docker['python_version']) === undefined
      ? []
      : ["'docker.python_version' is not used: say 'docker.node_version'."]),
    ...(text(docker['cuda_version']) === undefined
      ? []
      : ["'docker.cuda_version' is not used: name an image that has CUDA as 'docker.base_image'."]),
  ];
}

function text(value: unknown): string | undefined {
  return value === undefined || value === null ? undefined : String(value);
}

function list(value: unknown): readonly string[] | undefined {
  return Array.isArray(value) ? (value as string[]) : undefined;
}

function textsByKey(value: unknown): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries((value ?? {}) as Fields).map(([key, each]) => [key, String(each)]));
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    if (code === 'EISDIR') throw new EkibenError('EKIBEN_BENTOFILE_INVALID', `${path} is a folder, not a file.`);
    throw error;
  }
}
