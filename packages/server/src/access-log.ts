/** A line a request, with what BentoML's access log tells: one to read on a terminal, else JSON by pino. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { LogWriter } from './log-writer.ts';
import type { RequestAnswered } from './request-channel.ts';
import { SITE_PATHS } from './site-paths.ts';

export interface AccessLogOptions {
  /** Whether there is one. @default true */
  readonly enabled?: boolean | undefined;
  /** @default true */
  readonly requestContentLength?: boolean | undefined;
  /** @default true */
  readonly requestContentType?: boolean | undefined;
  /** @default true */
  readonly responseContentLength?: boolean | undefined;
  /** @default true */
  readonly responseContentType?: boolean | undefined;
  /** Requests of these paths are no line. @default those of probes and scrapers: /metrics, /healthz, /livez, /readyz */
  readonly skipPaths?: readonly string[] | undefined;
  /** How the id of a trace is written, as Python formats a number. @default '032x' */
  readonly traceIdFormat?: string | undefined;
  /** How that of a span is. @default '016x' */
  readonly spanIdFormat?: string | undefined;
}

/** Starts it, and returns what ends it. pino is loaded only where it is wanted. */
export async function startAccessLog(service: string, options: AccessLogOptions): Promise<() => void> {
  const { skipPaths = SITE_PATHS } = options;
  const skipped = new Set(skipPaths);
  const writer = new LogWriter(process.stdout);
  const write = process.stdout.isTTY ? lineWriter(service, writer) : await jsonWriter(service, writer);
  const entryOf = entries(options);
  const hear = (message: unknown) => {
    const answered = message as RequestAnswered;
    if (!skipped.has(answered.exchange.path)) write(entryOf(answered));
  };
  subscribe('ekiben:server:request', hear);
  return () => {
    unsubscribe('ekiben:server:request', hear);
    writer.flush();
  };
}

interface Entry {
  /** '' on a Unix socket. */
  readonly client: string;
  readonly requestId: string;
  readonly scheme: string;
  /** What an option leaves out is undefined. */
  readonly request: {
    readonly method: string;
    readonly path: string;
    readonly type: string | undefined;
    readonly length: number | null | undefined;
  };
  readonly response: {
    readonly status: number;
    readonly type: string | undefined;
    readonly length: number | null | undefined;
  };
  readonly durationMs: number;
  /** By the names that OpenTelemetry gives them in logs. */
  readonly trace_id: string | undefined;
  readonly span_id: string | undefined;
  readonly trace_flags: string | undefined;
}

function entries(options: AccessLogOptions): (answered: RequestAnswered) => Entry {
  const {
    requestContentLength = true,
    requestContentType = true,
    responseContentLength = true,
    responseContentType = true,
    traceIdFormat = '032x',
    spanIdFormat = '016x',
  } = options;
  const [traceIdOf, spanIdOf] = [idWriter(traceIdFormat), idWriter(spanIdFormat)];
  return ({ exchange, status, durationMs, responseType, responseLength }) => {
    const { request, method, path, requestId, scheme, trace } = exchange;
    const { remoteAddress, remotePort } = request.socket;
    return {
      client: remoteAddress === undefined ? '' : `${remoteAddress}:${remotePort}`,
      requestId,
      scheme,
      request: {
        method,
        path,
        type: requestContentType ? (exchange.header('content-type') ?? '') : undefined,
        length: requestContentLength ? (exchange.length ?? null) : undefined,
      },
      response: {
        status,
        type: responseContentType ? responseType : undefined,
        length: responseContentLength ? responseLength : undefined,
      },
      durationMs: Math.round(durationMs * 1000) / 1000,
      trace_id: trace === null ? undefined : traceIdOf(trace.traceId),
      span_id: trace === null ? undefined : spanIdOf(trace.spanId),
      trace_flags: trace === null ? undefined : trace.traceFlags === 1 ? '01' : '00',
    };
  };
}

async function jsonWriter(service: string, writer: LogWriter): Promise<(entry: Entry) => void> {
  // By its default, since esbuild finds no names in what is no ES module.
  const {
    default: { pino },
  } = await import('pino');
  const log = pino({ base: { pid: process.pid, service }, timestamp: pino.stdTimeFunctions.isoTime }, writer);
  return (entry) => log.info(entry, 'request');
}

/** As BentoML writes it, and the request's id. */
function lineWriter(service: string, writer: LogWriter): (entry: Entry) => void {
  return ({ client, scheme, request, response, durationMs, requestId, trace_id = '', span_id = '', trace_flags }) => {
    const { method, path, type, length } = request;
    const asked = `scheme=${scheme},method=${method},path=${printable(path)}${contentOf(type, length)}`;
    const answered = `status=${response.status}${contentOf(response.type, response.length)}`;
    const traced = `trace=${trace_id},span=${span_id},sampled=${trace_flags === '01' ? 1 : 0},service.name=${service}`;
    const start = `${new Date().toISOString()} [INFO] [api_server:${service}:${process.pid}] ${client}`;
    writer.write(`${start} (${asked}) (${answered}) ${durationMs}ms (${traced},request=${requestId})\n`);
  };
}

function contentOf(type: string | undefined, length: number | null | undefined): string {
  return (
    (type === undefined ? '' : `,type=${printable(type)}`) + (length === undefined ? '' : `,length=${length ?? ''}`)
  );
}

/** What came from outside does not steer the terminal. */
const printable = (text: string) => text.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 200);

/** As Python's `format` writes the number that an id is: `032x`, `x`, `X` or `d`. */
function idWriter(format: string): (id: string) => string {
  const [, digits, type] = /^(?:0(\d+))?([xXd])?$/.exec(format) ?? [];
  const width = Number(digits ?? 0);
  const isHexadecimal = type === 'x' || type === 'X';
  return (id) => {
    if (type === 'x' && width === id.length) return id;
    const text = BigInt(`0x${id}`).toString(isHexadecimal ? 16 : 10);
    return (type === 'X' ? text.toUpperCase() : text).padStart(width, '0');
  };
}
