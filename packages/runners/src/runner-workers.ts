/** The worker processes of runners, under supervision. */
import { randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { Supervisor } from '@ekiben/supervisor';
import type { Child, SlotState, SupervisorOptions } from '@ekiben/supervisor';
import { PINNED_TAGS_ENV } from './bootstrap.ts';
import type { BatchNote, Bootstrap, Observer, WorkerFacts } from './bootstrap.ts';
import { batchesRun, workerEvents } from './channels.ts';
import type { BatchesRun, WorkerEvent } from './channels.ts';
import { WORKER_OLD_SPACE_MIB } from './limits.ts';
import { workerEnvironment } from './resources.ts';
import { settingsJson } from './settings.ts';
import type { Settings } from './settings.ts';
import { makeSocketDirectory } from './socket-directory.ts';
import type { SocketDirectory } from './socket-directory.ts';
import type { RunnerSettings } from './types.ts';

/** How worker processes are watched and restarted; see `@ekiben/supervisor`. */
export type Supervision = Pick<SupervisorOptions, 'startTimeoutMs' | 'stopTimeoutMs' | 'unresponsiveMs' | 'restart'>;

/** What the worker processes load. */
interface WorkerSource {
  /** The JavaScript file that exports the service. */
  readonly module: string;
  readonly exportName: string;
  readonly pinnedTags: Readonly<Record<string, string>>;
}

export interface WorkerStatus {
  readonly pid: number | null;
  /** The path of its Unix socket; null while it is not ready. */
  readonly socket: string | null;
  readonly state: SlotState;
  /** Resident set size. */
  readonly memoryBytes: number;
  readonly crashes: number;
  /** Why it is down or waits to be started again. */
  readonly error: Error | null;
}

interface WorkersOptions {
  /** Of the runner. */
  readonly name: string;
  readonly settings: Settings;
  readonly source: WorkerSource;
  /** What of the settings is not in the code. */
  readonly configured: RunnerSettings | undefined;
  readonly observer: Observer | undefined;
  readonly supervision: Supervision;
  /** What the workers of all runners share. */
  readonly cpus: { readonly available: number; readonly workers: number };
  onChange(): void;
  onAnswer(worker: Child, topic: string, answer: unknown): void;
  onExit(worker: Child): void;
}

const ENTRY = createRequire(import.meta.url).resolve('@ekiben/runners/worker');

/** The worker processes of one runner. */
export class RunnerWorkers {
  readonly #supervisor: Supervisor;
  readonly #directory: SocketDirectory;

  /** Resolves when each worker is ready or down; see {@link status}. */
  static async start(options: WorkersOptions): Promise<RunnerWorkers> {
    const directory = await makeSocketDirectory();
    const workers = new RunnerWorkers(options, directory);
    await workers.#supervisor.start();
    return workers;
  }

  private constructor(options: WorkersOptions, directory: SocketDirectory) {
    const { name, settings, source, configured, observer, supervision, cpus } = options;
    const { workers, resources } = settings;
    this.#directory = directory;
    this.#supervisor = new Supervisor({
      ...supervision,
      name: `of runner ${name}`,
      count: workers,
      maxMemoryBytes: resources.memoryMiB * 2 ** 20,
      command(index, serial) {
        const target = `${resolve(source.module)}:${source.exportName}`;
        const role = { kind: 'runner', name, index } as const;
        const { pinnedTags } = source;
        const bootstrap: Bootstrap = { target, role, pinnedTags, settings: configured, observer };
        return {
          file: ENTRY,
          execArgv: [`--initial-old-space-size=${WORKER_OLD_SPACE_MIB}`],
          args: [settingsJson(bootstrap), socketPath(directory.path, serial)],
          env: {
            ...workerEnvironment(name, settings, index, cpus),
            [PINNED_TAGS_ENV]: JSON.stringify(pinnedTags),
          },
        };
      },
      onNote: ({ slot }, note) => publishBatches(slot, note as BatchNote),
      onEvent: ({ slot, event, pid, error }) => {
        const message: WorkerEvent = { runner: name, worker: slot, event, pid, error };
        workerEvents.publish(message);
      },
      onChange: () => options.onChange(),
      onAnswer: (worker, topic, answer) => options.onAnswer(worker, topic, answer),
      onExit: (worker) => options.onExit(worker),
    });
  }

  /** Of the workers that are ready. */
  get sockets(): readonly string[] {
    return this.status().flatMap(({ socket }) => socket ?? []);
  }

  /** What the first one measured, in ms; null if the runnable has nothing to measure. */
  get warmUpMs(): number | null {
    const measured = this.#supervisor.status().map(({ facts }) => (facts as WorkerFacts | null)?.warmUpMs ?? null);
    return measured.find((ms) => ms !== null) ?? null;
  }

  /** Why no worker will be there, if that is so. */
  get down(): Error | null {
    const slots = this.#supervisor.status();
    return slots.every(({ state }) => state === 'down' || state === 'stopped') ? (slots[0]?.error ?? null) : null;
  }

  status(): readonly WorkerStatus[] {
    return this.#supervisor.status().map(({ pid, state, facts, memoryBytes, crashes, error }) => ({
      pid,
      socket: state === 'ready' ? ((facts as WorkerFacts | null)?.socket ?? null) : null,
      state,
      memoryBytes,
      crashes,
      error,
    }));
  }

  /** Replaces every worker without a gap. @throws what a new one threw while it started */
  roll(): Promise<void> {
    return this.#supervisor.roll();
  }

  /** See `ask` of `@ekiben/supervisor`. */
  ask(topic: string, timeoutMs: number): Promise<void> {
    return this.#supervisor.ask(topic, timeoutMs);
  }

  /** Ends them at once. */
  kill(): void {
    this.#supervisor.kill();
  }

  async close(): Promise<void> {
    await this.#supervisor.close();
    await this.#directory.remove();
  }
}

function socketPath(directory: string, serial: number): string {
  return process.platform === 'win32' ? `\\\\.\\pipe\\ekiben-${randomUUID()}` : join(directory, `${serial}.sock`);
}

function publishBatches(worker: number, { batches }: BatchNote): void {
  for (const each of batches) batchesRun.publish({ ...each, worker } satisfies BatchesRun);
}
