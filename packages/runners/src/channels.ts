/** What runners tell the world, on `node:diagnostics_channel`. Unheard, it costs nothing. */
import { channel } from 'node:diagnostics_channel';
import type { ChildEvent } from '@ekiben/supervisor';
import type { TraceContext } from './call-context.ts';
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

/**
 * On `ekiben:runners:call-started`: a call goes to a process, or into a queue of this one. Those that compute where they are made are
 * no event.
 */
export interface CallStarted {
  readonly runner: string;
  /** Its name in `model.yaml`. */
  readonly method: string;
  readonly to: 'process' | 'queue';
  /** What the process that computes is told of the trace. Whoever makes a span of the call puts it here. */
  trace: TraceContext;
}

/** On `ekiben:runners:call-ended`. */
export interface CallEnded {
  readonly runner: string;
  /** The same object that was on `ekiben:runners:call-started`. */
  readonly call: CallStarted;
  readonly durationMs: number;
  /** `cancelled`: by its signal, or by who read its stream. */
  readonly outcome: 'answered' | 'failed' | 'cancelled';
  /** Why, if it was not answered. */
  readonly error: unknown;
}

/** On `ekiben:runners:compute-started`: a batch is computed, or one call that another process made. */
export interface ComputeStarted {
  readonly runner: string;
  /** Its name in `model.yaml`. */
  readonly method: string;
  /** What each call in it says of its trace. */
  readonly calls: readonly TraceContext[];
  /** Null for what is no batch. */
  readonly batch: { readonly rows: number; readonly waitedMs: number } | null;
  /** Whoever wants it computed in a context of his own sets this. */
  enter: (<T>(compute: () => T) => T) | null;
}

/** On `ekiben:runners:compute-ended`. */
export interface ComputeEnded {
  /** The same object that was on `ekiben:runners:compute-started`. */
  readonly started: ComputeStarted;
  /** Undefined if it did not fail. */
  readonly error: unknown;
}

/** On `ekiben:runners:worker`: what becomes of the worker processes of this one. */
export interface WorkerEvent extends Pick<ChildEvent, 'event' | 'pid' | 'error'> {
  readonly runner: string;
  /** The index of the worker process. */
  readonly worker: number;
}

/** Of which method something is told: by its name in `model.yaml`. */
export interface PublishedMethod {
  readonly runner: string;
  readonly method: string;
}

export const batchesRun = channel('ekiben:runners:batch');
export const workerEvents = channel('ekiben:runners:worker');
const callStarted = channel('ekiben:runners:call-started');
const callEnded = channel('ekiben:runners:call-ended');
const computeStarted = channel('ekiben:runners:compute-started');
const computeEnded = channel('ekiben:runners:compute-ended');

/** Publishes how a call ended: first of all who listens hears, then the caller. Null: nobody listens. */
export type EndCall = ((outcome: CallEnded['outcome'], error?: unknown) => void) | null;

/** Publishes that a call begins. Null: nobody listens. */
export function beginCall(
  { runner, method }: PublishedMethod,
  to: CallStarted['to'],
  trace: TraceContext,
): CallStarted | null {
  if (!callEnded.hasSubscribers) return null;
  const call: CallStarted = { runner, method, to, trace };
  callStarted.publish(call);
  return call;
}

export function endOf(call: CallStarted | null): EndCall {
  if (call === null) return null;
  const startedAt = performance.now();
  const { runner } = call;
  return (outcome, error) => {
    const durationMs = performance.now() - startedAt;
    callEnded.publish({ runner, call, durationMs, outcome, error } satisfies CallEnded);
  };
}

/** Publishes that something is computed, and that it was. */
export async function computing<T>(
  { runner, method }: PublishedMethod,
  calls: () => readonly TraceContext[],
  batch: ComputeStarted['batch'],
  compute: () => Promise<T>,
): Promise<T> {
  if (!computeStarted.hasSubscribers) return compute();
  const started: ComputeStarted = { runner, method, calls: calls(), batch, enter: null };
  computeStarted.publish(started);
  let error: unknown;
  try {
    return await (started.enter === null ? compute() : started.enter(compute));
  } catch (reason) {
    error = reason;
    throw reason;
  } finally {
    computeEnded.publish({ started, error } satisfies ComputeEnded);
  }
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
