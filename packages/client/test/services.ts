// A service with an API of each kind, and a server that answers as it is told.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { eventStream, file, json, multipart, ndarray, ndjson, noBody, text, textStream } from '@ekiben/io-descriptors';
import { Service } from '@ekiben/service';
import { EkibenError } from '@ekiben/spec';
import * as z from 'zod';

const Count = json(z.object({ to: z.int().positive() }));

export const svc = new Service('all')
  .api(
    'decide',
    {
      input: json(z.object({ income: z.number() })),
      output: json(z.object({ status: z.enum(['DECLINED', 'APPROVED']) })),
      path: '/v1/decide',
      method: 'PUT',
    },
    ({ income }) => ({ status: income > 1000 ? 'APPROVED' : 'DECLINED' }),
  )
  .api('shout', { input: text(), output: text() }, (words) => words.toUpperCase())
  .api('double', { input: ndarray({ dtype: 'float32' }), output: ndarray({ dtype: 'float32' }) }, (x) => x)
  .api('reverse', { input: file(), output: file() }, ({ bytes }) => ({ bytes: bytes.toReversed() }))
  .api(
    'measure',
    { input: multipart({ meta: json(z.object({ unit: z.string() })), data: file() }), output: json(z.string()) },
    ({ meta, data }) => `${data.bytes.length} ${meta.unit}`,
  )
  .api('words', { input: Count, output: textStream() }, async function* ({ to }) {
    for (let i = 0; i < to; i++) yield `word ${i}, é `;
  })
  .api('rows', { input: Count, output: ndjson(z.object({ i: z.int() })) }, async function* ({ to }) {
    for (let i = 0; i < to; i++) yield { i };
  })
  .api('events', { input: Count, output: eventStream(z.object({ i: z.int() })) }, async function* ({ to }) {
    for (let i = 0; i < to; i++) yield { data: { i }, event: 'tick', id: String(i) };
  })
  .api('total', { input: ndjson(z.int()), output: json(z.int()) }, async (numbers) => {
    let sum = 0;
    for await (const number of numbers) sum += number;
    return sum;
  })
  .api('motto', { method: 'GET', input: noBody(), output: text() }, () => 'No pain, no gain')
  .api('reset', { input: noBody(), output: json(z.null()) }, () => null)
  .api('hang', { input: json(z.null()), output: json(z.null()) }, (_input, ctx) => {
    return new Promise<null>((_resolve, reject) => {
      ctx.signal.addEventListener('abort', () => reject(ctx.signal.reason as Error));
    });
  })
  .api('fail', { input: json(z.null()), output: json(z.null()) }, () => {
    throw new EkibenError('EKIBEN_BATCHER_OVERLOADED', 'Too much to do.', { details: { retryAfterMs: 7_000 } });
  });

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** Answers the first request by the first of `answers`, and so on; the last answers all that follow. */
export async function scripted(...answers: Answer[]) {
  const seen: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    const answer = answers[Math.min(seen.length, answers.length - 1)] as Answer;
    seen.push(request);
    request.resume().once('end', () => answer(request, response));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  return { url: `http://127.0.0.1:${port}`, seen, close };
}

export const ok: Answer = (_request, response) =>
  response.writeHead(200, { 'content-type': 'application/json' }).end('"done"');

export const status =
  (code: number, headers: Record<string, string> = {}): Answer =>
  (_request, response) =>
    response.writeHead(code, headers).end('no');

export const cutOff: Answer = (_request, response) => response.destroy();
