import { EkibenError } from '@ekiben/spec';
import type { CancelSignal } from './cancel-signal.ts';
import type { Clock } from './clock.ts';

/** What `run` learns about its batch beside the inputs. */
export interface BatchInfo {
  /** The sizes of the inputs, summed. */
  readonly rows: number;
  /** How long the oldest of its calls was queued, in ms. */
  readonly waitedMs: number;
  /** Aborted when every call of the batch has been cancelled: nobody waits for the result any more. */
  readonly signal: AbortSignal;
}

export interface Oversized<In, Out> {
  /** Cuts an input into parts of at most `maxRows`, in order. */
  split(input: In, maxRows: number): readonly In[];
  /** Makes one result of the parts' results, given in order. */
  join(parts: readonly Out[]): Out;
}

/** Options of a {@link Batcher}. Times are in milliseconds; rows are whatever `size` counts. */
export interface BatcherOptions<In, Out> {
  /**
   * Computes a batch: one result per input, in order. A thrown error, or a rejection, fails the calls of the batch. It runs in the
   * async context that the batcher was made in, never in that of one of the calls.
   */
  run(batch: readonly In[], info: BatchInfo): readonly Out[] | Promise<readonly Out[]>;
  /** Name in diagnostics and error messages. @default 'batcher' */
  readonly name?: string | undefined;
  /** Rows that an input brings, finite and not negative. @default one row each */
  readonly size?: ((input: In) => number) | undefined;
  /** Inputs with different keys never meet in a batch. Keys take turns, batch by batch. @default all may meet */
  readonly key?: ((input: In) => string) | undefined;
  /** What to do with an input of more than `maxBatchSize` rows. @default it runs alone, uncut */
  readonly oversized?: Oversized<In, Out> | undefined;
  /** Batches in flight at most. Minimum 1. @default 1 */
  readonly concurrency?: number | undefined;
  /**
   * Rows of a batch at most. 1 turns batching off: each call runs alone, and `maxWaitMs` and `maxLatencyMs` mean nothing.
   * Minimum 1. @default 100
   */
  readonly maxBatchSize?: number | undefined;
  /**
   * How long a call may be held back beside an idle worker, where the measured cost of a batch has so large a fixed part that
   * company would pay. @default 0: never; calls of one turn of the event loop meet all the same
   */
  readonly maxWaitMs?: number | undefined;
  /**
   * The latency to keep. Batches are cut so that their calls are answered in time, and a call that cannot be is refused before it
   * is queued, except by a batcher that has nothing else to do. @default none
   */
  readonly maxLatencyMs?: number | undefined;
  /** Rows queued at most; calls beyond are refused. @default Infinity */
  readonly maxQueueSize?: number | undefined;
  /**
   * Whether a failed call may be made again. If so, the calls of a failed batch are each run once more, alone, so that only the
   * call at fault fails. @default false
   */
  readonly retrySafe?: boolean | undefined;
  /** @default the system's clock and timers */
  readonly clock?: Clock | undefined;

  /** The name in `model.yaml`; here it is `maxBatchSize`. */
  readonly max_batch_size?: never;
  /** The name in `model.yaml`; here it is `maxLatencyMs`. */
  readonly max_latency_ms?: never;
}

/** Options of one call. */
export interface CallOptions {
  /** Cancels the call: it leaves the queue, or its result is dropped, and the promise is rejected with the signal's reason. */
  readonly signal?: CancelSignal | undefined;
  /** From when on the answer is worthless, in ms of the batcher's clock (`performance.now()`). A batch in flight is not cut short. @default none */
  readonly deadline?: number | undefined;
  /** Since when its caller waits, in ms of the same clock: `maxLatencyMs` counts from then. Later than now means now. @default now */
  readonly since?: number | undefined;
  /** Each step serves the call as if it were due a second earlier, among the calls of its caller. @default 0 */
  readonly priority?: number | undefined;
  /** Who calls. Callers get equal shares while they compete. @default '' */
  readonly caller?: string | undefined;
}

const camelCase: Readonly<Record<string, string>> = { max_batch_size: 'maxBatchSize', max_latency_ms: 'maxLatencyMs' };

type NumericOption = 'concurrency' | 'maxBatchSize' | 'maxWaitMs' | 'maxQueueSize';

/** @throws EKIBEN_BATCHER_OPTION_INVALID */
export function checkOptions<In, Out>(options: BatcherOptions<In, Out>): void {
  for (const [wrong, right] of Object.entries(camelCase)) {
    if (wrong in options) throw invalid(`"${wrong}" is called "${right}" here`, wrong);
  }
  if (typeof options.run !== 'function') throw invalid('"run" must be a function', 'run');
  const atLeast = (name: NumericOption, min: number) => {
    const value: unknown = options[name];
    if (value === undefined || (typeof value === 'number' && value >= min)) return;
    throw invalid(`"${name}" must be a number of at least ${min}, not ${JSON.stringify(value)}`, name);
  };
  atLeast('concurrency', 1);
  atLeast('maxBatchSize', 1);
  atLeast('maxWaitMs', 0);
  atLeast('maxQueueSize', 0);
  const { maxLatencyMs = Infinity } = options;
  if (!(typeof maxLatencyMs === 'number' && maxLatencyMs > 0)) {
    throw invalid(`"maxLatencyMs" must be a number above 0, not ${JSON.stringify(maxLatencyMs)}`, 'maxLatencyMs');
  }
  if (!Number.isInteger(options.concurrency ?? 1)) throw invalid('"concurrency" must be a whole number', 'concurrency');
}

function invalid(problem: string, option: string): EkibenError {
  return new EkibenError('EKIBEN_BATCHER_OPTION_INVALID', `Batcher option ${problem}.`, { details: { option } });
}
