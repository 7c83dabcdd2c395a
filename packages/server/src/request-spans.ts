/** A span a request, by OpenTelemetry's conventions for HTTP servers. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { context, propagation, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import type { Attributes, Span, TextMapGetter, Tracer } from '@opentelemetry/api';
import type { NodeExchange } from './node-exchange.ts';
import type { RequestAnswered, RequestStarted } from './request-channel.ts';
import { SITE_PATHS } from './site-paths.ts';
import type { TracingOptions } from './tracing.ts';

const HEADERS: TextMapGetter<NodeExchange> = {
  get: (exchange, name) => exchange.header(name.toLowerCase()),
  keys: (exchange) => Object.keys(exchange.request.headers),
};

/** Others are not told from one another, so that a client cannot make ever more names. */
const METHODS: ReadonlySet<string> = new Set([
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'DELETE',
  'CONNECT',
  'OPTIONS',
  'TRACE',
  'PATCH',
  'QUERY',
]);

/** Begins. The result ends it. */
export function traceRequests(tracer: Tracer, { excludedUrls = SITE_PATHS }: TracingOptions): () => void {
  const excluded = excludedUrls.length === 0 ? null : new RegExp(excludedUrls.map((each) => `(?:${each})`).join('|'));
  const spans = new WeakMap<NodeExchange, Span>();

  const start = (message: unknown) => {
    const started = message as RequestStarted;
    const { exchange, route } = started;
    if (excluded?.test(exchange.path) === true) return;
    const parent = propagation.extract(ROOT_CONTEXT, exchange, HEADERS);
    const attributes = attributesOf(exchange, route);
    const method = attributes['http.request.method'] === '_OTHER' ? 'HTTP' : exchange.method;
    const name = route === '*' ? method : `${method} ${route}`;
    const span = tracer.startSpan(name, { kind: SpanKind.SERVER, attributes }, parent);
    const inside = trace.setSpan(parent, span);
    spans.set(exchange, span);
    exchange.trace = span.spanContext();
    started.enter = (answer) => context.with(inside, answer);
  };

  const end = (message: unknown) => {
    const { exchange, status } = message as RequestAnswered;
    const span = spans.get(exchange);
    if (span === undefined) return;
    span.setAttribute('http.response.status_code', status);
    if (status >= 500) span.setAttribute('error.type', String(status)).setStatus({ code: SpanStatusCode.ERROR });
    span.end();
  };

  subscribe('ekiben:server:request-started', start);
  subscribe('ekiben:server:request', end);
  return () => {
    unsubscribe('ekiben:server:request-started', start);
    unsubscribe('ekiben:server:request', end);
  };
}

function attributesOf(exchange: NodeExchange, route: string): Attributes {
  const { request, method } = exchange;
  const isKnown = METHODS.has(method);
  const attributes: Attributes = {
    'http.request.method': isKnown ? method : '_OTHER',
    'url.path': exchange.path,
    'url.scheme': exchange.scheme,
    'network.protocol.version': request.httpVersion,
  };
  if (!isKnown) attributes['http.request.method_original'] = method;
  if (route !== '*') attributes['http.route'] = route;
  const agent = exchange.header('user-agent');
  if (agent !== undefined) attributes['user_agent.original'] = agent;
  const { remoteAddress } = request.socket;
  if (remoteAddress !== undefined) attributes['client.address'] = remoteAddress;
  return attributes;
}
