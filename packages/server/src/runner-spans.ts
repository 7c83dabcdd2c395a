/**
 * Spans of what runners do: one a call, and one a batch, which belongs to several calls. It has a link to each of them, and is a child
 * of the first one that is recorded, so that it is recorded where one of its calls is.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import {
  context,
  createTraceState,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
} from '@opentelemetry/api';
import type { Context, Span, SpanContext, Tracer } from '@opentelemetry/api';
import type { CallEnded, CallStarted, ComputeEnded, ComputeStarted, TraceContext } from '@ekiben/runners';
import { EkibenError } from '@ekiben/spec';

/** Begins. The result ends it. */
export function traceRunners(tracer: Tracer): () => void {
  const spans = new WeakMap<object, Span>();

  const callStarted = (call: CallStarted) => {
    const { runner, method, to } = call;
    const kind = to === 'process' ? SpanKind.CLIENT : SpanKind.INTERNAL;
    const active = context.active();
    const parent = trace.getSpan(active) === undefined ? contextOf(read(call.trace)) : active;
    const span = tracer.startSpan(`${runner}/${method}`, { kind, attributes: names(runner, method) }, parent);
    call.trace = write(span.spanContext());
    spans.set(call, span);
  };

  const callEnded = ({ call, outcome, error }: CallEnded) => {
    const span = spans.get(call);
    if (span === undefined) return;
    if (outcome === 'failed') fail(span, error);
    else if (outcome === 'cancelled') span.setAttribute('error.type', 'cancelled');
    span.end();
  };

  const computeStarted = (started: ComputeStarted) => {
    const { runner, method, batch } = started;
    const calls = started.calls.map(read).filter((call) => call !== undefined);
    const parent = contextOf(calls.find(isRecorded) ?? calls[0]);
    const attributes = names(runner, method);
    const span =
      batch === null
        ? tracer.startSpan(`${runner}/${method}`, { kind: SpanKind.SERVER, attributes }, parent)
        : tracer.startSpan(
            `${runner}/${method} batch`,
            {
              links: calls.map((call) => ({ context: call })),
              attributes: {
                ...attributes,
                'ekiben.batch.calls': started.calls.length,
                'ekiben.batch.rows': batch.rows,
                'ekiben.batch.waited_ms': batch.waitedMs,
              },
            },
            parent,
          );
    const inside = trace.setSpan(parent, span);
    started.enter = (compute) => context.with(inside, compute);
    spans.set(started, span);
  };

  const computeEnded = ({ started, error }: ComputeEnded) => {
    const span = spans.get(started);
    if (span === undefined) return;
    if (error !== undefined) fail(span, error);
    span.end();
  };

  const channels = {
    'ekiben:runners:call-started': callStarted,
    'ekiben:runners:call-ended': callEnded,
    'ekiben:runners:compute-started': computeStarted,
    'ekiben:runners:compute-ended': computeEnded,
  };
  const ends = Object.entries(channels).map(([name, listen]) => {
    const hear = (message: unknown) => listen(message as never);
    subscribe(name, hear);
    return () => unsubscribe(name, hear);
  });
  return () => ends.forEach((end) => end());
}

const names = (runner: string, method: string) => ({
  'rpc.system': 'ekiben',
  'rpc.service': runner,
  'rpc.method': method,
});

function fail(span: Span, error: unknown): void {
  const reason = error instanceof Error ? error : new Error(String(error));
  span.setAttribute('error.type', EkibenError.is(error) ? error.code : reason.name);
  span.setStatus({ code: SpanStatusCode.ERROR, message: reason.message });
  span.recordException(reason);
}

const isRecorded = ({ traceFlags }: SpanContext) => (traceFlags & TraceFlags.SAMPLED) !== 0;

function contextOf(parent: SpanContext | undefined): Context {
  return parent === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, parent);
}

/** As W3C Trace Context has it, of version 00 and of later ones that begin like it. */
const TRACEPARENT = /^[\da-f]{2}-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})/;

function read({ traceparent = '', tracestate }: TraceContext): SpanContext | undefined {
  const [, traceId, spanId, flags] = TRACEPARENT.exec(traceparent) ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  const traceFlags = Number.parseInt(flags, 16);
  const state = tracestate === undefined ? {} : { traceState: createTraceState(tracestate) };
  return { traceId, spanId, traceFlags, isRemote: true, ...state };
}

function write({ traceId, spanId, traceFlags, traceState }: SpanContext): TraceContext {
  const flags = traceFlags.toString(16).padStart(2, '0');
  return { traceparent: `00-${traceId}-${spanId}-${flags}`, tracestate: traceState?.serialize() };
}
