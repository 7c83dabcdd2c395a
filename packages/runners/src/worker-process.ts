/** One worker process: started, greeted, and watched until it ends. */
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { EkibenError } from '@ekiben/spec';
import { PINNED_TAGS_ENV } from './bootstrap.ts';
import type { Bootstrap, WorkerReport } from './bootstrap.ts';
import { PROTOCOL } from './call-frames.ts';
import type { RunnerDefinition } from './core.ts';
import { fromErrorRecord } from './remote-error.ts';
import { WorkerConnection } from './worker-connection.ts';

const ENTRY = fileURLToPath(import.meta.resolve('@ekiben/runners/worker'));

/** How long a worker that was told to stop may take before it is killed. */
const STOP_TIMEOUT_MS = 10_000;

export class WorkerProcess {
  readonly connection: WorkerConnection;
  readonly #child: ChildProcess;

  /** @throws what the worker throws while it starts, or EKIBEN_RUNNER_CRASHED */
  static async start({ name, models }: RunnerDefinition, bootstrap: Bootstrap, socket: string): Promise<WorkerProcess> {
    const child = fork(ENTRY, [JSON.stringify(bootstrap), socket], {
      env: { ...process.env, [PINNED_TAGS_ENV]: JSON.stringify(bootstrap.pinnedTags) },
      execArgv: [],
    });
    try {
      await ready(child, name);
      return new WorkerProcess(
        child,
        await WorkerConnection.open(socket, { protocol: PROTOCOL, runner: name, models }),
      );
    } catch (error) {
      child.kill('SIGKILL');
      throw error;
    }
  }

  private constructor(child: ChildProcess, connection: WorkerConnection) {
    this.#child = child;
    this.connection = connection;
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Resolves when the process has ended. */
  async exited(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, 'exit');
  }

  /** Lets calls under way finish, then ends the process. */
  async stop(): Promise<void> {
    const kill = setTimeout(() => this.#child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    const exited = this.exited();
    await this.connection.close();
    this.#child.kill('SIGTERM');
    await exited;
    clearTimeout(kill);
  }
}

function ready(child: ChildProcess, name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once('message', (report: WorkerReport) => {
      if (report.kind === 'ready') resolve();
      else reject(fromErrorRecord(report.error));
    });
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      reject(
        new EkibenError(
          'EKIBEN_RUNNER_CRASHED',
          `The process of runner ${name} ended while it started (${signal ?? `exit code ${code}`}).`,
        ),
      );
    });
  });
}
