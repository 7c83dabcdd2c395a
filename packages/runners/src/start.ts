/** Starts the runners of a service: loads the embedded ones, and a process for each of the others. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { EkibenError } from '@ekiben/spec';
import { coreOf } from './core.ts';
import type { RunnerCore } from './core.ts';
import type { AnyRunner } from './types.ts';
import { WorkerProcess } from './worker-process.ts';

export interface StartOptions {
  /** The JavaScript file that exports the service: a worker process loads it again. Needed by runners in processes only. */
  readonly module?: string | undefined;
  /** Under which name it does. @default 'svc' */
  readonly exportName?: string | undefined;
  /** Tags that were resolved already, for the worker processes: `{ 'm:latest': 'm:sizn5hxhsk3i4ax4' }`. */
  readonly pinnedTags?: Readonly<Record<string, string>> | undefined;
}

export interface RunnerStatus {
  readonly name: string;
  readonly placement: 'embedded' | 'process';
  readonly state: 'ready' | 'down';
  /** Empty if embedded. */
  readonly workers: readonly WorkerStatus[];
}

export interface WorkerStatus {
  readonly pid: number | undefined;
  /** The path of its Unix socket, which other API processes of the same service may use. */
  readonly socket: string;
  readonly state: 'ready' | 'down';
}

export interface RunningRunners {
  /** A runner that is down answers no call; readiness is that none is. */
  status(): readonly RunnerStatus[];
  /** Lets calls under way finish, then ends every process. */
  close(): Promise<void>;
}

/**
 * @throws EKIBEN_RUNNER_NAME_TAKEN, EKIBEN_SERVICE_MODULE_UNKNOWN, and whatever loading a model throws; nothing is left running then
 */
export async function startRunners(runners: readonly AnyRunner[], options: StartOptions = {}): Promise<RunningRunners> {
  const cores = runners.map(coreOf);
  requireUniqueNames(cores);
  const started: Started[] = [];
  const close = async () => void (await Promise.all(started.map((runner) => runner.close())));
  try {
    for (const core of cores) {
      const { placement, declaredPlacement } = core.definition;
      const place = placement === 'auto' ? declaredPlacement : placement;
      started.push(place === 'embedded' ? await startEmbedded(core) : await startProcess(core, options));
    }
  } catch (error) {
    await close();
    throw error;
  }
  return { status: () => started.map((runner) => runner.status()), close };
}

interface Started {
  status(): RunnerStatus;
  close(): Promise<void>;
}

async function startEmbedded(core: RunnerCore): Promise<Started> {
  await (await core.embedded()).warmUp();
  return {
    status: () => ({ name: core.definition.name, placement: 'embedded', state: 'ready', workers: [] }),
    close: () => core.close(),
  };
}

async function startProcess(
  core: RunnerCore,
  { module, exportName = 'svc', pinnedTags = {} }: StartOptions,
): Promise<Started> {
  const { name } = core.definition;
  if (module === undefined) {
    throw new EkibenError(
      'EKIBEN_SERVICE_MODULE_UNKNOWN',
      `Runner ${name} runs in a process of its own, which has to load the service: say from which module.`,
    );
  }
  const target = `${resolve(module)}:${exportName}`;
  const directory = await mkdtemp(join(tmpdir(), 'ekiben-'));
  const removeDirectory = () => rm(directory, { recursive: true, force: true });
  try {
    const role = { kind: 'runner', name, index: 0 } as const;
    const socket = socketPath(directory);
    const worker = await WorkerProcess.start(core.definition, { target, role, pinnedTags }, socket);
    const state = () => (worker.connection.isOpen ? 'ready' : 'down');
    core.attach(worker.connection);
    return {
      status: () => ({
        name,
        placement: 'process',
        state: state(),
        workers: [{ pid: worker.pid, socket, state: state() }],
      }),
      async close() {
        await worker.stop();
        await core.close();
        await removeDirectory();
      },
    };
  } catch (error) {
    await removeDirectory();
    throw error;
  }
}

/** In a directory that only this user may enter. */
function socketPath(directory: string): string {
  return process.platform === 'win32' ? `\\\\.\\pipe\\ekiben-${randomUUID()}` : join(directory, 'runner.sock');
}

function requireUniqueNames(cores: readonly RunnerCore[]): void {
  const names = cores.map((core) => core.definition.name);
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice === undefined) return;
  throw new EkibenError(
    'EKIBEN_RUNNER_NAME_TAKEN',
    `Two runners are called ${twice}: give one of them another \`name\`.`,
  );
}
