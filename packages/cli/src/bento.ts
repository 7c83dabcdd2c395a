// Bentos as what `serve` serves: by their own copy of everything, with their own models.
import { existsSync, statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

import type { RunnerSettings } from '@ekiben/runners';
import { EkibenError } from '@ekiben/spec';
import type { StoredBento } from '@ekiben/store';

import { isModel } from './model-target.ts';

/** Finds out whether TARGET is a bento: a directory with a bento.yaml, an archive, or, where no file is called so, a tag. */
export async function findBento(target: string, workingDir: string): Promise<string | undefined> {
  const place = path.resolve(workingDir, target);
  const stats = statSync(place, { throwIfNoEntry: false });
  if (stats?.isDirectory() === true) return existsSync(path.join(place, 'bento.yaml')) ? place : undefined;
  if (stats?.isFile() === true) return place.endsWith('.bento') ? unpack(place) : undefined;
  if (!isTag(target) || isThere(target, workingDir)) return undefined;
  const { bentos } = await import('@ekiben/store');
  try {
    return (await bentos.get(target)).path;
  } catch (error) {
    if (EkibenError.is(error) && error.code === 'EKIBEN_BENTO_NOT_FOUND' && (await isModel(target))) return undefined;
    throw error;
  }
}

/** A tag has neither a path nor the ending of a module in it. */
export function isTag(target: string): boolean {
  return /^[a-z0-9][-._a-z0-9]*(?::[-._a-z0-9]+)?$/i.test(target) && !/\.(?:[cm]?[jt]sx?|py|bento)(?::|$)/.test(target);
}

/** Whether a file is meant that is there: `service`, or `service:svc`. */
export function isThere(target: string, workingDir: string): boolean {
  return existsSync(path.resolve(workingDir, target.replace(/:[^:]*$/, '')));
}

/** An archive that is only served comes into no store; it is unpacked for as long as this process lives. */
async function unpack(file: string): Promise<string> {
  const { BentoStore } = await import('@ekiben/store');
  const home = await mkdtemp(path.join(tmpdir(), 'ekiben-bento-'));
  const remove = (): Promise<void> => rm(home, { recursive: true, force: true });
  process.once('beforeExit', () => void remove());
  try {
    return (await new BentoStore(home).import(file)).path;
  } catch (error) {
    await remove();
    throw error;
  }
}

/** Runs `ekiben serve` as the bento has it: another version of Ekiben may have built it, and knows it best. */
export async function serveBento(directory: string, args: readonly string[]): Promise<void> {
  const { bentos } = await import('@ekiben/store');
  const bento = await bentos.open(directory);
  if (bento.node === undefined) throw pythonBento(bento);
  const server = pathToFileURL(path.join(directory, bento.node.server)).href;
  const { run } = (await import(server)) as { readonly run: (args: readonly string[]) => Promise<number> };
  process.exitCode = await run(args);
}

/** What a bento says of its service, for `serve`. */
export interface BentoService {
  readonly version: string;
  readonly runners: Readonly<Record<string, RunnerSettings>>;
  readonly pinnedTags: Readonly<Record<string, string>>;
}

/** Makes the models of the bento those of this process and its children, and says where its service is. */
export async function useBento(directory: string): Promise<{ readonly target: string; readonly bento: BentoService }> {
  const { bentos } = await import('@ekiben/store');
  const bento = await bentos.open(directory);
  if (bento.node === undefined) throw pythonBento(bento);
  const { module, exportName, pinnedTags, placements } = bento.node;
  setVariables(bento);
  process.env['EKIBEN_HOME'] = bento.path;
  process.env['EKIBEN_PINNED_TAGS'] = JSON.stringify(pinnedTags);
  // As the build found out, so that every start is the same.
  const runners = Object.entries(placements).map(([name, placement]): [string, RunnerSettings] => [
    name,
    { placement: placement === 'process' ? 'process' : 'embedded' },
  ]);
  return {
    target: `${path.join(bento.path, module)}:${exportName}`,
    bento: { version: bento.version, runners: Object.fromEntries(runners), pinnedTags },
  };
}

/** What is set where it is served comes first. */
function setVariables({ tag, envs }: StoredBento): void {
  const missing = envs.filter(({ name, value }) => (process.env[name] ?? value) === undefined);
  if (missing.length > 0) {
    const names = missing.map(({ name }) => name);
    throw new EkibenError(
      'EKIBEN_BENTO_ENV_MISSING',
      `Bento '${tag}' needs ${names.join(', ')} in the environment: its bentofile names ${names.length === 1 ? 'it' : 'them'} under 'envs' without a value.`,
      { details: { tag, names } },
    );
  }
  for (const { name, value } of envs) process.env[name] ??= value;
}

function pythonBento({ tag, path: directory, service, bentomlVersion, models }: StoredBento): EkibenError {
  const [model = 'my_model:latest'] = models;
  const inside = path.join(directory, 'models', ...model.split(':'));
  return new EkibenError(
    'EKIBEN_BENTO_IS_PYTHON',
    `Bento '${tag}' was built by BentoML ${bentomlVersion} from the Python service '${service}', which Node cannot run. Its models can be served: \`ekiben models import ${inside}\`, write the service in TypeScript (models.get('${model}', …)), and \`ekiben build\` it. Python serves it with \`bentoml serve ${tag}\`.`,
    { details: { tag, service } },
  );
}
