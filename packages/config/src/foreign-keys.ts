/** Keys of BentoML that are called otherwise now, and those that have no meaning here. `*` stands for any name. */

/** Old → new, both from the root. */
export const renamedKeys: Readonly<Record<string, string>> = {
  'api_server.port': 'api_server.http.port',
  'api_server.host': 'api_server.http.host',
  'api_server.timeout': 'api_server.traffic.timeout',
  'api_server.cors': 'api_server.http.cors',
  'api_server.cors.access_control_allow_origin': 'api_server.http.cors.access_control_allow_origins',
  'api_server.http.cors.access_control_allow_origin': 'api_server.http.cors.access_control_allow_origins',
  'tracing.type': 'tracing.exporter_type',
  'tracing.otlp.url': 'tracing.otlp.endpoint',
  'runners.timeout': 'runners.traffic.timeout',
  'runners.*.timeout': 'runners.*.traffic.timeout',
};

const GRPC = 'Ekiben serves no gRPC';
const OTLP = 'traces are sent by OTLP over HTTP, which Jaeger and Zipkin collectors take, too: tracing.otlp';
const MONITORING = "Ekiben keeps no monitoring log; write to your own from the API's function";
const RUNNER_LOG = 'a runner of Ekiben answers no HTTP and logs no access';
const NO_PROBE = 'Ekiben asks no runner: its state is known at any time';
const CLOUD = 'it is for BentoCloud';

/** With the reason. Everything below such a key is let pass. */
export const meaninglessKeys: Readonly<Record<string, string>> = {
  'api_server.grpc': GRPC,
  'api_server.max_request_size': 'each API has its own limit: the option `maxBytes` of its input',
  'api_server.max_runner_connections': 'one connection carries all calls to a worker',
  'api_server.runner_probe.timeout': NO_PROBE,
  'api_server.runner_probe.period': NO_PROBE,
  'runners.logging': RUNNER_LOG,
  'runners.*.logging': RUNNER_LOG,
  'runners.metrics': 'runners are measured with the server: api_server.metrics',
  'runners.*.metrics': 'runners are measured with the server: api_server.metrics',
  'runners.traffic.max_concurrency': 'batching.max_latency_ms bounds what a runner takes on',
  'runners.*.traffic.max_concurrency': 'batching.max_latency_ms bounds what a runner takes on',
  'tracing.zipkin': OTLP,
  'tracing.jaeger': OTLP,
  'tracing.otlp.grpc': OTLP,
  'tracing.max_tag_value_length': 'OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT bounds values',
  logging: 'what is logged is said at api_server.logging.access',
  monitoring: MONITORING,
  yatai: 'Ekiben pushes to no Yatai; `ekiben models export` writes to S3',
  'services.name': CLOUD,
  'services.threads': 'a process of Node computes in one thread; see api_server.workers',
  'services.extra_ports': CLOUD,
  'services.http.proxy_port': CLOUD,
  'services.replicate_process': 'a runner gets processes of its own by runners.NAME.workers',
  'services.runner_connection': 'a connection to a worker stays',
  'services.traffic.external_queue': CLOUD,
  'services.traffic.concurrency': CLOUD,
  'services.resources.gpu_type': CLOUD,
  'services.resources.tpu_type': CLOUD,
  'services.monitoring': MONITORING,
};
