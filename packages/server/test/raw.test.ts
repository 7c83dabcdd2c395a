import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import * as z from 'zod';
import { json } from '@ekiben/io-descriptors';
import { Service } from '@ekiben/service';
import { serve } from '../src/index.ts';
import type { RunningServer } from '../src/index.ts';
import { postJson, postRequest, RawConnection, statusOf } from './raw.ts';

/** Handlers that wait here are let go by the test. */
const gates = new Map<string, PromiseWithResolvers>();
interface PromiseWithResolvers {
  readonly entered: Promise<AbortSignal>;
  readonly open: () => void;
  enter(signal: AbortSignal): Promise<void>;
}
function gate(name: string): PromiseWithResolvers {
  let open = () => {};
  let entered: (signal: AbortSignal) => void = () => {};
  const opened = new Promise<void>((resolve) => (open = resolve));
  const made = {
    open: () => open(),
    entered: new Promise<AbortSignal>((resolve) => (entered = resolve)),
    enter: (signal: AbortSignal) => (entered(signal), opened),
  };
  gates.set(name, made);
  return made;
}

const Word = { input: json(z.string(), { maxBytes: 1000 }), output: json(z.string()) };
const service = new Service('words')
  .api('echo', Word, (word) => word)
  .api('header', Word, (word, ctx) => {
    ctx.response.headers.set('x-word', word); // a Headers object lets control characters through, node:http does not
    return word;
  })
  .api('sleep', Word, async (word, { signal }) => {
    void gates.get(word)?.enter(signal);
    return setTimeout(1e6, word, { signal });
  })
  .api('wait', Word, async (word, ctx) => {
    await gates.get(word)?.enter(ctx.signal);
    return word;
  });

let server: RunningServer;
beforeAll(async () => {
  server = await serve(service, { port: 0, headersTimeoutMs: 500, requestTimeoutMs: 1000 });
});
afterAll(() => server.close());
const open = () => RawConnection.open(server.port);
const statusesOf = (received: string) =>
  [...received.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => Number(status));

describe('requests on one connection', () => {
  test('pipelined ones are answered in order, though the first takes longer', async () => {
    const slow = gate('slow');
    const connection = await open();
    connection.send(postRequest('/wait', '"slow"') + postRequest('/echo', '"fast"') + postRequest('/nope', '""'));
    await slow.entered;
    slow.open();
    const received = await connection.until(/404[\s\S]*\}/);
    expect(statusesOf(received)).toEqual([200, 200, 404]);
    expect(received.indexOf('"slow"')).toBeLessThan(received.indexOf('"fast"'));
    connection.socket.destroy();
  });

  test('a refused small body does not disturb the next request', async () => {
    const connection = await open();
    const received = await connection.send(postRequest('/nope', '"x"') + postRequest('/echo', '"y"')).until(/"y"/);
    expect(statusesOf(received)).toEqual([404, 200]);
    connection.socket.destroy();
  });

  test('a client that half-closes after its request still gets the answer', async () => {
    const connection = await open();
    connection.socket.end(postRequest('/echo', '"half"'));
    expect(await connection.rest()).toMatch(/200 OK[\s\S]*"half"/);
  });
});

describe('bodies', () => {
  test('chunked ones, in any pieces', async () => {
    const connection = await open();
    connection.send('POST /echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n3\r\n"ab\r\n');
    const received = await connection.send('1\r\nc\r\n1\r\n"\r\n0\r\n\r\n').until(/"abc"/);
    expect(statusesOf(received)).toEqual([200]);
    connection.socket.destroy();
  });

  test('a chunked one over the limit is refused while it comes', async () => {
    const connection = await open();
    connection.send('POST /echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n');
    connection.send(`400\r\n${'x'.repeat(1024)}\r\n`);
    const received = await connection.until(/maxBytes|larger[^}]*\}/);
    expect(received).toMatch(/^HTTP\/1\.1 413 [\s\S]*connection: close/i);
    connection.socket.destroy();
  });

  test('one that says it is too large is refused before it is sent, and the connection ends', async () => {
    const connection = await open();
    connection.send('POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 9999999\r\n\r\n');
    const received = await connection.until(/larger[^}]*\}/);
    expect(received).toMatch(/^HTTP\/1\.1 413 [\s\S]*connection: close/i);
    connection.socket.end();
    await connection.rest();
  });

  test('a long one in many pieces, of known length', async () => {
    const word = JSON.stringify('x'.repeat(900));
    const connection = await open();
    const request = postRequest('/echo', word);
    for (let at = 0; at < request.length; at += 100) {
      connection.send(request.slice(at, at + 100));
      await new Promise(setImmediate);
    }
    expect(await connection.until(/x"$/)).toContain(word);
    connection.socket.destroy();
  });

  test('a client that sends all of a refused body before it reads still finds the answer', async () => {
    const connection = await open();
    const body = 'x'.repeat(3_000_000);
    connection.send(`POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
    expect(await connection.rest()).toMatch(/^HTTP\/1\.1 413 [\s\S]*\}$/);
  });

  test('an answer with no body reaches a client that is still sending, too', async () => {
    const quiet = await serve(
      service.use((ctx) => void (ctx.response.status = 204)),
      { port: 0 },
    );
    const connection = await RawConnection.open(quiet.port);
    const body = 'x'.repeat(3_000_000);
    connection.send(`POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
    expect(await connection.rest()).toMatch(/^HTTP\/1\.1 204 [\s\S]*\r\n\r\n$/);
    await quiet.close();
  });

  test('with expect: 100-continue, the body is asked for only where it is wanted', async () => {
    const wanted = await open();
    wanted.send('POST /echo HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\r\n');
    await wanted.until(/100 Continue/);
    expect(statusesOf(await wanted.send('"ab"').until(/"ab"/))).toEqual([100, 200]);
    wanted.socket.destroy();
    const unwanted = await open();
    unwanted.send('POST /nope HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\r\n');
    const received = await unwanted.until(/\}/);
    expect(statusesOf(received)).toEqual([404]);
    expect(received).toMatch(/connection: close/);
    unwanted.socket.destroy();
  });

  test('one of the wrong type is refused before it is sent', async () => {
    const head = 'POST /echo HTTP/1.1\r\nhost: x\r\ncontent-type: text/csv\r\ncontent-length: 4\r\n';
    const silent = await open();
    expect(statusesOf(await silent.send(`${head}\r\n`).until(/\}/))).toEqual([415]);
    silent.socket.destroy();
    const asking = await open();
    expect(statusesOf(await asking.send(`${head}expect: 100-continue\r\n\r\n`).until(/\}/))).toEqual([415]);
    asking.socket.destroy();
  });
});

describe('bodies behind a middleware that takes its time', () => {
  let slow: RunningServer;
  beforeAll(async () => {
    slow = await serve(
      service.use(async (_, next) => {
        await new Promise(setImmediate);
        await next();
      }),
      { port: 0 },
    );
  });
  afterAll(() => slow.close());

  test('whole, in pieces, and pipelined', async () => {
    const connection = await RawConnection.open(slow.port);
    connection.send(postRequest('/echo', '"one"') + postRequest('/echo', '"two"'));
    await connection.until(/"one"[\s\S]*"two"/);
    const [head = '', rest = ''] = postRequest('/echo', '"three"').split(/(?<=\r\n\r\n"th)/);
    connection.send(head);
    await new Promise(setImmediate);
    const received = await connection.send(rest).until(/"three"/);
    expect(statusesOf(received)).toEqual([200, 200, 200]);
    connection.socket.destroy();
  });

  test('too large', async () => {
    const connection = await RawConnection.open(slow.port);
    connection.send('POST /echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n');
    connection.send(`400\r\n${'x'.repeat(1024)}\r\n`);
    expect(statusesOf(await connection.until(/larger[^}]*\}/))).toEqual([413]);
    connection.socket.destroy();
  });
});

test('a client that leaves while a middleware is at work is done with', async () => {
  const held = gate('held');
  const guarded = await serve(
    service.use(async (ctx, next) => {
      await held.enter(ctx.signal);
      await next();
    }),
    { port: 0 },
  );
  const { socket } = (await RawConnection.open(guarded.port)).send(
    'POST /echo HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n"hal',
  );
  const signal = await held.entered;
  socket.destroy();
  if (!signal.aborted) await once(signal, 'abort');
  held.open();
  const metrics = () => fetch(`${guarded.url}/metrics`).then((response) => response.text());
  while (!/endpoint="\/echo",http_response_code="499"/.test(await metrics()));
  expect(await metrics()).toMatch(/request_in_progress\{endpoint="\/echo"[^}]*\} 0/);
  await guarded.close();
});

describe('what is no request', () => {
  test.each([
    ['garbage', 'hello\r\n\r\n', 400],
    ['a content length that is no number', 'POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 1x\r\n\r\n', 400],
    ['a negative content length', 'POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n', 400],
    [
      'a length and chunks at once',
      'POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n',
      400,
    ],
    ['headers over 16 KiB', `GET / HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`, 431],
    ['headers that never end', 'GET / HTTP/1.1\r\nhost: x\r\nx: ', 408],
    ['a body that never ends', 'POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n"', 408],
  ])('%s is a problem document, and the connection ends', async (_, request, status) => {
    const connection = await open();
    const received = await connection.send(request).rest();
    expect(statusesOf(received)).toEqual([status]);
    expect(received).toContain('content-type: application/problem+json');
    expect(JSON.parse(received.slice(received.indexOf('\r\n\r\n')))).toMatchObject({ status });
  });

  test('garbage behind a request that is being handled is refused after its answer', async () => {
    const slow = gate('slow');
    const connection = await open();
    connection.send(`${postRequest('/wait', '"slow"')}garbage\r\n\r\n`);
    const signal = await slow.entered;
    connection.send('more garbage\r\n\r\n');
    expect(signal.aborted).toBe(false);
    slow.open();
    const received = await connection.rest();
    expect(statusesOf(received)).toEqual([200, 400]);
    expect(received).toContain('"slow"HTTP/1.1 400');
    expect(await statusOf(`${server.url}/livez`)).toBe(200);
  });

  test('a broken body behind a request that is being handled is refused after its answer', async () => {
    const slow = gate('slow');
    const connection = await open();
    const broken = 'POST /echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nnonsense\r\n';
    connection.send(postRequest('/wait', '"slow"') + broken);
    await slow.entered;
    connection.send('more nonsense');
    slow.open();
    const received = await connection.rest();
    expect(statusesOf(received)).toEqual([200, 400]);
    expect(received).toContain('"slow"HTTP/1.1 400');
  });

  test('a request with no host is refused', async () => {
    expect(statusesOf(await (await open()).send('GET /livez HTTP/1.1\r\n\r\n').rest())).toEqual([400]);
  });

  test('the server goes on', async () => {
    expect(await statusOf(`${server.url}/livez`)).toBe(200);
  });
});

test('a header that cannot be sent is a problem, and the server goes on', async () => {
  const log = jest.spyOn(process.stderr, 'write').mockReturnValue(true);
  const response = await postJson(`${server.url}/header`, JSON.stringify('\u0001'));
  log.mockRestore();
  expect([response.status, response.headers.get('x-word')]).toEqual([500, null]);
  expect((await postJson(`${server.url}/header`, '"fine"')).headers.get('x-word')).toBe('fine');
});

describe('request targets', () => {
  test.each([
    ['GET http://some.host:80/livez?x=1 HTTP/1.1', 200],
    ['GET /livez?x HTTP/1.1', 200],
    ['OPTIONS * HTTP/1.1', 404],
    ['GET //livez HTTP/1.1', 404],
    ['GET /../livez HTTP/1.1', 404],
    ['GET /%00 HTTP/1.1', 404],
    ['GET http://[bad/livez HTTP/1.1', 404],
  ])('%s is %d', async (line, status) => {
    const connection = await open();
    const received = await connection.send(`${line}\r\nhost: x\r\nconnection: close\r\n\r\n`).rest();
    expect(statusesOf(received)).toEqual([status]);
  });
});

describe('a client that leaves', () => {
  test('while its handler runs aborts the signal, and is counted as 499', async () => {
    const left = gate('left');
    const connection = await open();
    connection.send(postRequest('/wait', '"left"'));
    const signal = await left.entered;
    expect(signal.aborted).toBe(false);
    connection.socket.resetAndDestroy();
    await once(signal, 'abort');
    expect(signal.reason).toMatchObject({ code: 'EKIBEN_CLIENT_CLOSED' });
    left.open();
    expect(await isCounted('/wait', 499)).toBe(true);
  });

  test('and so aborts what its handler waits for is no failure of the service', async () => {
    const log = jest.spyOn(process.stderr, 'write').mockReturnValue(true);
    const sleeps = gate('sleeps');
    const connection = await open();
    connection.send(postRequest('/sleep', '"sleeps"'));
    await sleeps.entered;
    connection.socket.resetAndDestroy();
    expect(await isCounted('/sleep', 499)).toBe(true);
    expect(log).not.toHaveBeenCalled();
    log.mockRestore();
  });

  test('in the middle of its body is counted as 499', async () => {
    const connection = await open();
    connection.send('POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n"a');
    connection.socket.end();
    connection.socket.destroy();
    expect(await isCounted('/echo', 499)).toBe(true);
  });

  /** Waits, since nobody is told when the server has noticed. */
  async function isCounted(endpoint: string, status: number): Promise<boolean> {
    const line = `bentoml_api_server_request_total{endpoint="${endpoint}",http_response_code="${status}"`;
    while (!(await (await fetch(`${server.url}/metrics`)).text()).includes(line)) await new Promise(setImmediate);
    return true;
  }
});
