/** The values as options of the libraries, named and measured as they name and measure theirs: milliseconds, camel case. */
import type { runnerKeys, serverKeys, tracingKeys, Values } from './keys.ts';

/** What `serve` is told. A property that is not there was not configured. */
export interface ServerSettings {
  readonly port?: number | undefined;
  readonly host?: string | undefined;
  readonly unixSocket?: string | undefined;
  readonly pathPrefix?: string | undefined;
  readonly requestId?: boolean | undefined;
  readonly securityHeaders?: boolean | undefined;
  readonly traceId?: boolean | undefined;
  readonly workers?: number | undefined;
  readonly backlog?: number | undefined;
  readonly timeoutMs?: number | undefined;
  readonly maxConcurrency?: number | undefined;
  readonly keepAliveTimeoutMs?: number | undefined;
  readonly headersTimeoutMs?: number | undefined;
  readonly requestTimeoutMs?: number | undefined;
  readonly graceMs?: number | undefined;
  readonly probeRunners?: boolean | undefined;
  /** Names of files, still to be read. Absent: no HTTPS. */
  readonly tls?: TlsSettings | undefined;
  readonly metrics?: MetricsSettings | undefined;
  readonly accessLog?: AccessLogSettings | undefined;
  /** Absent: other origins may not. */
  readonly cors?: CorsSettings | undefined;
}

export interface TlsSettings {
  readonly certFile: string;
  readonly keyFile: string;
  readonly passphrase?: string | undefined;
  readonly caFile?: string | undefined;
  readonly clientCertificate?: 'none' | 'optional' | 'required' | undefined;
  readonly ciphers?: string | undefined;
  readonly maxVersion?: 'TLSv1.2' | undefined;
}

export interface MetricsSettings {
  readonly enabled?: boolean | undefined;
  readonly namespace?: string | undefined;
  /** Upper bounds, in seconds. */
  readonly buckets?: readonly number[] | undefined;
}

export interface AccessLogSettings {
  readonly enabled?: boolean | undefined;
  readonly requestContentLength?: boolean | undefined;
  readonly requestContentType?: boolean | undefined;
  readonly responseContentLength?: boolean | undefined;
  readonly responseContentType?: boolean | undefined;
  readonly skipPaths?: readonly string[] | undefined;
  readonly traceIdFormat?: string | undefined;
  readonly spanIdFormat?: string | undefined;
}

/** What is sent to a collector of traces, and where it is. */
export interface TracingSettings {
  readonly sampleRate?: number | undefined;
  readonly excludedUrls?: readonly string[] | undefined;
  readonly timeoutMs?: number | undefined;
  readonly protocol?: 'http/protobuf' | 'http/json' | undefined;
  readonly endpoint?: string | undefined;
  readonly compression?: 'gzip' | 'none' | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Still to be read. */
  readonly caFile?: string | undefined;
}

export interface CorsSettings {
  readonly origins?: readonly string[] | undefined;
  readonly originPattern?: string | undefined;
  readonly credentials?: boolean | undefined;
  readonly methods?: readonly string[] | undefined;
  readonly headers?: readonly string[] | undefined;
  readonly exposeHeaders?: readonly string[] | undefined;
  /** In seconds. */
  readonly maxAge?: number | undefined;
}

/** What a runner is told: `RunnerSettings` of `@ekiben/runners`. */
export interface RunnerSettings {
  readonly placement?: 'auto' | 'embedded' | 'process' | undefined;
  readonly workers?: number | undefined;
  readonly timeoutMs?: number | undefined;
  readonly batching?:
    | {
        readonly enabled?: boolean | undefined;
        readonly maxBatchSize?: number | undefined;
        readonly maxLatencyMs?: number | undefined;
        readonly maxWaitMs?: number | undefined;
      }
    | undefined;
  readonly resources?:
    | {
        readonly cpus?: number | undefined;
        readonly gpus?: number | string | readonly (number | string)[] | undefined;
        readonly workersPerGpu?: number | undefined;
        readonly memoryMiB?: number | undefined;
      }
    | undefined;
}

const milliseconds = (seconds: number | undefined) => (seconds === undefined ? undefined : seconds * 1000);

export function serverSettings(values: Values<typeof serverKeys>): ServerSettings {
  const { workers } = values;
  return given<ServerSettings>({
    port: values['http.port'],
    host: values['http.host'],
    unixSocket: values['http.unix_socket'],
    pathPrefix: values['http.path_prefix'],
    requestId: values['http.request_id'],
    securityHeaders: values['http.security_headers'],
    traceId: values['http.response.trace_id'],
    workers: workers === 'cpu_count' ? undefined : workers,
    backlog: values.backlog,
    timeoutMs: milliseconds(values['traffic.timeout']),
    maxConcurrency: values['traffic.max_concurrency'],
    keepAliveTimeoutMs: milliseconds(values['timeouts.keep_alive']),
    headersTimeoutMs: milliseconds(values['timeouts.headers']),
    requestTimeoutMs: milliseconds(values['timeouts.request']),
    graceMs: milliseconds(values['timeouts.graceful_shutdown']),
    probeRunners: values['runner_probe.enabled'],
    tls: tls(values),
    metrics: some({
      enabled: values['metrics.enabled'],
      namespace: values['metrics.namespace'],
      buckets: values['metrics.duration.buckets'] ?? exponentialBuckets(values),
    }),
    accessLog: some({
      enabled: values['logging.access.enabled'],
      requestContentLength: values['logging.access.request_content_length'],
      requestContentType: values['logging.access.request_content_type'],
      responseContentLength: values['logging.access.response_content_length'],
      responseContentType: values['logging.access.response_content_type'],
      skipPaths: values['logging.access.skip_paths'],
      traceIdFormat: values['logging.access.format.trace_id'],
      spanIdFormat: values['logging.access.format.span_id'],
    }),
    cors: cors(values),
  });
}

export function tracingSettings(values: Values<typeof tracingKeys>): TracingSettings | undefined {
  const { 'otlp.endpoint': endpoint, 'otlp.protocol': protocol } = values;
  const exporter = values.exporter_type ?? (endpoint === undefined ? undefined : 'otlp');
  if (exporter !== 'otlp') return undefined;
  return given<TracingSettings>({
    sampleRate: values.sample_rate,
    excludedUrls: values.excluded_urls,
    timeoutMs: milliseconds(values.timeout),
    protocol: protocol === 'http' ? 'http/protobuf' : protocol,
    endpoint,
    compression: values['otlp.compression'],
    headers: values['otlp.http.headers'],
    caFile: values['otlp.http.certificate_file'],
  });
}

export function runnerSettings(values: Values<typeof runnerKeys>): RunnerSettings {
  const gpus = values['resources."nvidia.com/gpu"'] ?? values['resources.gpu'];
  const perResource = values.workers_per_resource;
  const workers =
    values.workers ?? (gpus === undefined && perResource !== undefined ? Math.ceil(perResource) : undefined);
  return given<RunnerSettings>({
    placement: values.placement,
    workers,
    timeoutMs: milliseconds(values['traffic.timeout']),
    batching: some({
      enabled: values['batching.enabled'],
      maxBatchSize: values['batching.max_batch_size'],
      maxLatencyMs: values['batching.max_latency_ms'],
      maxWaitMs: values['batching.max_wait_ms'],
    }),
    resources: some({
      cpus: values['resources.cpu'],
      gpus,
      workersPerGpu: gpus === undefined ? undefined : perResource,
      memoryMiB: values['resources.memory'],
    }),
  });
}

const CLIENT_CERTIFICATE = ['none', 'optional', 'required'] as const;

function tls(values: Values<typeof serverKeys>): TlsSettings | undefined {
  const { 'ssl.certfile': certFile, 'ssl.keyfile': keyFile } = values;
  if (values['ssl.enabled'] === false || certFile === undefined || keyFile === undefined) return undefined;
  const required = values['ssl.cert_reqs'];
  return given<TlsSettings>({
    certFile,
    keyFile,
    passphrase: values['ssl.keyfile_password'],
    caFile: values['ssl.ca_certs'],
    clientCertificate: required === undefined ? undefined : CLIENT_CERTIFICATE[required],
    ciphers: values['ssl.ciphers'],
    maxVersion: values['ssl.version'] === 5 ? 'TLSv1.2' : undefined,
  });
}

function cors(values: Values<typeof serverKeys>): CorsSettings | undefined {
  if (values['http.cors.enabled'] !== true) return undefined;
  return given<CorsSettings>({
    origins: values['http.cors.access_control_allow_origins'],
    originPattern: values['http.cors.access_control_allow_origin_regex'],
    credentials: values['http.cors.access_control_allow_credentials'],
    methods: values['http.cors.access_control_allow_methods'],
    headers: values['http.cors.access_control_allow_headers'],
    exposeHeaders: values['http.cors.access_control_expose_headers'],
    maxAge: values['http.cors.access_control_max_age'],
  });
}

/** As BentoML makes them of `min`, `max` and `factor`: the last is `max` itself. */
function exponentialBuckets(values: Values<typeof serverKeys>): readonly number[] | undefined {
  const { 'metrics.duration.min': min, 'metrics.duration.max': max, 'metrics.duration.factor': factor } = values;
  if (min === undefined || max === undefined || factor === undefined) return undefined;
  const buckets: number[] = [];
  for (let bound = min; bound < max && buckets.length < MAX_BUCKETS; bound *= factor) buckets.push(bound);
  return [...buckets, max];
}

/** Each is a time series for every API, method and status; a factor of 1.0001 would be a mistake. */
const MAX_BUCKETS = 100;

/** Without what is undefined. */
function given<T extends object>(options: T): T {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T;
}

function some<T extends object>(options: T): T | undefined {
  const rest = given(options);
  return Object.keys(rest).length === 0 ? undefined : rest;
}
