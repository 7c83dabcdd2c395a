/** A line a request, with what BentoML's access log tells: one to read on a terminal, else JSON by pino. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { RequestAnswered } from './request-channel.ts';

/** Starts it, and returns what ends it. pino is loaded only where it is wanted. */
export async function startAccessLog(serviceName: string): Promise<() => void> {
  const write = process.stdout.isTTY ? writeLine : await jsonWriter(serviceName);
  const hear = (message: unknown) => write(entryOf(message as RequestAnswered));
  subscribe('ekiben:server:request', hear);
  return () => unsubscribe('ekiben:server:request', hear);
}

type Entry = ReturnType<typeof entryOf>;

function entryOf({ exchange, status, durationMs, responseType, responseLength }: RequestAnswered) {
  const { request, method, path, requestId, length } = exchange;
  const { remoteAddress = '', remotePort = 0 } = request.socket;
  return {
    client: `${remoteAddress}:${remotePort}`,
    requestId,
    request: { method, path, type: exchange.header('content-type') ?? '', length: length ?? null },
    response: { status, type: responseType, length: responseLength },
    durationMs: Math.round(durationMs * 1000) / 1000,
    traceparent: exchange.header('traceparent') ?? null,
  };
}

async function jsonWriter(service: string): Promise<(entry: Entry) => void> {
  const { pino } = await import('pino');
  const log = pino({ base: { pid: process.pid, service }, timestamp: pino.stdTimeFunctions.isoTime });
  return (entry) => log.info(entry, 'request');
}

/** As BentoML writes it. */
function writeLine({ client, request, response, durationMs, requestId }: Entry): void {
  const asked = `method=${request.method},path=${printable(request.path)},type=${printable(request.type)},length=${request.length ?? ''}`;
  const answered = `status=${response.status},type=${response.type},length=${response.length ?? ''}`;
  const time = new Date().toISOString();
  process.stdout.write(`${time} [INFO] ${client} (${asked}) (${answered}) ${durationMs}ms (request=${requestId})\n`);
}

/** What came from outside does not steer the terminal. */
const printable = (text: string) => text.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 200);
