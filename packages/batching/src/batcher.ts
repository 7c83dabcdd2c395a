import { AsyncResource } from 'node:async_hooks';
import { EkibenError, type ErrorCode, type ErrorDetails } from '@ekiben/spec';
import { completed, refused, released } from './channels.ts';
import { systemClock, type Clock } from './clock.ts';
import { CostModel, predict } from './cost-model.ts';
import { DeadlineQueue, type Queued } from './deadline-queue.ts';
import { checkOptions, type BatcherOptions, type BatchInfo, type CallOptions, type Oversized } from './options.ts';
import { decide, predictFinish, rowsInTime, type Limits, type Load } from './policy.ts';

/** By how much each step of priority, and the lack of a deadline, move a call in its caller's queue. */
const PATIENCE_MS = 1_000;
/** Expired calls are swept from behind a busy worker at most this often, so that a long queue is not walked for each of them. */
const SWEEP_MS = 10;

interface Call<In, Out> extends Queued {
  readonly input: In;
  readonly enqueuedAt: number;
  /** Infinity: none. */
  readonly deadline: number;
  /** What it may share a batch with; a call that is retried is its own key. */
  key: unknown;
  /** The batch it runs in. */
  batch: Batch<In, Out> | undefined;
  settled: boolean;
  readonly resolve: (value: Out) => void;
  readonly reject: (reason: unknown) => void;
  /** Removes the abort listener. */
  forget: (() => void) | undefined;
}

/** A batch in flight. */
class Batch<In, Out> implements BatchInfo {
  readonly calls: readonly Call<In, Out>[];
  readonly rows: number;
  readonly startedAt: number;
  /** Calls that somebody still waits for. */
  wanted: number;
  #controller: AbortController | undefined;

  constructor(calls: readonly Call<In, Out>[], rows: number, startedAt: number) {
    this.calls = calls;
    this.rows = rows;
    this.startedAt = startedAt;
    this.wanted = calls.length;
    for (const call of calls) call.batch = this;
  }

  /** Made when asked for: most `run` functions never look. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.wanted === 0) this.#controller.abort();
    return this.#controller.signal;
  }

  /** One of the calls was cancelled. */
  leave(): void {
    this.wanted--;
    if (this.wanted === 0) this.#controller?.abort();
  }
}

/** The queue of one key. */
class Lane<In, Out> extends DeadlineQueue<Call<In, Out>> {
  /** When it turned from empty to not. */
  readonly since: number;

  constructor(since: number) {
    super();
    this.since = since;
  }
}

/**
 * Joins single calls into batches: of an embedding API, a database look-up, a model.
 *
 * An idle worker takes what is queued, so that a lone call is not held back; while `concurrency` batches are in flight, calls gather.
 *
 * @example
 * const embed = new Batcher({ run: (texts: readonly string[]) => api.embed(texts), maxBatchSize: 64 });
 * const vector = await embed.run('a bento box');
 */
export class Batcher<In, Out> {
  readonly #options: BatcherOptions<In, Out>;
  readonly #name: string;
  readonly #concurrency: number;
  readonly #limits: Limits;
  readonly #maxLatencyMs: number;
  readonly #maxQueueSize: number;
  readonly #clock: Clock;
  readonly #context = new AsyncResource('EkibenBatcher');
  readonly #costs = new CostModel();
  readonly #lanes = new Map<unknown, Lane<In, Out>>();
  readonly #inFlight = new Set<Batch<In, Out>>();
  #queuedRows = 0;
  #idleSince = -Infinity;
  #turnScheduled = false;
  #cancelWake: (() => void) | undefined;
  #sweepAt = Infinity;
  #cancelSweep: (() => void) | undefined;
  #closed: Promise<void> | undefined;
  #drained: (() => void) | undefined;

  /** @throws EKIBEN_BATCHER_OPTION_INVALID */
  constructor(options: BatcherOptions<In, Out>) {
    checkOptions(options);
    const { name = 'batcher', concurrency = 1, maxBatchSize = 100, maxWaitMs = 0, clock = systemClock } = options;
    this.#options = options;
    this.#name = name;
    this.#concurrency = concurrency;
    this.#limits = { maxBatchSize, maxWaitMs };
    this.#maxLatencyMs = maxBatchSize === 1 ? Infinity : (options.maxLatencyMs ?? Infinity);
    this.#maxQueueSize = options.maxQueueSize ?? Infinity;
    this.#clock = clock;
  }

  /**
   * Runs one call in some batch.
   *
   * @throws what `run` throws; the reason of `call.signal`; EKIBEN_BATCHER_OVERLOADED, with `details.retryAfterMs`, when the call
   * cannot be answered in time or the queue is full; EKIBEN_DEADLINE_EXCEEDED when its deadline passed before it started;
   * EKIBEN_BATCHER_CLOSED; EKIBEN_BATCH_RESULTS_INVALID when `run` does not give one result per input;
   * EKIBEN_BATCH_SIZE_INVALID when `size` gives no size
   */
  run(input: In, call: CallOptions = {}): Promise<Out> {
    return new Promise((resolve, reject) => {
      const rows = this.#size(input);
      const { oversized } = this.#options;
      if (oversized === undefined || rows <= this.#limits.maxBatchSize)
        this.#enqueue(input, rows, call, resolve, reject);
      else resolve(this.#runParts(oversized, input, call));
    });
  }

  /** Refuses further calls; resolves when those queued and in flight are answered. */
  close(): Promise<void> {
    this.#closed ??= new Promise((resolve) => {
      this.#drained = resolve;
      this.#context.runInAsyncScope(this.#dispatch, this);
    });
    return this.#closed;
  }

  #size(input: In): number {
    const rows = this.#options.size?.(input) ?? 1;
    if (Number.isFinite(rows) && rows >= 0) return rows;
    throw this.#error(
      'EKIBEN_BATCH_SIZE_INVALID',
      `got ${String(rows)} from size(), which must give a finite number of rows`,
      { rows },
    );
  }

  /** The parts are calls like any other; when one fails, the others leave too. */
  async #runParts({ split, join }: Oversized<In, Out>, input: In, call: CallOptions): Promise<Out> {
    const parts = split(input, this.#limits.maxBatchSize);
    const abort = new AbortController();
    const onAbort = () => abort.abort(call.signal?.reason);
    if (call.signal?.aborted) onAbort();
    call.signal?.addEventListener('abort', onAbort);
    try {
      const options = { ...call, signal: abort.signal };
      const runPart = (part: In) =>
        new Promise<Out>((resolve, reject) => this.#enqueue(part, this.#size(part), options, resolve, reject));
      return join(await Promise.all(parts.map(runPart)));
    } catch (error) {
      abort.abort(error);
      throw error;
    } finally {
      call.signal?.removeEventListener('abort', onAbort);
    }
  }

  #enqueue(
    input: In,
    rows: number,
    options: CallOptions,
    resolve: (value: Out) => void,
    reject: (reason: unknown) => void,
  ) {
    const { signal, caller = '', priority = 0 } = options;
    signal?.throwIfAborted();
    const now = this.#clock.now();
    const key = this.#options.key?.(input);
    const deadline = this.#admit(key, caller, rows, options.deadline ?? Infinity, now);
    const rank = Math.min(deadline, now + PATIENCE_MS) - priority * PATIENCE_MS;
    const call: Call<In, Out> = {
      input,
      rows,
      caller,
      rank,
      key,
      enqueuedAt: now,
      deadline,
      resolve,
      reject,
      batch: undefined,
      settled: false,
      forget: undefined,
      slot: -1,
      sequence: 0,
    };
    if (signal !== undefined) {
      const onAbort = () => this.#cancel(call, signal.reason);
      signal.addEventListener('abort', onAbort);
      call.forget = () => signal.removeEventListener('abort', onAbort);
    }
    this.#push(call, now);
  }

  /** The call's deadline, if it can be kept. */
  #admit(key: unknown, caller: string, rows: number, deadline: number, now: number): number {
    if (this.#closed !== undefined) throw this.#error('EKIBEN_BATCHER_CLOSED', 'was closed and takes no more calls');
    const due = Math.min(deadline, now + this.#maxLatencyMs);
    if (deadline <= now) throw this.#refuse('EKIBEN_DEADLINE_EXCEEDED', rows, 'got a call whose deadline had passed');
    if (this.#queuedRows + rows > this.#maxQueueSize) {
      throw this.#overloaded(
        rows,
        `has its queue full with ${this.#queuedRows} rows`,
        this.#predict(key, caller, rows, now) - now,
      );
    }
    if (due === Infinity) return due;
    const late = this.#predict(key, caller, rows, now) - due;
    if (late <= 0) return due;
    // Nobody waits and nobody would gain by a refusal; and if the cost model was wrong, this is how it learns.
    if (this.#inFlight.size === 0 && this.#queuedRows === 0) return Infinity;
    throw this.#overloaded(rows, `could not answer in time, but ${Math.ceil(late)} ms late`, late);
  }

  #predict(key: unknown, caller: string, rows: number, now: number): number {
    const lane = this.#lanes.get(key);
    // Callers share alike: what others have queued beyond this one's own share comes later.
    const fairShare = lane === undefined ? 0 : (lane.rowsOf(caller) + rows) * lane.callers;
    const elsewhere = this.#queuedRows - (lane?.rows ?? 0);
    const cost = this.#costs.cost;
    const load: Load = {
      rowsAhead: elsewhere + Math.min(lane?.rows ?? 0, fairShare),
      extraBatches: this.#lanes.size - (lane === undefined ? 0 : 1),
      busyUntil: Array.from(this.#inFlight, (batch) => batch.startedAt + predict(cost, batch.rows)),
      concurrency: this.#concurrency,
    };
    return predictFinish(rows, load, cost, this.#limits, now);
  }

  #push(call: Call<In, Out>, now: number): void {
    let lane = this.#lanes.get(call.key);
    if (lane === undefined) this.#lanes.set(call.key, (lane = new Lane(now)));
    lane.push(call);
    this.#queuedRows += call.rows;
    if (call.deadline < this.#sweepAt) this.#sweepNotBefore(Math.max(call.deadline, now + SWEEP_MS));
    this.#scheduleTurn();
  }

  /** The calls of one turn of the event loop meet: nothing is released before it ends. */
  #scheduleTurn(): void {
    if (this.#turnScheduled) return;
    this.#turnScheduled = true;
    this.#clock.endOfTurn(this.#turn);
  }

  readonly #turn = (): void => {
    this.#turnScheduled = false;
    // Batches belong to no call, so they must not run in (and keep alive) the async context of the call that happened to be first.
    this.#context.runInAsyncScope(this.#dispatch, this);
  };

  /** Starts the batches that are ready, and sets the alarm for what is not. */
  #dispatch(): void {
    this.#cancelWake?.();
    this.#cancelWake = undefined;
    const now = this.#clock.now();
    let wakeAt = this.#releaseReady(now);
    while (wakeAt === undefined) wakeAt = this.#releaseReady(now);
    if (wakeAt < Infinity) this.#cancelWake = this.#clock.after(wakeAt - now, this.#turn);
    if (this.#lanes.size > 0) return;
    this.#sweepNotBefore(Infinity);
    if (this.#inFlight.size === 0) this.#drained?.();
  }

  /** Releases one batch; or, if none is ready, says when one will be. */
  #releaseReady(now: number): number | undefined {
    const idleWorkers = this.#concurrency - this.#inFlight.size;
    let wakeAt = Infinity;
    if (idleWorkers === 0) return wakeAt;
    const limits = this.#closed === undefined ? this.#limits : { ...this.#limits, maxWaitMs: 0 };
    for (const [key, lane] of this.#lanes) {
      const queue = { rows: lane.rows, heldSince: Math.max(lane.since, this.#idleSince) };
      const { at, rows } = decide(queue, idleWorkers, this.#costs.cost, limits, now);
      if (at <= now) {
        this.#release(key, lane, rows, now);
        return undefined;
      }
      wakeAt = Math.min(wakeAt, at);
    }
    return wakeAt;
  }

  #release(key: unknown, lane: Lane<In, Out>, maxRows: number, now: number): void {
    const batch = this.#take(lane, maxRows, now);
    this.#lanes.delete(key);
    if (lane.size > 0) this.#lanes.set(key, lane); // to the end: keys take turns
    if (batch !== undefined) void this.#execute(batch);
  }

  #take(lane: Lane<In, Out>, maxRows: number, now: number): Batch<In, Out> | undefined {
    const calls: Call<In, Out>[] = [];
    let rows = 0;
    let deadline = Infinity;
    for (let call = lane.peek(); call !== undefined; call = lane.peek()) {
      const inTime = rowsInTime(call.deadline, this.#costs.cost, now);
      const fits = rows + call.rows <= Math.min(maxRows, inTime, rowsInTime(deadline, this.#costs.cost, now));
      if (calls.length > 0 && !fits) break;
      lane.shift();
      this.#queuedRows -= call.rows;
      if (call.rows > inTime) {
        this.#expire(call);
        continue;
      }
      calls.push(call);
      rows += call.rows;
      deadline = Math.min(deadline, call.deadline);
    }
    return calls.length === 0 ? undefined : new Batch(calls, rows, now);
  }

  async #execute(batch: Batch<In, Out>): Promise<void> {
    this.#inFlight.add(batch);
    if (released.hasSubscribers) this.#publishReleased(batch);
    let error: unknown;
    try {
      const results = await this.#options.run(
        batch.calls.map((call) => call.input),
        batch,
      );
      this.#costs.observe(batch.rows, this.#clock.now() - batch.startedAt);
      this.#answer(batch, results);
    } catch (reason) {
      error = reason;
      this.#fail(batch, reason);
    }
    if (completed.hasSubscribers) this.#publishCompleted(batch, error);
    this.#inFlight.delete(batch);
    this.#idleSince = this.#clock.now();
    this.#scheduleTurn();
  }

  #answer(batch: Batch<In, Out>, results: readonly Out[]): void {
    const { calls } = batch;
    if (!Array.isArray(results) || results.length !== calls.length) {
      const got = Array.isArray(results) ? `${results.length}` : typeof results;
      const details = { expected: calls.length, got };
      throw this.#error(
        'EKIBEN_BATCH_RESULTS_INVALID',
        `expected ${calls.length} results of run(), got ${got}`,
        details,
      );
    }
    for (const [index, call] of calls.entries()) {
      if (!call.settled) {
        settle(call);
        call.resolve(results[index] as Out);
      }
    }
  }

  #fail(batch: Batch<In, Out>, reason: unknown): void {
    const retry = this.#options.retrySafe === true && batch.calls.length > 1;
    for (const call of batch.calls) {
      if (call.settled) continue;
      if (retry) {
        call.key = call;
        call.batch = undefined;
        this.#push(call, this.#clock.now());
      } else {
        settle(call);
        call.reject(reason);
      }
    }
  }

  #cancel(call: Call<In, Out>, reason: unknown): void {
    settle(call);
    call.reject(reason);
    if (call.batch !== undefined) return call.batch.leave();
    this.#withdraw(call);
    if (this.#lanes.size === 0) this.#scheduleTurn();
  }

  #sweepNotBefore(time: number): void {
    this.#cancelSweep?.();
    this.#sweepAt = time;
    this.#cancelSweep = time === Infinity ? undefined : this.#clock.after(time - this.#clock.now(), this.#sweep);
  }

  /** Refuses what expired while every worker was busy. */
  readonly #sweep = (): void => {
    const now = this.#clock.now();
    let next = Infinity;
    for (const lane of [...this.#lanes.values()]) {
      for (const call of [...lane]) {
        if (call.deadline > now) next = Math.min(next, call.deadline);
        else {
          this.#withdraw(call);
          this.#expire(call);
        }
      }
    }
    this.#sweepNotBefore(Math.max(next, now + SWEEP_MS));
    if (this.#lanes.size === 0) this.#scheduleTurn();
  };

  #withdraw(call: Call<In, Out>): void {
    const lane = this.#lanes.get(call.key);
    if (lane === undefined) return;
    lane.remove(call);
    this.#queuedRows -= call.rows;
    if (lane.size === 0) this.#lanes.delete(call.key);
  }

  #expire(call: Call<In, Out>): void {
    settle(call);
    call.reject(
      this.#refuse('EKIBEN_DEADLINE_EXCEEDED', call.rows, 'could not start a queued call before its deadline'),
    );
  }

  #overloaded(rows: number, problem: string, waitMs: number): EkibenError {
    const retryAfterMs = Math.max(1, Math.ceil(waitMs));
    return this.#refuse('EKIBEN_BATCHER_OVERLOADED', rows, problem, { retryAfterMs, queuedRows: this.#queuedRows });
  }

  #refuse(code: ErrorCode, rows: number, problem: string, details?: ErrorDetails): EkibenError {
    if (refused.hasSubscribers) refused.publish({ batcher: this.#name, rows, code });
    return this.#error(code, problem, details);
  }

  #error(code: ErrorCode, problem: string, details?: ErrorDetails): EkibenError {
    return new EkibenError(code, `The batcher "${this.#name}" ${problem}.`, { details });
  }

  #publishReleased({ calls, rows, startedAt }: Batch<In, Out>): void {
    const waitedMs = startedAt - Math.min(...calls.map((call) => call.enqueuedAt));
    released.publish({ batcher: this.#name, calls: calls.length, rows, waitedMs, queuedRows: this.#queuedRows });
  }

  #publishCompleted({ calls, rows, startedAt }: Batch<In, Out>, error: unknown): void {
    const durationMs = this.#clock.now() - startedAt;
    completed.publish({ batcher: this.#name, calls: calls.length, rows, durationMs, error });
  }
}

function settle<In, Out>(call: Call<In, Out>): void {
  call.settled = true;
  call.forget?.();
}
