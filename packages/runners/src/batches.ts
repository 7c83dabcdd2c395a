/** The batchable calls of one method, joined by a Batcher. */
import { Batcher } from '@ekiben/batching';
import type { BatchInfo } from '@ekiben/batching';
import type { Call } from './call.ts';
import { batchesRun, computing } from './channels.ts';
import type { BatchesRun } from './channels.ts';
import { checkResult, joinable, joinArgs, joinResults, pieceSizes, splitArgs, splitResult } from './join.ts';
import type { Args, Joinable } from './join.ts';
import type { Settings } from './settings.ts';
import type { MethodSignature } from './signatures.ts';

export interface BatchesOptions {
  readonly runner: string;
  readonly method: string;
  readonly signature: MethodSignature;
  readonly settings: Settings['batching'];
  compute(...args: Args): unknown;
}

export class Batches {
  readonly #options: BatchesOptions;
  readonly #batcher: Batcher<Joinable, unknown>;

  constructor(options: BatchesOptions) {
    this.#options = options;
    const { runner, method, signature, settings } = options;
    const [input, output] = signature.batchDim;
    this.#batcher = new Batcher<Joinable, unknown>({
      name: `${runner}.${method}`,
      size: ({ rows }) => rows,
      key: ({ key }) => key,
      run: (calls, info) => (batchesRun.hasSubscribers ? this.#runAndTell(calls, info) : this.#run(calls, info)),
      oversized: {
        split: (call, maxRows) => splitArgs(call, pieceSizes(call.rows, maxRows), input),
        join: (parts) => joinResults(parts, output),
      },
      maxBatchSize: settings.maxBatchSize,
      maxLatencyMs: settings.maxLatencyMs,
      maxWaitMs: settings.maxWaitMs,
      retrySafe: signature.retrySafe,
    });
  }

  /** A call whose arguments cannot be joined with others' is computed alone, at once. */
  run(args: Args, call: Call): Promise<unknown> {
    let joined: Joinable | null;
    try {
      joined = joinable(args, this.#options.signature.batchDim[0], call);
    } catch (error) {
      return Promise.reject(error);
    }
    return joined === null ? this.#alone(args) : this.#batcher.run(joined, call);
  }

  async #alone(args: Args): Promise<unknown> {
    return this.#options.compute(...args);
  }

  close(): Promise<void> {
    return this.#batcher.close();
  }

  async #runAndTell(calls: readonly Joinable[], info: BatchInfo): Promise<readonly unknown[]> {
    const { runner, signature, settings } = this.#options;
    const { rows, waitedMs } = info;
    const method = signature.wireName;
    const traces = () => calls.map(({ trace }) => trace);
    const startedAt = performance.now();
    try {
      return await computing({ runner, method }, traces, { rows, waitedMs }, () => this.#run(calls, info));
    } finally {
      const message: BatchesRun = {
        runner,
        method,
        worker: null,
        maxBatchSize: settings.maxBatchSize,
        rows: [[rows, 1]],
        queuedMs: [[waitedMs, 1]],
        durationMs: [[performance.now() - startedAt, 1]],
      };
      batchesRun.publish(message);
    }
  }

  async #run(calls: readonly Joinable[], { rows }: BatchInfo): Promise<readonly unknown[]> {
    const { method, signature, compute } = this.#options;
    const [input, output] = signature.batchDim;
    const [first, ...others] = calls;
    const isAlone = first !== undefined && others.length === 0;
    const result = await compute(...(isAlone ? first.args : joinArgs(calls, input)));
    checkResult(result, rows, output, method);
    return isAlone
      ? [result]
      : splitResult(
          result,
          calls.map((call) => call.rows),
          output,
        );
  }
}
