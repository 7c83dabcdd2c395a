// From the start to the last answer.
import { once } from 'node:events';
import { Agent, get, request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { toRunner } from '@ekiben/runners';
import { Service } from '@ekiben/service';
import { urlOf } from '../src/bind.ts';
import { serve } from '../src/index.ts';
import { echo, start, Word } from './echo.ts';
import { postJson, postRequest, RawConnection, statusOf } from './raw.ts';

/** A service whose handler waits until it is let go. */
function held() {
  let open = () => {};
  let enter = () => {};
  const opened = new Promise<void>((resolve) => (open = resolve));
  const entered = new Promise<void>((resolve) => (enter = resolve));
  const service = echo.api('wait', Word, async (word) => {
    enter();
    await opened;
    return word;
  });
  return { service, entered, open: () => open() };
}

describe('start', () => {
  test('listens on loopback, on a port of its own when asked', async () => {
    const server = await start(echo);
    expect(server.url).toBe(`http://127.0.0.1:${server.port}`);
    expect(server.port).toBeGreaterThan(0);
  });

  test('an IPv6 address makes a URL that can be used', () => {
    expect(urlOf('::1', 3000, 'http')).toBe('http://[::1]:3000');
  });

  test('a port that is taken is named, with what to do', async () => {
    const { port } = await start(echo);
    await expect(serve(echo, { port })).rejects.toMatchObject({
      code: 'EKIBEN_PORT_IN_USE',
      message: expect.stringContaining(`--port ${port + 1}`),
    });
  });

  test('an address that is not here is named', async () => {
    await expect(serve(echo, { port: 0, host: '192.0.2.1' })).rejects.toMatchObject({ code: 'EKIBEN_LISTEN_FAILED' });
  });

  test('state is made before the first request, and its failure is the start’s', async () => {
    const broken = new Service('s', { state: () => Promise.reject(new Error('no database')) });
    await expect(serve(broken, { port: 0 })).rejects.toThrow('no database');
  });

  test('models load before the first request, and their failure is the start’s', async () => {
    class Broken {
      static readonly signatures = {};
      constructor() {
        throw new Error('no weights');
      }
      predict(x: number): number {
        return x;
      }
    }
    const service = new Service('s', { runners: [toRunner(Broken, { name: 'broken', placement: 'embedded' })] });
    await expect(serve(service, { port: 0 })).rejects.toThrow('no weights');
  });
});

describe('close', () => {
  test('finishes what is in flight, refuses what is new, and says that it is not ready', async () => {
    const { service, entered, open } = held();
    const server = await start(service);
    const idle = await RawConnection.open(server.port);
    await idle.send('GET /readyz HTTP/1.1\r\nhost: x\r\n\r\n').until(/200 OK/);
    const answer = postJson(`${server.url}/wait`, '"kept"');
    await entered;
    let closed = false;
    const closing = server.close().then(() => (closed = true));
    // A connection that was there before may still ask, and is told to go.
    const refused = await idle.send('GET /readyz HTTP/1.1\r\nhost: x\r\n\r\n').rest();
    expect(refused).toMatch(/503 Service Unavailable[\s\S]*connection: close[\s\S]*EKIBEN_NOT_READY/);
    await expect(fetch(`${server.url}/livez`)).rejects.toThrow();
    expect(closed).toBe(false);
    open();
    const response = await answer;
    expect(await response.text()).toBe('"kept"');
    expect(response.headers.get('connection')).toBe('close');
    await closing;
  });

  test('a request on its way over an idle connection is still answered', async () => {
    const server = await start(echo);
    const connection = await RawConnection.open(server.port);
    await connection.send(postRequest('/echo', '"first"')).until(/"first"/);
    const closing = server.close();
    connection.send(postRequest('/echo', '"second"'));
    expect(await connection.rest()).toMatch(/"second"$/);
    await closing;
  });

  test('an idle connection does not hold it up', async () => {
    const server = await start(echo);
    const agent = new Agent({ keepAlive: true });
    const [response] = (await once(get(`${server.url}/livez`, { agent }), 'response')) as [IncomingMessage];
    const ended = once(response.socket, 'close');
    response.resume();
    await once(response, 'end');
    await server.close();
    await ended;
    expect(agent.freeSockets).toEqual({});
    agent.destroy();
  });

  test('nor does a connection over which nothing was ever sent', async () => {
    const server = await start(echo, { graceMs: 3_600_000 });
    const connection = await RawConnection.open(server.port);
    await server.close();
    expect(await connection.rest()).toBe('');
  });

  test('what is not done in the grace time is cut off', async () => {
    const { service, entered } = held();
    const server = await start(service, { graceMs: 50 });
    const answer = postJson(`${server.url}/wait`, '"lost"');
    const lost = expect(answer).rejects.toThrow();
    await entered;
    await server.close();
    await lost;
  });

  test('twice is once', async () => {
    const server = await start(echo);
    expect(server.close()).toBe(server.close());
  });

  test('clients that keep sending lose no request that arrived', async () => {
    let handled = 0;
    const counting = echo.api('count', Word, (word) => {
      handled += 1;
      return word;
    });
    const server = await start(counting);
    const agent = new Agent({ keepAlive: true, maxSockets: 8 });
    const ask = () =>
      new Promise<string>((resolve) => {
        const headers = { 'content-type': 'application/json' };
        const outgoing = request(`${server.url}/count`, { method: 'POST', agent, headers }, (response) => {
          response.resume().on('end', () => resolve('answered'));
        });
        outgoing.on('error', () => resolve(outgoing.reusedSocket ? 'lost' : 'not connected'));
        outgoing.end('"x"');
      });
    const outcomes: string[] = [];
    const client = async () => {
      do outcomes.push(await ask());
      while (outcomes.at(-1) === 'answered');
    };
    const clients = Promise.all(Array.from({ length: 8 }, client));
    while (handled < 100) await new Promise(setImmediate);
    await server.close();
    await clients;
    expect(outcomes).not.toContain('lost');
    // A connection that the kernel had not yet handed over ends with the listening socket; no request of it had been read.
    expect(outcomes.filter((outcome) => outcome === 'answered')).toHaveLength(handled);
    agent.destroy();
  });
});

describe('runners', () => {
  const module = fileURLToPath(new URL('runner-service.mjs', import.meta.url));

  test('one that is down makes the server not ready, and fails only the calls to it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'ekiben-server-'));
    process.env.RUNNER_BROKEN_MARK = join(folder, 'broken');
    const { svc } = (await import(module)) as { svc: typeof echo };
    const server = await start(svc, { module });
    const ask = (path: string, body: unknown) => postJson(server.url + path, JSON.stringify(body));
    const ready = () => statusOf(`${server.url}/readyz`);
    const until = async (status: number) => {
      while ((await ready()) !== status) await new Promise((resolve) => setTimeout(resolve, 20));
    };
    expect(await ready()).toBe(200);
    const pid = Number(await (await ask('/pid', null)).json());
    expect(pid).not.toBe(process.pid);

    // Runner calls know the request, from a stream as well.
    expect(await (await ask('/context', null)).json()).toEqual(['signal', 'deadline', 'traceparent', 'tracestate']);
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const headers = { 'content-type': 'application/json', traceparent };
    const traced = await fetch(`${server.url}/context-of-stream`, { method: 'POST', headers, body: 'null' });
    expect(await traced.text()).toBe(`${traceparent}\n${traceparent}\n`);
    const forged = { ...headers, traceparent: `${traceparent}-and-more` };
    const untraced = await fetch(`${server.url}/context-of-stream`, { method: 'POST', headers: forged, body: 'null' });
    expect(await untraced.text()).toBe('undefined\nundefined\n');

    // A crash fails the call inside; another process takes the place.
    const crashed = await ask('/crash', false);
    expect([crashed.status, await crashed.json()]).toMatchObject([
      503,
      { type: 'urn:ekiben:error:EKIBEN_RUNNER_CRASHED' },
    ]);
    await until(200);
    expect(Number(await (await ask('/pid', null)).json())).not.toBe(pid);

    // One that does not start any more stays down.
    expect((await ask('/crash', true)).status).toBe(503);
    await until(503);
    const notReady = await fetch(`${server.url}/readyz`);
    expect(await notReady.json()).toMatchObject({ status: 503, detail: 'Not ready: runner worker is down.' });
    expect(await statusOf(`${server.url}/livez`)).toBe(200);
    expect((await ask('/here', null)).status).toBe(200);
    await rm(folder, { recursive: true });
  });
});
