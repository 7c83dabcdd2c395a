/**
 * What travels with a request to the runners it calls: its signal, deadline, trace and caller.
 *
 * The first `run` of an AsyncLocalStorage switches on Node 20's async hooks, which slow every promise of the process. So a server
 * enters a context only for a service that has a runner in need of one ({@link usesCallContext}): an embedded-only service never
 * pays.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { CancelSignal } from './cancellation.ts';

export interface CallContext {
  /** Aborted when nobody wants the answer any more. For `fetch` and others: `toAbortSignal(signal)`. */
  readonly signal?: CancelSignal | undefined;
  /** See `CallOptions`. */
  readonly deadline?: number | undefined;
  /** See `CallOptions`. */
  readonly caller?: string | undefined;
  /** W3C trace context of the span that calls, such as `00-4bf9…-00f0…-01`. */
  readonly traceparent?: string | undefined;
}

const storage = new AsyncLocalStorage<CallContext>();

/** Runs `scope`; the runner calls inside it, however deep, take their signal, deadline, trace and caller from `context`. */
export function withCallContext<T>(context: CallContext, scope: () => T): T {
  return storage.run(context, scope);
}

export function callContext(): CallContext | undefined {
  return storage.getStore();
}
