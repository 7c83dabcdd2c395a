/** What runners tell the world, on `node:diagnostics_channel`. Unheard, it costs nothing. */
import { channel } from 'node:diagnostics_channel';
import type { ChildEvent } from '@ekiben/supervisor';
import type { CancelSignal } from './cancellation.ts';

/** Values, and how many batches had each. */
export type Tally = readonly (readonly [value: number, batches: number])[];

/** On `ekiben:runners:batch`: batches that ran, here or in a worker process of this one, which tells of them twice a second. */
export interface BatchesRun {
  readonly runner: string;
  /** Its name in `model.yaml`, such as `predict_proba`. */
  readonly method: string;
  /** The index of the worker process; null: embedded. */
  readonly worker: number | null;
  readonly maxBatchSize: number;
  readonly rows: Tally;
  /** How long the oldest call of each was queued. Of a worker process to two digits, as `durationMs`. */
  readonly queuedMs: Tally;
  readonly durationMs: Tally;
}

/** On `ekiben:runners:call-started`: a call goes to a process, or into a queue. Those that compute where they are made are no event. */
export interface CallStarted {
  readonly runner: string;
  /** Its name in `model.yaml`. */
  readonly method: string;
}

/** On `ekiben:runners:call-ended`. */
export interface CallEnded extends CallStarted {
  readonly durationMs: number;
  /** `cancelled`: by its signal, or by who read its stream. */
  readonly outcome: 'answered' | 'failed' | 'cancelled';
  /** Why, if it was not answered. */
  readonly error: unknown;
}

/** On `ekiben:runners:worker`: what becomes of the worker processes of this one. */
export interface WorkerEvent extends Pick<ChildEvent, 'event' | 'pid' | 'error'> {
  readonly runner: string;
  /** The index of the worker process. */
  readonly worker: number;
}

export const batchesRun = channel('ekiben:runners:batch');
export const workerEvents = channel('ekiben:runners:worker');
const callStarted = channel('ekiben:runners:call-started');
const callEnded = channel('ekiben:runners:call-ended');

/** Publishes how a call ended: first of all who listens hears, then the caller. Null: nobody listens. */
export type EndCall = ((outcome: CallEnded['outcome'], error?: unknown) => void) | null;

/** Publishes that a call begins. */
export function beginCall(call: CallStarted): EndCall {
  if (!callEnded.hasSubscribers) return null;
  const startedAt = performance.now();
  const { runner, method } = call;
  callStarted.publish(call);
  return (outcome, error) => {
    const durationMs = performance.now() - startedAt;
    callEnded.publish({ runner, method, durationMs, outcome, error } satisfies CallEnded);
  };
}

/** How a call ended that has no answer. */
export function outcomeOf(signal: CancelSignal | undefined): CallEnded['outcome'] {
  return signal?.aborted === true ? 'cancelled' : 'failed';
}

/** The same stream. It ends when its reader has the last item, or leaves. */
export async function* endWith<T>(
  end: EndCall,
  signal: CancelSignal | undefined,
  items: AsyncIterable<T>,
): AsyncGenerator<T, void> {
  let outcome: CallEnded['outcome'] = 'cancelled';
  let reason: unknown;
  try {
    yield* items;
    outcome = 'answered';
  } catch (error) {
    outcome = outcomeOf(signal);
    reason = error;
    throw error;
  } finally {
    end?.(outcome, reason);
  }
}
