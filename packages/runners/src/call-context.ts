/**
 * What travels with a request to the runners it calls: its signal, deadline, trace and caller.
 *
 * The first `run` of an AsyncLocalStorage switches on Node 20's async hooks, which slow every promise of the process. So a server
 * enters a context only for a service that has a runner in need of one ({@link usesCallContext}): an embedded-only service never
 * pays.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { CancelSignal } from './cancellation.ts';

/** Where a call belongs in a trace: the headers of W3C Trace Context. */
export interface TraceContext {
  /** The span that calls, such as `00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01`. */
  readonly traceparent?: string | undefined;
  /** What tracing systems add to it, such as `vendor=t61rcWkgMzE`. */
  readonly tracestate?: string | undefined;
}

export interface CallContext extends TraceContext {
  /** Aborted when nobody wants the answer any more. For `fetch` and others: `toAbortSignal(signal)`. */
  readonly signal?: CancelSignal | undefined;
  /** See `CallOptions`. */
  readonly deadline?: number | undefined;
  /** See `CallOptions`. */
  readonly caller?: string | undefined;
}

const storage = new AsyncLocalStorage<CallContext>();

/** Runs `scope`; the runner calls inside it, however deep, take their signal, deadline, trace and caller from `context`. */
export function withCallContext<T>(context: CallContext, scope: () => T): T {
  return storage.run(context, scope);
}

export function callContext(): CallContext | undefined {
  return storage.getStore();
}
