/** What may be said of the pages of a service. Who only passes it on does not load them. */
import type { CorsOptions } from '@ekiben/service';
import type { AccessLogOptions } from './access-log.ts';
import type { AnswerHeaderOptions } from './answer-headers.ts';
import type { MetricsOptions } from './metrics.ts';
import type { TlsOptions } from './tls.ts';
import type { TracingOptions } from './tracing.ts';
import type { TrafficOptions } from './traffic.ts';

/** Where the version is not known; as BentoML says. */
export const NO_VERSION = 'not available';

export interface SiteOptions extends TrafficOptions, AnswerHeaderOptions {
  /** What metrics and documentation say of the service's version. @default 'not available', as BentoML says */
  readonly version?: string | undefined;
  /** How long an idle connection is kept, in milliseconds. @default 72000 */
  readonly keepAliveTimeoutMs?: number | undefined;
  /** How long a client may take for its headers, in milliseconds. @default 20000 */
  readonly headersTimeoutMs?: number | undefined;
  /** How long a client may take for a whole request, in milliseconds. @default 300000 */
  readonly requestTimeoutMs?: number | undefined;
  /** A path in front of all others, such as `/models/credit`; they are answered without it, too. @default none */
  readonly pathPrefix?: string | undefined;
  /** @default HTTP without encryption */
  readonly tls?: TlsOptions | undefined;
  /** Lets pages of other origins call the service. @default they may not */
  readonly cors?: CorsOptions | undefined;
  readonly metrics?: MetricsOptions | undefined;
  /** A line a request on stdout: to read on a terminal, else JSON; `{}` is one as BentoML's. @default none */
  readonly accessLog?: AccessLogOptions | undefined;
  /** Whether `/readyz` says no while a runner is down. @default true */
  readonly probeRunners?: boolean | undefined;
  /** Spans of requests, calls of runners and batches, sent by OpenTelemetry. @default none */
  readonly tracing?: TracingOptions | undefined;
}

/** What of the options of a server concerns its API workers. Plain data. */
export function siteOptions(options: SiteOptions): SiteOptions {
  const { version, keepAliveTimeoutMs, headersTimeoutMs, requestTimeoutMs, timeoutMs, maxConcurrency } = options;
  const { tls, cors, probeRunners, metrics, pathPrefix, accessLog, tracing } = options;
  const { requestId, securityHeaders, traceId } = options;
  const times = { keepAliveTimeoutMs, headersTimeoutMs, requestTimeoutMs, timeoutMs };
  const answers = { pathPrefix, requestId, securityHeaders, traceId, accessLog };
  return { version, ...times, ...answers, maxConcurrency, tls, cors, probeRunners, metrics, tracing };
}
