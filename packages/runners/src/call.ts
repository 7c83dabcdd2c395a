/** The options of a call: where they come from, and when a call is over before it has an answer. */
import { EkibenError } from '@ekiben/spec';
import { callContext } from './call-context.ts';
import type { CallContext } from './call-context.ts';
import type { CallStarted } from './channels.ts';
import { eitherSignal } from './cancellation.ts';
import type { CallOptions } from './types.ts';

/** A call's own options with what the request around it adds. */
export type Call = CallContext & Pick<CallOptions, 'priority' | 'since'>;

export const NO_OPTIONS: Call = Object.freeze({});

/**
 * What `.with()` said counts before what the request says.
 * @param timeoutMs - how long the call may take in any case
 */
export function inContext(options: Call, timeoutMs: number): Call {
  const context = callContext();
  if (context === undefined && timeoutMs === Infinity) return options;
  const own = timeoutMs === Infinity ? Infinity : performance.now() + timeoutMs;
  return {
    signal: eitherSignal(options.signal, context?.signal),
    deadline: Math.min(options.deadline ?? Infinity, context?.deadline ?? Infinity, own),
    priority: options.priority,
    since: options.since,
    caller: options.caller ?? context?.caller,
    traceparent: context?.traceparent,
    tracestate: context?.tracestate,
  };
}

/** What who listens has said of the trace counts from here on. */
export function withTrace(call: Call, started: CallStarted | null): Call {
  return started === null || started.trace === call ? call : { ...call, ...started.trace };
}

/** @throws the signal's reason, or EKIBEN_DEADLINE_EXCEEDED */
export function throwIfOver({ signal, deadline }: Call): void {
  signal?.throwIfAborted();
  if (deadline !== undefined && deadline <= performance.now()) throw timedOut();
}

export function timedOut(): EkibenError {
  return new EkibenError('EKIBEN_DEADLINE_EXCEEDED', 'The deadline of the call passed before it had an answer.');
}
