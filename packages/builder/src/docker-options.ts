// The section `docker` of a bentofile, with the files that it names read.
import { readFile, realpath } from 'node:fs/promises';
import { resolve, sep } from 'node:path';
import { EkibenError } from '@ekiben/spec';
import type { DistroName } from './distros.ts';

export interface DockerOptions {
  /** Which Linux: of the default base image, and whose package manager installs {@link systemPackages}. @default debian */
  readonly distro: DistroName;
  /** @default the image of Node for the distro */
  readonly baseImage: string | undefined;
  /** @default that of the bento */
  readonly nodeVersion: string | undefined;
  readonly systemPackages: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Runs as root at the end of the image's build. */
  readonly setupScript: ProjectFile | undefined;
  readonly template: ProjectFile | undefined;
}

/** A file of the project that the bentofile names. */
export interface ProjectFile {
  /** As the bentofile has it. */
  readonly path: string;
  readonly content: string;
}

type Fields = Readonly<Record<string, unknown>>;

/**
 * @param docker - the section, in the shape that the schema asks for
 * @throws EKIBEN_BENTOFILE_INVALID for files that are not there or not the project's, and for what is no variable in them
 */
export async function readDocker(docker: Fields, project: string): Promise<DockerOptions> {
  const { distro, base_image: baseImage, node_version: nodeVersion, system_packages: systemPackages } = docker;
  const fileOf = async (key: string): Promise<ProjectFile | undefined> => {
    const path = docker[key] as string | undefined | null;
    return path === undefined || path === null ? undefined : { path, content: await readIn(project, path, key) };
  };
  return {
    distro: (distro ?? 'debian') as DistroName,
    baseImage: (baseImage ?? undefined) as string | undefined,
    nodeVersion: nodeVersion === undefined || nodeVersion === null ? undefined : String(nodeVersion),
    systemPackages: (systemPackages ?? []) as readonly string[],
    env: await readEnv(docker['env'], project),
    setupScript: await fileOf('setup_script'),
    template: await fileOf('dockerfile_template'),
  };
}

/** A mapping, a list of `NAME=value`, or the path of a file with such lines. */
async function readEnv(env: unknown, project: string): Promise<Readonly<Record<string, string>>> {
  if (env === undefined || env === null) return {};
  if (typeof env === 'string') {
    const lines = (await readIn(project, env, 'env')).split(/\r?\n/).map((line) => line.trim());
    return variables(lines.filter((line) => line !== '' && !line.startsWith('#')));
  }
  if (Array.isArray(env)) return variables(env as readonly string[]);
  return Object.fromEntries(Object.entries(env).map(([name, value]) => [name, String(value)]));
}

function variables(lines: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    lines.map((line) => {
      const [, name, value] = /^(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)=(.*)$/.exec(line) ?? [];
      if (name !== undefined && value !== undefined) return [name, value];
      throw invalid('env', `'${line.slice(0, 100)}' is not NAME=value`);
    }),
  );
}

async function readIn(project: string, path: string, key: string): Promise<string> {
  const file = await realpath(resolve(project, path)).catch(() => undefined);
  if (file === undefined) throw invalid(key, `there is no file ${path}`);
  if (!file.startsWith(project + sep)) throw invalid(key, `${path} leads out of the project`);
  return readFile(file, 'utf8');
}

function invalid(key: string, what: string): EkibenError {
  return new EkibenError('EKIBEN_BENTOFILE_INVALID', `bentofile.yaml: docker.${key}: ${what}.`);
}
