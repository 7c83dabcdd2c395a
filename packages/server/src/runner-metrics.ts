/** What runners publish, as Prometheus metrics: BentoML's under its names and labels, and ours about queues and processes. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { Counter } from 'prom-client';
import type { Registry } from 'prom-client';
import type { BatchesRun, CallEnded, CallStarted, Tally, WorkerEvent } from '@ekiben/runners';
import { CLIENT_CLOSED, statusOf } from '@ekiben/service';
import { EkibenError } from '@ekiben/spec';
import type { ErrorCode } from '@ekiben/spec';
import { Buckets, BucketsHistogram, DURATION_BUCKETS } from './buckets.ts';
import type { Labels } from './buckets.ts';
import { RequestMeter } from './request-meter.ts';
import { registerRequests } from './request-metrics.ts';

/** In seconds. Queues and batches are mostly shorter than BentoML's buckets can tell. */
const BATCH_BUCKETS: readonly number[] = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, ...DURATION_BUCKETS];

/** Why a call was turned away instead of computed. */
const REFUSALS: ReadonlyMap<ErrorCode, string> = new Map([
  ['EKIBEN_BATCHER_OVERLOADED', 'overloaded'],
  ['EKIBEN_DEADLINE_EXCEEDED', 'deadline'],
  ['EKIBEN_RUNNER_DOWN', 'down'],
]);

type Event = { readonly runner: string };

/**
 * Counts what is published of these runners in this process from now on.
 * @returns what ends it
 */
export function countRunners(registers: [Registry], service: Labels, runners: readonly string[]): () => void {
  const serviceLabels = Object.keys(service);
  const calls = new CallCounts(registers, service);
  const batches = new BatchCounts(registers, service);
  const restarts = new Counter({
    name: 'ekiben_runner_restarts_total',
    help: 'Total number of runner processes that were replaced by a new one',
    labelNames: ['runner_name', 'worker_index', 'reason', ...serviceLabels],
    registers,
  });
  const hung = new Set<number | undefined>();
  const restarted = ({ runner, worker, event, pid }: WorkerEvent) => {
    if (event === 'unresponsive')
      hung.add(pid); // it is killed now, which is no second reason
    else if (event === 'crashed' && hung.delete(pid)) return;
    if (event === 'ready' || event === 'down') return;
    restarts.inc({ runner_name: runner, worker_index: worker + 1, reason: event, ...service });
  };

  const channels = {
    'ekiben:runners:call-started': (call: CallStarted) => calls.started(call),
    'ekiben:runners:call-ended': (call: CallEnded) => calls.ended(call),
    'ekiben:runners:batch': (batch: BatchesRun) => batches.add(batch),
    'ekiben:runners:worker': restarted,
  };
  const ends = Object.entries(channels).map(([name, listen]) => {
    const ours = (event: unknown) => {
      if (runners.includes((event as Event).runner)) listen(event as never);
    };
    subscribe(name, ours);
    return () => unsubscribe(name, ours);
  });
  return () => ends.forEach((end) => end());
}

/** Of the calls that go to a process or into a queue: what the others cost is in the request that makes them. */
class CallCounts {
  readonly #service: Labels;
  readonly #meters = new Map<string, readonly [RequestMeter, Labels]>();
  readonly #refused: Counter;

  constructor(registers: [Registry], service: Labels) {
    this.#service = service;
    registerRequests(
      {
        prefix: 'bentoml_runner',
        help: { each: 'runner RPC', all: 'runner RPC' },
        labels: ['runner_name', ...Object.keys(service)],
        meters: () => this.#meters.values(),
      },
      registers,
    );
    this.#refused = new Counter({
      name: 'ekiben_runner_refused_total',
      help: 'Total number of runner calls that were turned away instead of computed',
      labelNames: ['runner_name', 'method_name', 'reason', ...Object.keys(service)],
      registers,
    });
  }

  started(call: CallStarted): void {
    this.#of(call).begin();
  }

  ended({ call, outcome, error, durationMs }: CallEnded): void {
    const { runner, method } = call;
    const status = outcome === 'answered' ? 200 : outcome === 'cancelled' ? CLIENT_CLOSED : statusOf(error);
    this.#of(call).end(status, durationMs);
    const reason = outcome === 'failed' && EkibenError.is(error) ? REFUSALS.get(error.code) : undefined;
    if (reason !== undefined) {
      this.#refused.inc({ runner_name: runner, method_name: method, reason, ...this.#service });
    }
  }

  #of({ runner, method }: CallStarted): RequestMeter {
    const key = `${runner} ${method}`;
    let found = this.#meters.get(key);
    if (found === undefined) {
      found = [new RequestMeter(`/${method}`), { runner_name: runner, ...this.#service }];
      this.#meters.set(key, found);
    }
    return found[0];
  }
}

interface BatchCount {
  readonly labels: Labels;
  readonly rows: Buckets;
  readonly queued: Buckets;
  readonly durations: Buckets;
}

class BatchCounts {
  readonly #service: Labels;
  readonly #counts = new Map<string, BatchCount>();

  constructor(registers: [Registry], service: Labels) {
    this.#service = service;
    const labelNames = ['runner_name', 'worker_index', 'method_name', ...Object.keys(service)];
    const register = (name: string, help: string, of: 'rows' | 'queued' | 'durations') => {
      const read = () => [...this.#counts.values()].map((count) => [count.labels, count[of]] as const);
      return new BucketsHistogram({ name, help, labelNames, registers }, read);
    };
    register('bentoml_runner_adaptive_batch_size', 'Runner adaptive batch size', 'rows');
    register(
      'ekiben_runner_queue_duration_seconds',
      'How long the oldest call of a batch was queued in seconds',
      'queued',
    );
    register('ekiben_runner_batch_duration_seconds', 'How long a batch was computed in seconds', 'durations');
  }

  add(batch: BatchesRun): void {
    const { rows, queued, durations } = this.#of(batch);
    addTally(rows, batch.rows, 1);
    addTally(queued, batch.queuedMs, 1000);
    addTally(durations, batch.durationMs, 1000);
  }

  #of({ runner, method, worker, maxBatchSize }: BatchesRun): BatchCount {
    const key = `${runner} ${method} ${worker}`;
    let count = this.#counts.get(key);
    if (count === undefined) {
      // BentoML counts its workers from 1; 0 is the process that calls.
      const worker_index = worker === null ? 0 : worker + 1;
      count = {
        labels: { runner_name: runner, worker_index, method_name: method, ...this.#service },
        rows: new Buckets(sizeBuckets(maxBatchSize)),
        queued: new Buckets(BATCH_BUCKETS),
        durations: new Buckets(BATCH_BUCKETS),
      };
      this.#counts.set(key, count);
    }
    return count;
  }
}

function addTally(to: Buckets, tally: Tally, unit: number): void {
  for (const [value, batches] of tally) to.add(value / unit, batches);
}

/** BentoML's: powers of two below the largest size, and that. */
function sizeBuckets(maxBatchSize: number): readonly number[] {
  const bounds: number[] = [];
  for (let bound = 1; bound < maxBatchSize; bound *= 2) bounds.push(bound);
  return [...bounds, maxBatchSize];
}
