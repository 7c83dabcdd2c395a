/** The batchable calls of one method, joined by a Batcher. */
import { channel } from 'node:diagnostics_channel';
import { Batcher } from '@ekiben/batching';
import type { Call } from './call.ts';
import { joinable, joinArgs, joinResults, pieceSizes, splitArgs, splitResult } from './join.ts';
import type { Args, Joinable } from './join.ts';
import type { Settings } from './settings.ts';
import type { MethodSignature } from './signatures.ts';

/** On the diagnostics channel `ekiben:runners:batch`: batches that ran, here or in a worker process of this one. */
export interface BatchesRun {
  readonly runner: string;
  readonly method: string;
  /** The index of the worker process; null: embedded. */
  readonly worker: number | null;
  /** Rows of each of them. */
  readonly rows: number;
  readonly batches: number;
}

export const batchesRun = channel('ekiben:runners:batch');

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
      run: (calls, { rows }) => this.#run(calls, rows),
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
  async run(args: Args, call: Call): Promise<unknown> {
    const joined = joinable(args, this.#options.signature.batchDim[0]);
    // Of a signal the batcher uses what every CancelSignal has.
    return joined === null ? this.#options.compute(...args) : this.#batcher.run(joined, call);
  }

  close(): Promise<void> {
    return this.#batcher.close();
  }

  async #run(calls: readonly Joinable[], rows: number): Promise<readonly unknown[]> {
    const { runner, method, signature, compute } = this.#options;
    if (batchesRun.hasSubscribers) batchesRun.publish({ runner, method, worker: null, rows, batches: 1 });
    const [first] = calls;
    if (first !== undefined && calls.length === 1) return [await compute(...first.args)];
    const [input, output] = signature.batchDim;
    const result = await compute(...joinArgs(calls, input));
    return splitResult(
      result,
      calls.map((call) => call.rows),
      output,
      method,
    );
  }
}
