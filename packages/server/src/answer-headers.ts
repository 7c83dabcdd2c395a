/** Headers of every answer. */
import type { NodeExchange } from './node-exchange.ts';

export interface AnswerHeaderOptions {
  /** Whether answers have `x-request-id`: the request's own, or one made for it. @default true */
  readonly requestId?: boolean | undefined;
  /**
   * Whether answers say `x-content-type-options: nosniff`, so that no browser takes JSON for a page, and the documentation has a
   * Content-Security-Policy. @default true
   */
  readonly securityHeaders?: boolean | undefined;
  /** Whether answers have BentoML's `x-bentoml-trace-id`, if there are traces. @default false */
  readonly traceId?: boolean | undefined;
}

/** Name, value, name, value. */
export type HeaderPairs = readonly string[];

export function answerHeaders(options: AnswerHeaderOptions): (exchange: NodeExchange) => HeaderPairs {
  const { requestId = true, securityHeaders = true, traceId = false } = options;
  const always: HeaderPairs = securityHeaders ? ['x-content-type-options', 'nosniff'] : [];
  if (traceId) {
    const others = answerHeaders({ ...options, traceId: false });
    const traced = ({ trace }: NodeExchange) => (trace === null ? [] : ['x-bentoml-trace-id', trace.traceId]);
    return (exchange) => [...others(exchange), ...traced(exchange)];
  }
  if (!requestId) return () => always;
  return (exchange) => [...always, 'x-request-id', exchange.requestId];
}

/** What `pairs` has beside `headers`, which count before them. */
export function without(pairs: HeaderPairs, headers: Headers): HeaderPairs {
  return pairs.filter((_each, at) => !headers.has(pairs[at - (at % 2)] ?? ''));
}
