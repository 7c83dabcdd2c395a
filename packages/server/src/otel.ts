/** The SDK of OpenTelemetry: what makes spans, and what sends them. Imported only where traces are wanted. */
import { hostname } from 'node:os';
import { randomUUID } from 'node:crypto';
import { context, diag, DiagLogLevel, propagation, trace } from '@opentelemetry/api';
import type { DiagLogger, ProxyTracerProvider, Tracer } from '@opentelemetry/api';
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import {
  BatchSpanProcessor,
  NodeTracerProvider,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace-node';
import type { SpanExporter } from '@opentelemetry/sdk-trace-node';
import type { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { FLUSH_MS } from './limits.ts';
import { traceRequests } from './request-spans.ts';
import { traceRunners } from './runner-spans.ts';
import type { OtlpProtocol, TracedProcess, TracingOptions } from './tracing.ts';

type Exporter = typeof OTLPTraceExporter;

/** By a package of its own. */
export async function loadExporter(protocol: OtlpProtocol): Promise<Exporter> {
  const { OTLPTraceExporter: exporter } =
    protocol === 'http/json'
      ? await import('@opentelemetry/exporter-trace-otlp-http')
      : await import('@opentelemetry/exporter-trace-otlp-proto');
  return exporter;
}

export async function startSpans(
  exporter: Exporter,
  options: TracingOptions,
  about: TracedProcess,
): Promise<() => Promise<void>> {
  const provider = createProvider(createExporter(exporter, options), options, about);
  diag.setLogger(warnings(), { logLevel: logLevel(), suppressOverrideMessage: true });
  provider.register();
  const registered = trace.getTracerProvider() as ProxyTracerProvider;
  const isOurs = registered.getDelegate() === provider;
  if (!isOurs) await provider.shutdown();
  const tracer: Tracer = trace.getTracer('@ekiben/server');
  const ends = [traceRequests(tracer, options), traceRunners(tracer)];
  return async () => {
    for (const end of ends) end();
    if (!isOurs) return;
    await inTime(provider.shutdown());
    trace.disable();
    context.disable();
    propagation.disable();
  };
}

function createProvider(exporter: SpanExporter, { sampleRate }: TracingOptions, about: TracedProcess) {
  return new NodeTracerProvider({
    resource: resourceOf(about),
    spanProcessors: [new BatchSpanProcessor(exporter)],
    // Otherwise as OTEL_TRACES_SAMPLER says.
    ...(sampleRate !== undefined && {
      sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(sampleRate) }),
    }),
  });
}

function createExporter(exporter: Exporter, options: TracingOptions): SpanExporter {
  const { endpoint, headers, compression, timeoutMs, ca } = options;
  type Config = NonNullable<ConstructorParameters<Exporter>[0]>;
  return new exporter({
    ...(endpoint !== undefined && { url: endpoint }),
    ...(headers !== undefined && { headers }),
    ...(compression !== undefined && { compression: compression as NonNullable<Config['compression']> }),
    ...(timeoutMs !== undefined && { timeoutMillis: timeoutMs }),
    ...(ca !== undefined && { httpAgentOptions: { ca, keepAlive: true } }),
  });
}

function resourceOf({ service, version, runner }: TracedProcess) {
  return defaultResource()
    .merge(
      resourceFromAttributes({
        'service.name': service,
        'service.version': version,
        'service.instance.id': randomUUID(),
        'host.name': hostname(),
        'process.pid': process.pid,
        'process.runtime.name': 'nodejs',
        'process.runtime.version': process.versions.node,
        ...(runner !== undefined && { 'ekiben.runner': runner }),
      }),
    )
    .merge(detectResources({ detectors: [envDetector] }));
}

/** A collector that does not answer is not waited for. */
async function inTime(sent: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<void>((resolve) => (timer = setTimeout(resolve, FLUSH_MS)));
  await Promise.race([sent.catch(() => {}), over]);
  clearTimeout(timer);
}

function logLevel(): DiagLogLevel {
  const name = process.env['OTEL_LOG_LEVEL']?.toUpperCase() ?? '';
  return Object.hasOwn(DiagLogLevel, name) ? DiagLogLevel[name as keyof typeof DiagLogLevel] : DiagLogLevel.ERROR;
}

const SAME_WARNING_MS = 60_000;

/** As warnings of the process, the same one once a minute: a collector that is gone is worth no more. */
function warnings(): DiagLogger {
  const said = new Map<string, number>();
  const say = (message: string) => {
    const text = readable(message);
    const now = Date.now();
    if ((said.get(text) ?? 0) > now - SAME_WARNING_MS) return;
    said.set(text, now);
    process.emitWarning(text, 'TracingWarning');
  };
  return { error: say, warn: say, info: say, debug: say, verbose: say };
}

/** The SDK gives an error as JSON, with its stack. */
function readable(message: string): string {
  if (!message.startsWith('{')) return message;
  try {
    const { message: reason, code } = JSON.parse(message) as { readonly message?: string; readonly code?: string };
    return `Spans could not be sent: ${reason || code || message}`;
  } catch {
    return message;
  }
}
