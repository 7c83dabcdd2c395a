/** Requests, on `node:diagnostics_channel`. Unheard, they cost nothing. */
import { channel } from 'node:diagnostics_channel';
import type { Reply } from '@ekiben/service';
import type { NodeExchange } from './node-exchange.ts';

/** On `ekiben:server:request-started`: the head of a request has come. */
export interface RequestStarted {
  readonly exchange: NodeExchange;
  /** The path of its route, `*` if it has none. */
  readonly route: string;
  /** Whoever wants it answered in a context of his own sets this. */
  enter: (<T>(answer: () => T) => T) | null;
}

/** On `ekiben:server:request`: a request was answered, or its client left (499). */
export interface RequestAnswered {
  readonly exchange: NodeExchange;
  readonly status: number;
  readonly durationMs: number;
  /** '' where there is none, or the route wrote its answer itself. */
  readonly responseType: string;
  /** In bytes; null for a stream. */
  readonly responseLength: number | null;
}

const started = channel('ekiben:server:request-started');
const answered = channel('ekiben:server:request');

/** Returns in what to answer it; null: in nothing particular. */
export function publishStarted(exchange: NodeExchange, route: string): RequestStarted['enter'] {
  if (!started.hasSubscribers) return null;
  const message: RequestStarted = { exchange, route, enter: null };
  started.publish(message);
  return message.enter;
}

export function publishAnswered(
  exchange: NodeExchange,
  reply: Reply | (() => Promise<void>),
  status: number,
  durationMs: number,
): void {
  if (!answered.hasSubscribers) return;
  const { contentType = '', body = null } = typeof reply === 'function' ? {} : reply;
  const isWhole = typeof body === 'string' || body instanceof Uint8Array;
  answered.publish({
    exchange,
    status,
    durationMs,
    responseType: contentType ?? '',
    responseLength: isWhole ? Buffer.byteLength(body) : null,
  } satisfies RequestAnswered);
}
