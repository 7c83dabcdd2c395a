import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Descriptor } from '@ekiben/io-descriptors';
import { Service } from '@ekiben/service';
import { serve } from '../src/index.ts';
import type { RunningServer } from '../src/index.ts';
import { RawConnection } from './raw.ts';

type Bytes = AsyncIterable<Uint8Array>;

const bytes = (maxBytes: number): Descriptor<Bytes, Bytes> => ({
  mediaTypes: ['application/octet-stream'],
  contentType: 'application/octet-stream',
  maxBytes,
  decode: (body) => (body instanceof Uint8Array ? once1(body) : body),
  parse: (value) => value as Bytes,
  encode: (chunks) => chunks,
  toWire: (chunks) => chunks,
  jsonSchema: () => undefined,
  example: undefined,
});

async function* once1(body: Uint8Array): Bytes {
  yield body;
}

let made = 0;
let ended = Promise.resolve('not yet');
/** Runs `generate` and keeps how it ended. */
function watched(generate: () => Bytes): () => Bytes {
  return () => {
    let tell: (how: string) => void = () => {};
    ended = new Promise((resolve) => (tell = resolve));
    return (async function* () {
      try {
        yield* generate();
        tell('finished');
      } finally {
        tell('stopped');
      }
    })();
  };
}

let read = () => {};
const goOn = new Promise<void>((resolve) => (read = resolve));
let started = () => {};
const reading = new Promise<void>((resolve) => (started = resolve));

/** When a figure has stopped moving. */
async function settled(figure: () => number): Promise<void> {
  for (let last = -1; last !== figure();) {
    last = figure();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const huge = bytes(2 ** 40);
const service = new Service('streams')
  .api('count', { input: huge, output: huge }, async (chunks) => {
    let size = 0;
    started();
    await goOn;
    for await (const chunk of chunks) size += chunk.length;
    return once1(Buffer.from(String(size)));
  })
  .api('endless', { input: huge, output: huge }, () =>
    watched(async function* () {
      for (made = 0; ; made += 1) yield Buffer.alloc(64 * 1024);
    })(),
  )
  .api('broken', { input: huge, output: huge }, () =>
    watched(async function* () {
      yield Buffer.from('half');
      throw new Error('broken off');
    })(),
  )
  .api('upper', { input: huge, output: huge }, async function* (chunks) {
    for await (const chunk of chunks) yield Buffer.from(Buffer.from(chunk).toString().toUpperCase());
  })
  .api('first', { input: bytes(1e9), output: huge }, async (chunks) => {
    for await (const chunk of chunks) return once1(chunk.subarray(0, 1));
    return once1(Buffer.from('none'));
  });

let server: RunningServer;
beforeAll(async () => {
  server = await serve(service, { port: 0 });
});
afterAll(() => server.close());

test('an upload streams through, and waits for a handler that does not read', async () => {
  const chunk = Buffer.alloc(1024 * 1024);
  let sent = 0;
  async function* body() {
    for (; sent < 256; sent += 1) yield chunk;
  }
  const answer = fetch(`${server.url}/count`, { method: 'POST', body: body(), duplex: 'half' });
  await reading;
  await settled(() => sent);
  expect(sent).toBeLessThan(64);
  read();
  expect(await (await answer).text()).toBe(String(256 * chunk.length));
});

test('an answer that nobody takes is not made: the generator waits', async () => {
  const outgoing = request(`${server.url}/endless`, { method: 'POST' }).end();
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
  expect(response.headers['transfer-encoding']).toBe('chunked');
  await settled(() => made);
  expect(made).toBeLessThan(1000);
  response.destroy();
  expect(await ended).toBe('stopped');
});

test('an answer that breaks off ends the connection without the last chunk', async () => {
  const log: unknown[] = [];
  const keep = (event: unknown) => log.push(event);
  subscribe('ekiben:service:error', keep);
  const connection = await RawConnection.open(server.port);
  const received = await connection.send('POST /broken HTTP/1.1\r\nhost: x\r\n\r\n').rest();
  expect(received).not.toContain('0\r\n\r\n');
  unsubscribe('ekiben:service:error', keep);
  expect(log).toMatchObject([{ error: { message: 'broken off' }, path: '/broken' }]);
});

test('a generator may answer while the body still comes', async () => {
  const connection = await RawConnection.open(server.port);
  connection.send('POST /upper HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n');
  await connection.until(/\r\nA\r\n/);
  await connection.send('1\r\nb\r\n').until(/\r\nB\r\n/);
  expect(await connection.send('0\r\n\r\n').rest()).toMatch(/0\r\n\r\n$/);
});

test('HEAD of a stream has no body and ends the generator', async () => {
  const live = new Service('s').api('ticks', { input: { ...huge, mediaTypes: [] }, output: huge, method: 'GET' }, () =>
    watched(async function* () {
      for (;;) yield Buffer.from('tick');
    })(),
  );
  const own = await serve(live, { port: 0 });
  const response = await fetch(`${own.url}/ticks`, { method: 'HEAD' });
  expect([response.status, await response.text()]).toEqual([200, '']);
  expect(await ended).toBe('stopped');
  await own.close();
});

test('a handler that reads only the start of a large body still gets its answer through', async () => {
  const body = Buffer.alloc(8 * 1024 * 1024, 'z');
  const connection = await RawConnection.open(server.port);
  connection.send(`POST /first HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\n\r\n${body.toString()}`);
  expect(await connection.rest()).toMatch(/^HTTP\/1\.1 200 [\s\S]*\r\nz\r\n0\r\n\r\n$/);
});
