/**
 * The table of keys. Whatever there is to say of a key is said here: reading, checking, the JSON Schema, `ekiben config show`, the
 * flags of `ekiben serve` and the table of the README come from it.
 */
import {
  bool,
  cpus,
  gpus,
  integer,
  mebibytes,
  numberAbove,
  numberFrom,
  oneOf,
  regExp,
  rising,
  text,
  texts,
  workerCount,
} from './value-types.ts';
import type { ValueOf, ValueType } from './value-types.ts';

export interface Key<T = unknown> {
  readonly type: ValueType<T>;
  readonly meaning: string;
  /** The release of BentoML that has it, 1.0.7 for all before; null: it is Ekiben's own. */
  readonly since: string | null;
  /** Where the value goes: an option of `serve`, or of `toRunner`. */
  readonly option: string;
  /** What counts when nobody says anything; null: nothing. */
  readonly default: unknown;
  /** In words, where the default is no value. */
  readonly defaultText?: string;
  /** Of `ekiben serve`, without the dashes. */
  readonly flag?: string;
  /** Of the variables BENTOML_… and EKIBEN_…, what follows. */
  readonly variable?: string;
  /** Never shown. */
  readonly secret?: true;
}

/** What is set, each with its type. */
export type Values<Keys> = { readonly [K in keyof Keys]?: Keys[K] extends { type: infer T } ? ValueOf<T> : never };

const KEEP_ALIVE =
  'seconds that an idle connection is kept; a load balancer in front must be the one to close it, and does so after 60';

/** Below `api_server`. */
export const serverKeys = {
  workers: {
    type: workerCount,
    meaning: 'processes that answer HTTP in production',
    since: '1.0.7',
    option: 'workers',
    default: null,
    defaultText: 'what CPU quota, affinity and memory allow',
    flag: 'api-workers',
    variable: 'API_WORKERS',
  },
  'http.port': {
    type: integer(0, 65_535),
    meaning: 'to listen on; 0 takes a free one',
    since: '1.0.7',
    option: 'port',
    default: 3000,
    flag: 'port',
    variable: 'PORT',
  },
  'http.host': {
    type: text,
    meaning: 'address to listen on; 0.0.0.0 or :: for all',
    since: '1.0.7',
    option: 'host',
    default: '127.0.0.1',
    flag: 'host',
    variable: 'HOST',
  },
  backlog: {
    type: integer(1),
    meaning: 'connections that may wait to be accepted',
    since: '1.0.7',
    option: 'backlog',
    default: 2048,
    flag: 'backlog',
  },
  'traffic.timeout': {
    type: numberAbove(0),
    meaning: 'seconds that an API may take to answer; 504 then',
    since: '1.0.21',
    option: 'timeoutMs',
    default: 60,
    flag: 'timeout',
    variable: 'TIMEOUT',
  },
  'traffic.max_concurrency': {
    type: integer(1),
    meaning: 'requests that an API worker has in flight at most; more get 429',
    since: '1.0.21',
    option: 'maxConcurrency',
    default: null,
    defaultText: 'no limit',
  },
  'timeouts.keep_alive': {
    type: numberFrom(0),
    meaning: KEEP_ALIVE,
    since: '> 1.4.39',
    option: 'keepAliveTimeoutMs',
    default: 72,
    flag: 'timeout-keep-alive',
  },
  'timeouts.graceful_shutdown': {
    type: numberFrom(0),
    meaning: 'seconds that requests in flight have when the server closes',
    since: '> 1.4.39',
    option: 'graceMs',
    default: 25,
    flag: 'timeout-graceful-shutdown',
  },
  'timeouts.headers': {
    type: numberFrom(0),
    meaning: 'seconds that a client may take for its headers; 0 for ever',
    since: null,
    option: 'headersTimeoutMs',
    default: 20,
  },
  'timeouts.request': {
    type: numberFrom(0),
    meaning: 'seconds that a client may take for a whole request, body included; 0 for ever',
    since: null,
    option: 'requestTimeoutMs',
    default: 300,
  },
  'ssl.enabled': {
    type: bool,
    meaning: 'whether to serve HTTPS',
    since: '1.0.11',
    option: 'tls',
    default: null,
    defaultText: 'if there is a certificate',
  },
  'ssl.certfile': {
    type: text,
    meaning: 'file of the certificate and its chain, PEM',
    since: '1.0.7',
    option: 'tls.cert',
    default: null,
    flag: 'ssl-certfile',
  },
  'ssl.keyfile': {
    type: text,
    meaning: "file of the certificate's private key, PEM",
    since: '1.0.7',
    option: 'tls.key',
    default: null,
    flag: 'ssl-keyfile',
  },
  'ssl.keyfile_password': {
    type: text,
    meaning: 'of the private key',
    since: '1.0.7',
    option: 'tls.passphrase',
    default: null,
    flag: 'ssl-keyfile-password',
    secret: true,
  },
  'ssl.ca_certs': {
    type: text,
    meaning: "file of the authorities that sign clients' certificates, PEM",
    since: '1.0.7',
    option: 'tls.ca',
    default: null,
    flag: 'ssl-ca-certs',
  },
  'ssl.cert_reqs': {
    type: oneOf(0, 1, 2),
    meaning:
      "whether clients need a certificate, a number of Python's ssl: 0 no, 1 it is checked if there is one, 2 yes",
    since: '1.0.7',
    option: 'tls.clientCertificate',
    default: 0,
    flag: 'ssl-cert-reqs',
  },
  'ssl.version': {
    type: oneOf(2, 5, 17),
    meaning: "a number of Python's ssl: 2 and 17 for TLS 1.2 and later, 5 for TLS 1.2 only",
    since: '1.0.7',
    option: 'tls.maxVersion',
    default: 17,
    flag: 'ssl-version',
  },
  'ssl.ciphers': {
    type: text,
    meaning: "of TLS 1.2, a list of OpenSSL's",
    since: '1.0.7',
    option: 'tls.ciphers',
    default: null,
    defaultText: "Node's",
    flag: 'ssl-ciphers',
  },
  'metrics.enabled': {
    type: bool,
    meaning: 'whether to measure, and to show it at /metrics',
    since: '1.0.7',
    option: 'metrics.enabled',
    default: true,
  },
  'metrics.namespace': {
    type: text,
    meaning: "what the names of the server's metrics begin with",
    since: '1.0.7',
    option: 'metrics.namespace',
    default: 'bentoml_api_server',
  },
  'metrics.duration.buckets': {
    type: rising,
    meaning: 'upper bounds of the durations, in seconds',
    since: '1.0.11',
    option: 'metrics.buckets',
    default: [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10],
  },
  'metrics.duration.min': {
    type: numberAbove(0),
    meaning: 'the first of them, with `max` and `factor` instead of `buckets`',
    since: '1.0.7',
    option: 'metrics.buckets',
    default: null,
  },
  'metrics.duration.max': {
    type: numberAbove(0),
    meaning: 'the last of them',
    since: '1.0.7',
    option: 'metrics.buckets',
    default: null,
  },
  'metrics.duration.factor': {
    type: numberAbove(1),
    meaning: 'from each to the next',
    since: '1.0.7',
    option: 'metrics.buckets',
    default: null,
  },
  'http.cors.enabled': {
    type: bool,
    meaning: 'whether pages of other origins may call the APIs',
    since: '1.0.7',
    option: 'cors',
    default: false,
  },
  'http.cors.access_control_allow_origins': {
    type: texts,
    meaning: 'these origins; "*" for all',
    since: '1.0.7',
    option: 'cors.origins',
    default: null,
  },
  'http.cors.access_control_allow_origin_regex': {
    type: regExp,
    meaning: 'and those that match as a whole',
    since: '1.0.11',
    option: 'cors.originPattern',
    default: null,
  },
  'http.cors.access_control_allow_credentials': {
    type: bool,
    meaning: 'with cookies and the like',
    since: '1.0.7',
    option: 'cors.credentials',
    default: false,
  },
  'http.cors.access_control_allow_methods': {
    type: texts,
    meaning: 'by these methods',
    since: '1.0.7',
    option: 'cors.methods',
    default: ['GET'],
  },
  'http.cors.access_control_allow_headers': {
    type: texts,
    meaning: 'with these headers; "*" for all',
    since: '1.0.7',
    option: 'cors.headers',
    default: null,
  },
  'http.cors.access_control_expose_headers': {
    type: texts,
    meaning: 'and see these of the answer',
    since: '1.0.7',
    option: 'cors.exposeHeaders',
    default: null,
  },
  'http.cors.access_control_max_age': {
    type: integer(0),
    meaning: 'seconds that a browser remembers it',
    since: '1.0.7',
    option: 'cors.maxAge',
    default: 600,
  },
  'runner_probe.enabled': {
    type: bool,
    meaning: 'whether /readyz says no while a runner is down',
    since: '1.0.8',
    option: 'probeRunners',
    default: true,
  },
} as const satisfies Readonly<Record<string, Key>>;

/** Below `runners`, for all of them, and below `runners.NAME`, for one. */
export const runnerKeys = {
  'batching.enabled': {
    type: bool,
    meaning: 'whether calls are joined to batches',
    since: '1.0.7',
    option: 'batching.enabled',
    default: true,
  },
  'batching.max_batch_size': {
    type: integer(1),
    meaning: 'rows of a batch at most',
    since: '1.0.7',
    option: 'batching.maxBatchSize',
    default: 100,
  },
  'batching.max_latency_ms': {
    type: numberAbove(0),
    meaning: 'a call that cannot be answered within so many milliseconds is refused at once',
    since: '1.0.7',
    option: 'batching.maxLatencyMs',
    default: 10_000,
  },
  'batching.max_wait_ms': {
    type: numberFrom(0),
    meaning: 'milliseconds that a call may be held back for company beside an idle worker',
    since: null,
    option: 'batching.maxWaitMs',
    default: 0,
  },
  'traffic.timeout': {
    type: numberAbove(0),
    meaning: 'seconds that a call may take',
    since: '1.0.21',
    option: 'timeoutMs',
    default: null,
    defaultText: 'no limit beside that of the API',
    flag: 'timeout',
    variable: 'TIMEOUT',
  },
  placement: {
    type: oneOf('auto', 'embedded', 'process'),
    meaning: 'where it computes: in each API worker, in processes of its own, or as measured',
    since: null,
    option: 'placement',
    default: 'auto',
  },
  workers: {
    type: integer(1),
    meaning: 'processes of a runner that has its own',
    since: null,
    option: 'workers',
    default: 1,
    defaultText: '1, or as many as the GPUs need',
  },
  workers_per_resource: {
    type: numberAbove(0),
    meaning: 'processes for each GPU (0.5: one for two), or in all without',
    since: '1.0.19',
    option: 'resources.workersPerGpu',
    default: 1,
  },
  'resources.cpu': {
    type: cpus,
    meaning: 'CPUs of all its processes together, for their native threads',
    since: '1.0.7',
    option: 'resources.cpus',
    default: null,
    defaultText: 'those of the container, shared by all runners',
  },
  'resources."nvidia.com/gpu"': {
    type: gpus,
    meaning: 'how many GPUs, or which',
    since: '1.0.7',
    option: 'resources.gpus',
    default: null,
    defaultText: 'none',
  },
  'resources.gpu': {
    type: gpus,
    meaning: 'the same, as BentoML 1.2 calls it',
    since: '1.2.0',
    option: 'resources.gpus',
    default: null,
    defaultText: 'none',
  },
  'resources.memory': {
    type: mebibytes,
    meaning: 'a process that is larger is replaced after it has answered what it has',
    since: '1.2.0',
    option: 'resources.memoryMiB',
    default: null,
    defaultText: 'no limit',
  },
} as const satisfies Readonly<Record<string, Key>>;
