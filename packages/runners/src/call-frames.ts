/**
 * The body of a call frame: which method, what the call may take, and its arguments.
 *
 *     u8 method │ u8 fields │ f64 since │ [f64 deadline] [f64 priority] [string caller] [string traceparent] [string tracestate]
 *     │ value arguments
 *
 * `method` counts in the list of the worker's hello. `since` is when the caller began to wait: a worker that computes reads the call
 * later. Times are milliseconds of the machine's monotonic clock, which its processes have in common.
 */
import type { Call } from './call.ts';
import { frameError } from './frames.ts';
import type { FrameBody, FrameWriter } from './frames.ts';
import { readValue, writeValue } from './values.ts';

/** Part of every handshake; raised whenever frames change their meaning. */
export const PROTOCOL = 2;

export interface Hello {
  readonly protocol: number;
  readonly runner: string;
  /** Tags; both sides must have the same, or an answer would come of another version than the caller resolved. */
  readonly models: readonly string[];
}

/** The worker's half. */
export interface WorkerHello extends Hello {
  readonly methods: readonly string[];
  readonly pid: number;
}

const FIELD = {
  stream: 1,
  cancellable: 2,
  deadline: 4,
  priority: 8,
  caller: 16,
  traceparent: 32,
  tracestate: 64,
} as const;

/** That clock when `performance.now()` was 0. */
const CLOCK_OFFSET_MS = Number(process.hrtime.bigint()) / 1e6 - performance.now();

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export interface CallFrame {
  readonly method: number;
  readonly stream: boolean;
  /** A cancel frame may follow. */
  readonly cancellable: boolean;
  /** The caller said anything beside method and arguments. */
  readonly hasContext: boolean;
  /** For the reader to add a signal. */
  readonly call: Mutable<Call>;
  readonly args: readonly unknown[];
}

export function writeCall(
  to: FrameWriter,
  method: number,
  name: string,
  args: readonly unknown[],
  call: Call,
  stream: boolean,
): void {
  const { signal, since = performance.now(), deadline = Infinity, priority = 0 } = call;
  const { caller = '', traceparent = '', tracestate = '' } = call;
  to.u8(method);
  to.u8(
    (stream ? FIELD.stream : 0) |
      (signal !== undefined || stream ? FIELD.cancellable : 0) |
      (deadline !== Infinity ? FIELD.deadline : 0) |
      (priority !== 0 ? FIELD.priority : 0) |
      (caller !== '' ? FIELD.caller : 0) |
      (traceparent !== '' ? FIELD.traceparent : 0) |
      (tracestate !== '' ? FIELD.tracestate : 0),
  );
  to.f64(since + CLOCK_OFFSET_MS);
  if (deadline !== Infinity) to.f64(deadline + CLOCK_OFFSET_MS);
  if (priority !== 0) to.f64(priority);
  if (caller !== '') to.string(caller);
  if (traceparent !== '') to.string(traceparent);
  if (tracestate !== '') to.string(tracestate);
  writeValue(to, args, `the arguments of ${name}`);
}

export function readCall(from: FrameBody): CallFrame {
  const method = from.u8();
  const fields = from.u8();
  const call: Mutable<Call> = { since: from.f64() - CLOCK_OFFSET_MS };
  if (fields & FIELD.deadline) call.deadline = from.f64() - CLOCK_OFFSET_MS;
  if (fields & FIELD.priority) call.priority = from.f64();
  if (fields & FIELD.caller) call.caller = from.string();
  if (fields & FIELD.traceparent) call.traceparent = from.string();
  if (fields & FIELD.tracestate) call.tracestate = from.string();
  const args = readValue(from);
  from.end();
  if (!Array.isArray(args)) throw frameError('the arguments of a call are no list');
  return {
    method,
    stream: (fields & FIELD.stream) !== 0,
    cancellable: (fields & FIELD.cancellable) !== 0,
    hasContext: fields !== 0,
    call,
    args,
  };
}
