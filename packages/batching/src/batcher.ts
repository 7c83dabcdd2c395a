import { AsyncResource } from 'node:async_hooks';
import { EkibenError, type ErrorCode, type ErrorDetails } from '@ekiben/spec';
import { ArrivalModel } from './arrivals.ts';
import { Batch, settle, type Call } from './batch.ts';
import { onAbort } from './cancel-signal.ts';
import { publishCompleted, publishRefused, publishReleased } from './channels.ts';
import { systemClock, type Clock } from './clock.ts';
import { CostModel, predict } from './cost-model.ts';
import { DeadlineQueue } from './deadline-queue.ts';
import { checkOptions, type BatcherOptions, type CallOptions, type Oversized } from './options.ts';
import { decide, predictFinish, rowsToKeep, type Limits, type Load, type Workers } from './policy.ts';

/** When a call without a deadline is due, so that calls with one do not starve it; and what a step of priority is worth. */
const PATIENCE_MS = 1_000;
/** Calls that expire behind busy workers are looked for at most this often: each search walks the whole queue. */
const SWEEP_MS = 10;
/** Weight of the latest in the average of what passes between two batches. */
const BETWEEN_WEIGHT = 0.05;
/** Who is refused should come again when at least this share of `maxLatencyMs` is free: at its very edge the queue is full again at once. */
const RELIEF = 1 / 10;

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
 * An idle worker takes what is queued, so a lone call is not held back; while `concurrency` batches are in flight, calls gather.
 *
 * ```ts
 * import { Batcher } from '@ekiben/batching';
 *
 * const lengths = new Batcher({ run: async (texts: readonly string[]) => texts.map((text) => text.length) });
 * const [one, two] = await Promise.all([lengths.run('a'), lengths.run('bc')]); // `run` is called once
 * ```
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
  readonly #arrivals = new ArrivalModel();
  /** In the order of their turns; none is empty. */
  readonly #lanes = new Map<unknown, Lane<In, Out>>();
  readonly #inFlight = new Set<Batch<In, Out>>();
  #queuedRows = 0;
  #idleSince = -Infinity;
  /** A whole batch was waiting when the last one ended. */
  #isBacklogged = false;
  /** From the end of a batch to the start of the next that waits for it: other work of this event loop, which no cost of a batch holds. */
  #betweenMs = 0;
  #busySince = -Infinity;
  #turnScheduled = false;
  #cancelWake: (() => void) | undefined;
  #sweepAt = Infinity;
  #cancelSweep: (() => void) | undefined;
  #closed: Promise<void> | undefined;
  #onDrained: (() => void) | undefined;

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
   * EKIBEN_BATCH_SIZE_INVALID when `size` gives no number of rows
   */
  run(input: In, call: CallOptions = {}): Promise<Out> {
    return new Promise((resolve, reject) => {
      const rows = this.#size(input);
      const { oversized } = this.#options;
      const whole = oversized === undefined || rows <= this.#limits.maxBatchSize;
      if (whole) this.#accept(input, rows, call, resolve, reject);
      else resolve(this.#runParts(oversized, input, call));
    });
  }

  /** Refuses further calls; resolves when those queued and in flight are answered. */
  close(): Promise<void> {
    this.#closed ??= new Promise((resolve) => {
      this.#onDrained = resolve;
      this.#scheduleTurn();
    });
    return this.#closed;
  }

  // ── A call comes ────────────────────────────────────────────────────────────────────────────────────────────────────

  #size(input: In): number {
    const rows = this.#options.size === undefined ? 1 : this.#options.size(input);
    if (Number.isFinite(rows) && rows >= 0) return rows;
    throw this.#error(
      'EKIBEN_BATCH_SIZE_INVALID',
      `got ${String(rows)} from size(), which must give a finite number of rows`,
    );
  }

  /** The parts are calls like any other. When one fails, the others leave too. */
  async #runParts(oversized: Oversized<In, Out>, input: In, call: CallOptions): Promise<Out> {
    const { signal } = call;
    signal?.throwIfAborted();
    const parting = new AbortController();
    const forget = signal === undefined ? undefined : onAbort(signal, () => parting.abort(signal.reason));
    try {
      const runPart = (part: In) =>
        new Promise<Out>((resolve, reject) =>
          this.#accept(part, this.#size(part), { ...call, signal: parting.signal }, resolve, reject),
        );
      const parts = oversized.split(input, this.#limits.maxBatchSize);
      return oversized.join(await Promise.all(parts.map(runPart)));
    } catch (error) {
      parting.abort(error);
      throw error;
    } finally {
      forget?.();
    }
  }

  #accept(
    input: In,
    rows: number,
    { signal, caller = '', priority = 0, deadline: latest = Infinity, since = Infinity }: CallOptions,
    resolve: (value: Out) => void,
    reject: (reason: unknown) => void,
  ): void {
    const key = this.#options.key?.(input);
    signal?.throwIfAborted();
    const now = this.#clock.now();
    this.#arrivals.arrived(now, rows, this.#costs.cost.fixed);
    const deadline = this.#admit(key, caller, rows, latest, Math.min(since, now), now);
    const due = deadline === Infinity ? now + PATIENCE_MS : deadline;
    const call: Call<In, Out> = {
      input,
      rows,
      caller,
      key,
      deadline,
      latest,
      rank: due - priority * PATIENCE_MS,
      enqueuedAt: now,
      resolve,
      reject,
      batch: undefined,
      settled: false,
      forgetSignal: undefined,
      slot: -1,
      sequence: 0,
    };
    if (signal !== undefined) call.forgetSignal = onAbort(signal, () => this.#cancel(call, signal.reason));
    this.#enqueue(call, now);
  }

  /** The call's deadline, if it can be kept. */
  #admit(key: unknown, caller: string, rows: number, latest: number, since: number, now: number): number {
    if (this.#closed !== undefined) throw this.#error('EKIBEN_BATCHER_CLOSED', 'was closed and takes no more calls');
    if (latest <= now) throw this.#refuse('EKIBEN_DEADLINE_EXCEEDED', rows, 'got a call whose deadline had passed');
    const deadline = Math.min(latest, since + this.#maxLatencyMs);
    const full = this.#queuedRows + rows > this.#maxQueueSize;
    if (deadline === Infinity && !full) return deadline;
    const finish = this.#predictFinish(key, caller, rows, now);
    if (full) throw this.#overloaded(rows, `has its queue full, ${this.#queuedRows} rows`, finish - now);
    if (finish <= deadline) return deadline;
    // Nothing would be gained by a refusal; and if the cost model is wrong, this is how it learns.
    if (this.#inFlight.size === 0 && this.#lanes.size === 0) return Infinity;
    const lateMs = finish - deadline;
    const problem = `could not answer in time: the call would be ${Math.ceil(lateMs)} ms late`;
    throw latest <= deadline ? this.#overloaded(rows, problem, lateMs) : this.#tooLate(rows, problem, lateMs);
  }

  #predictFinish(key: unknown, caller: string, rows: number, now: number): number {
    const cost = this.#costs.cost;
    const lane = this.#lanes.get(key);
    const laneRows = lane?.rows ?? 0;
    // Callers share alike: what another has queued beyond this one's own share is served later.
    const fairShare = lane === undefined ? 0 : (lane.rowsOf(caller) + rows) * lane.callers;
    const load: Load = {
      rowsAhead: this.#queuedRows - laneRows + Math.min(laneRows, fairShare),
      extraBatches: this.#lanes.size - (lane === undefined ? 0 : 1),
      rowsPerMs: this.#arrivals.rowsPerMs / Math.max(1, this.#lanes.size),
      busyUntil: Array.from(this.#inFlight, ({ startedAt, info }) => startedAt + predict(cost, info.rows)),
      betweenMs: this.#betweenMs,
      concurrency: this.#concurrency,
    };
    return predictFinish(rows, load, cost, this.#limits, now);
  }

  #enqueue(call: Call<In, Out>, now: number): void {
    let lane = this.#lanes.get(call.key);
    if (lane === undefined) this.#lanes.set(call.key, (lane = new Lane(now)));
    lane.push(call);
    this.#queuedRows += call.rows;
    if (call.deadline < this.#sweepAt) this.#setSweep(Math.max(call.deadline, now + SWEEP_MS));
    this.#scheduleTurn();
  }

  // ── A batch goes ────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Nothing is released before the end of the turn, so that the calls of one turn of the event loop meet. */
  #scheduleTurn(): void {
    if (this.#turnScheduled) return;
    this.#turnScheduled = true;
    this.#clock.endOfTurn(this.#turn);
  }

  readonly #turn = (): void => {
    this.#turnScheduled = false;
    // A batch belongs to many calls: it must not run in, and keep alive, the async context of the one that happened to be first.
    this.#context.runInAsyncScope(this.#dispatch, this);
  };

  /** Starts the batches that are ready, and sets the alarm for the next. */
  #dispatch(): void {
    this.#cancelWake?.();
    this.#cancelWake = undefined;
    const now = this.#clock.now();
    let wakeAt: number;
    do wakeAt = this.#releaseOne(now);
    while (wakeAt <= now);
    if (wakeAt < Infinity) this.#cancelWake = this.#clock.after(wakeAt - now, this.#turn);
    if (this.#lanes.size > 0) return;
    this.#setSweep(Infinity);
    if (this.#inFlight.size === 0) this.#onDrained?.();
  }

  /** Releases the first batch that is ready. The result is when it was, or when one will be. */
  #releaseOne(now: number): number {
    const workers: Workers = {
      idle: this.#concurrency - this.#inFlight.size,
      total: this.#concurrency,
      idleSince: this.#idleSince,
      busySince: this.#busySince,
    };
    let wakeAt = Infinity;
    if (workers.idle === 0) return wakeAt;
    for (const [key, lane] of this.#lanes) {
      const queue = { rows: lane.rows, since: lane.since, arrivals: this.#arrivals };
      const { at, rows } = decide(queue, workers, this.#costs.cost, this.#limitsOf(key), now);
      if (at <= now) {
        this.#release(key, lane, rows, now);
        return at;
      }
      wakeAt = Math.min(wakeAt, at);
    }
    return wakeAt;
  }

  /** No company can come to a call that is retried, nor after `close`. */
  #limitsOf(key: unknown): Limits {
    const mayWait = this.#closed === undefined && typeof key !== 'object';
    return mayWait ? this.#limits : { ...this.#limits, maxWaitMs: 0 };
  }

  #release(key: unknown, lane: Lane<In, Out>, maxRows: number, now: number): void {
    if (this.#isBacklogged) this.#betweenMs += BETWEEN_WEIGHT * (now - this.#idleSince - this.#betweenMs);
    this.#isBacklogged = false;
    const batch = this.#take(lane, maxRows, now);
    this.#lanes.delete(key);
    if (lane.size > 0) this.#lanes.set(key, lane); // behind the others: keys take turns
    if (batch !== undefined) void this.#execute(batch);
  }

  /** The next calls that fit into `maxRows` and will be answered in time together; one that cannot be is refused. */
  #take(lane: Lane<In, Out>, maxRows: number, now: number): Batch<In, Out> | undefined {
    const calls: Call<In, Out>[] = [];
    let rows = 0;
    let room = Math.min(maxRows, lane.rows);
    for (let call = lane.peek(); call !== undefined; call = lane.peek()) {
      const planned = Math.max(room, call.rows);
      const kept = rowsToKeep(call.deadline, call.rows, planned, this.#costs.cost, now);
      const late = kept < call.rows;
      if (!late && calls.length > 0 && rows + call.rows > Math.min(room, kept)) break;
      lane.shift();
      this.#queuedRows -= call.rows;
      if (late) {
        this.#expire(call);
      } else {
        calls.push(call);
        rows += call.rows;
        room = Math.min(room, kept);
      }
    }
    return calls.length === 0 ? undefined : new Batch(calls, rows, now);
  }

  async #execute(batch: Batch<In, Out>): Promise<void> {
    this.#inFlight.add(batch);
    this.#busySince = batch.startedAt;
    publishReleased(this.#name, batch, this.#queuedRows);
    let error: unknown;
    try {
      const inputs = batch.calls.map((call) => call.input);
      const results = await this.#options.run(inputs, batch.info);
      this.#costs.observe(batch.info.rows, this.#clock.now() - batch.startedAt);
      this.#answer(batch, results);
    } catch (reason) {
      error = reason;
      this.#fail(batch, reason);
    }
    const now = this.#clock.now();
    publishCompleted(this.#name, batch, now, error);
    this.#inFlight.delete(batch);
    this.#idleSince = now;
    this.#isBacklogged = this.#queuedRows >= this.#limits.maxBatchSize;
    this.#arrivals.answered(now, batch.calls.length);
    this.#scheduleTurn();
  }

  #answer({ calls }: Batch<In, Out>, results: readonly Out[]): void {
    const got = Array.isArray(results) ? results.length : typeof results;
    if (got !== calls.length) {
      const problem = `expected ${calls.length} results of run(), one per input, and got ${got}`;
      throw this.#error('EKIBEN_BATCH_RESULTS_INVALID', problem, { expected: calls.length, got });
    }
    for (const [index, call] of calls.entries()) {
      if (call.settled) continue;
      const result = results[index] as Out; // a getter of the caller's may throw, which fails what is not settled yet
      settle(call);
      call.resolve(result);
    }
  }

  #fail({ calls }: Batch<In, Out>, reason: unknown): void {
    const retry = this.#options.retrySafe === true && calls.length > 1;
    for (const call of calls) {
      if (call.settled) continue;
      if (retry) {
        call.key = call;
        call.batch = undefined;
        this.#enqueue(call, this.#clock.now());
      } else {
        settle(call);
        call.reject(reason);
      }
    }
  }

  // ── A call leaves without an answer ─────────────────────────────────────────────────────────────────────────────────

  #cancel(call: Call<In, Out>, reason: unknown): void {
    settle(call);
    call.reject(reason);
    if (call.batch === undefined) this.#withdraw(call);
    else call.batch.leave();
  }

  #withdraw(call: Call<In, Out>): void {
    const lane = this.#lanes.get(call.key);
    if (lane === undefined) return;
    lane.remove(call);
    this.#queuedRows -= call.rows;
    if (lane.size === 0) this.#lanes.delete(call.key);
    if (this.#lanes.size === 0) this.#scheduleTurn(); // to stop the timers
  }

  #setSweep(time: number): void {
    this.#cancelSweep?.();
    this.#sweepAt = time;
    this.#cancelSweep = time === Infinity ? undefined : this.#clock.after(time - this.#clock.now(), this.#sweep);
  }

  /** Refuses what expired while every worker was busy. */
  readonly #sweep = (): void => {
    const now = this.#clock.now();
    const expired: Call<In, Out>[] = [];
    let next = Infinity;
    for (const lane of this.#lanes.values()) {
      for (const call of lane) {
        if (call.deadline <= now) expired.push(call);
        else next = Math.min(next, call.deadline);
      }
    }
    this.#setSweep(Math.max(next, now + SWEEP_MS));
    for (const call of expired) {
      this.#withdraw(call);
      this.#expire(call);
    }
  };

  #expire(call: Call<In, Out>): void {
    const { rows, deadline, latest } = call;
    const problem = 'could not answer a queued call before its deadline';
    settle(call);
    call.reject(
      latest <= deadline
        ? this.#refuse('EKIBEN_DEADLINE_EXCEEDED', rows, problem)
        : this.#tooLate(rows, 'could not answer a queued call in time', 0),
    );
  }

  // ── What the world hears ────────────────────────────────────────────────────────────────────────────────────────────

  /** It is not the caller who asks for too much, but all of them together. */
  #tooLate(rows: number, problem: string, lateMs: number): EkibenError {
    const maxLatencyMs = this.#maxLatencyMs;
    return this.#overloaded(rows, problem, Math.max(lateMs, RELIEF * maxLatencyMs), { maxLatencyMs });
  }

  #overloaded(rows: number, problem: string, waitMs: number, facts: ErrorDetails = {}): EkibenError {
    const details = { retryAfterMs: Math.max(1, Math.ceil(waitMs)), queuedRows: this.#queuedRows, ...facts };
    return this.#refuse('EKIBEN_BATCHER_OVERLOADED', rows, problem, details);
  }

  #refuse(code: ErrorCode, rows: number, problem: string, details?: ErrorDetails): EkibenError {
    publishRefused(this.#name, rows, code);
    return this.#error(code, problem, details);
  }

  #error(code: ErrorCode, problem: string, details?: ErrorDetails): EkibenError {
    return new EkibenError(code, `The batcher "${this.#name}" ${problem}.`, { details });
  }
}
