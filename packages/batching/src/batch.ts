import type { Queued } from './deadline-queue.ts';
import type { BatchInfo } from './options.ts';

/** One call, from arrival to answer. */
export interface Call<In, Out> extends Queued {
  readonly input: In;
  readonly enqueuedAt: number;
  /** The caller's own, or that of `maxLatencyMs` if it is earlier. Infinity: none. */
  readonly deadline: number;
  /** The caller's own. Infinity: none. */
  readonly latest: number;
  readonly resolve: (value: Out) => void;
  readonly reject: (reason: unknown) => void;
  /** Calls with unequal keys never meet; a call that is retried is its own key. */
  key: unknown;
  /** The batch it runs in. */
  batch: Batch<In, Out> | undefined;
  settled: boolean;
  /** Removes the listener on its signal. */
  forgetSignal: (() => void) | undefined;
}

/** Call before the promise is resolved or rejected: from here on nobody may touch the call again. */
export function settle<In, Out>(call: Call<In, Out>): void {
  call.settled = true;
  call.forgetSignal?.();
}

/** Calls that run together. */
export class Batch<In, Out> {
  readonly calls: readonly Call<In, Out>[];
  readonly startedAt: number;
  readonly info: Info;
  #wanted: number;

  constructor(calls: readonly Call<In, Out>[], rows: number, startedAt: number) {
    this.calls = calls;
    this.startedAt = startedAt;
    this.info = new Info(rows, this);
    this.#wanted = calls.length;
    for (const call of calls) call.batch = this;
  }

  /** One of its callers does not wait any more. */
  leave(): void {
    this.#wanted--;
    if (this.#wanted === 0) this.info.abort();
  }
}

interface Started {
  readonly calls: readonly Pick<Call<unknown, unknown>, 'enqueuedAt'>[];
  readonly startedAt: number;
}

/** Makes what most `run` functions never ask for when it is asked for. */
class Info implements BatchInfo {
  readonly rows: number;
  #aborted = false;
  #controller: AbortController | undefined;
  readonly #batch: Started;

  constructor(rows: number, batch: Started) {
    this.rows = rows;
    this.#batch = batch;
  }

  get waitedMs(): number {
    const { calls, startedAt } = this.#batch;
    return startedAt - calls.reduce((oldest, { enqueuedAt }) => Math.min(oldest, enqueuedAt), Infinity);
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#aborted) this.#controller.abort();
    return this.#controller.signal;
  }

  abort(): void {
    this.#aborted = true;
    this.#controller?.abort();
  }
}
