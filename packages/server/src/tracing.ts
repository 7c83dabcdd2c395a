/** OpenTelemetry traces: its packages are optional peers, loaded only where they are wanted. */
import { createRequire } from 'node:module';
import type { Observer } from '@ekiben/runners';
import { EkibenError } from '@ekiben/spec';

/** Plain data. What is not said here, the `OTEL_…` variables of the environment say. */
export interface TracingOptions {
  /** Which share of the traces that begin here is recorded, 0 to 1; others are as their caller says. @default OTEL_TRACES_SAMPLER, else 1 */
  readonly sampleRate?: number | undefined;
  /**
   * Regular expressions: a request with a part of its path like one of them makes no span.
   * @default those of probes and scrapers: /metrics, /healthz, /livez, /readyz
   */
  readonly excludedUrls?: readonly string[] | undefined;
  /** @default OTEL_EXPORTER_OTLP_TRACES_PROTOCOL or OTEL_EXPORTER_OTLP_PROTOCOL, else 'http/protobuf' */
  readonly protocol?: OtlpProtocol | undefined;
  /**
   * Where spans are sent, whole: `http://collector:4318/v1/traces`.
   * @default OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, or OTEL_EXPORTER_OTLP_ENDPOINT with `/v1/traces`, else that of localhost:4318
   */
  readonly endpoint?: string | undefined;
  /** With each export, such as a key of the collector's. @default OTEL_EXPORTER_OTLP_HEADERS */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** @default OTEL_EXPORTER_OTLP_COMPRESSION, else 'none' */
  readonly compression?: 'gzip' | 'none' | undefined;
  /** For an export, its repetitions included, in milliseconds. @default OTEL_EXPORTER_OTLP_TIMEOUT, else 10000 */
  readonly timeoutMs?: number | undefined;
  /** Authorities that the collector's certificate is checked against, PEM. @default OTEL_EXPORTER_OTLP_CERTIFICATE, else Node's */
  readonly ca?: string | undefined;
}

export type OtlpProtocol = 'http/protobuf' | 'http/json';

/** What a process says of itself with its spans. */
export interface TracedProcess {
  /** `service.name`, unless OTEL_SERVICE_NAME or OTEL_RESOURCE_ATTRIBUTES has another. */
  readonly service: string;
  readonly version: string;
  /** The runner whose calls the process computes; undefined for one that answers requests. */
  readonly runner?: string | undefined;
}

/** Versions that run on the oldest Node that Ekiben runs on. */
const PACKAGES = '@opentelemetry/api@1.9 @opentelemetry/resources@2.9 @opentelemetry/sdk-trace-node@2.9';
const EXPORTERS: Readonly<Record<OtlpProtocol, string>> = {
  'http/protobuf': '@opentelemetry/exporter-trace-otlp-proto@0.220',
  'http/json': '@opentelemetry/exporter-trace-otlp-http@0.220',
};

/**
 * Begins to make spans of what happens in this process, and to send them. The result sends the last ones and ends it; it never fails.
 * Where the program has registered an SDK of OpenTelemetry's itself, its spans go there, and only `excludedUrls` counts.
 * @throws EKIBEN_TRACING_PACKAGES with the line that installs them, EKIBEN_TRACING_PROTOCOL
 */
export async function startTracing(options: TracingOptions, about: TracedProcess): Promise<() => Promise<void>> {
  const protocol = options.protocol ?? protocolOfEnvironment();
  const { startSpans, loadExporter } = await loaded(protocol, () => import('./otel.ts'));
  return startSpans(await loaded(protocol, () => loadExporter(protocol)), options, about);
}

/** Why no traces can be sent from here as the environment says: packages that are not installed, or a protocol. Null: they can. */
export async function whyNoTracing(): Promise<EkibenError | null> {
  try {
    const protocol = protocolOfEnvironment();
    const { loadExporter } = await loaded(protocol, () => import('./otel.ts'));
    await loaded(protocol, () => loadExporter(protocol));
    return null;
  } catch (error) {
    if (EkibenError.is(error)) return error;
    throw error;
  }
}

async function loaded<T>(protocol: OtlpProtocol, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    if (!isMissingPackage(error)) throw error;
    const message = `Traces need packages of OpenTelemetry that are not installed: npm i ${PACKAGES} ${EXPORTERS[protocol]}`;
    throw new EkibenError('EKIBEN_TRACING_PACKAGES', message, { cause: error });
  }
}

function protocolOfEnvironment(): OtlpProtocol {
  const { OTEL_EXPORTER_OTLP_TRACES_PROTOCOL, OTEL_EXPORTER_OTLP_PROTOCOL } = process.env;
  const protocol = OTEL_EXPORTER_OTLP_TRACES_PROTOCOL || OTEL_EXPORTER_OTLP_PROTOCOL || 'http/protobuf';
  if (Object.hasOwn(EXPORTERS, protocol)) return protocol as OtlpProtocol;
  throw new EkibenError(
    'EKIBEN_TRACING_PROTOCOL',
    `Traces are sent by http/protobuf or http/json, usually to port 4318; OTEL_EXPORTER_OTLP_PROTOCOL is ${protocol.slice(0, 50)}.`,
  );
}

function isMissingPackage(error: unknown): boolean {
  const { code, message } = error as NodeJS.ErrnoException;
  return (code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND') && message.includes('@opentelemetry/');
}

interface ObserverOptions extends TracedProcess {
  readonly tracing: TracingOptions;
}

/** What traces the worker processes of runners. */
export function tracingObserver(tracing: TracingOptions | undefined, about: TracedProcess): Observer | undefined {
  if (tracing === undefined) return undefined;
  const module = createRequire(import.meta.url).resolve('@ekiben/server/runner-observer');
  return { module, options: { tracing, ...about } satisfies ObserverOptions };
}

export function traceRunner(options: unknown, runner: string): Promise<() => Promise<void>> {
  const { tracing, service, version } = options as ObserverOptions;
  return startTracing(tracing, { service, version, runner });
}
