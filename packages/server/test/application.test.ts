// What a service brings beside its APIs, and what the server adds to every answer.
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text as readText } from 'node:stream/consumers';
import { describe, expect, test } from '@jest/globals';
import express from 'express';
import { HttpError, Service } from '@ekiben/service';
import { serve } from '../src/index.ts';
import { echo, start } from './echo.ts';
import { postJson } from './raw.ts';

describe('hooks', () => {
  const log: string[] = [];
  const hooked = new Service('s', { state: () => (log.push('state'), 'kept') })
    .onShutdown((state) => log.push(`shutdown ${state}`))
    .onStartup(async (state) => log.push(`startup ${state}`))
    .onDeployment(() => log.push('deployment'));

  test('run in their order, around all requests', async () => {
    const server = await start(hooked);
    expect(log).toEqual(['deployment', 'state', 'startup kept']);
    await server.close();
    expect(log).toEqual(['deployment', 'state', 'startup kept', 'shutdown kept']);
  });

  test('a start whose hook fails fails; every hook of the end runs, and the first failure is told', async () => {
    const failing = echo.onStartup(() => Promise.reject(new Error('no database')));
    await expect(start(failing)).rejects.toThrow('no database');
    const ran: number[] = [];
    const ending = echo
      .onShutdown(() => {
        ran.push(1);
        throw new Error('first');
      })
      .onShutdown(() => void ran.push(2));
    const server = await serve(ending, { port: 0 });
    await expect(server.close()).rejects.toThrow('first');
    expect(ran).toEqual([1, 2]);
  });
});

describe('an application of Express', () => {
  const app = express()
    .get('/users/:id', (req, res) => void res.cookie('a', '1').json({ id: req.params.id, base: req.baseUrl }))
    .post('/sum', express.json(), (req, res) => void res.json((req.body as number[]).reduce((a, b) => a + b)))
    .get('/fail', () => {
      throw new HttpError(409, 'as such');
    });
  const mounted = echo.mountExpress('/app', app);

  test('sees what follows its path, reads bodies, and has the headers of middleware and server', async () => {
    const { url } = await start(
      mounted.use((ctx, next) => {
        ctx.response.headers.set('x-by', 'middleware');
        return next();
      }),
    );
    const response = await fetch(`${url}/app/users/7?q=1`);
    expect(await response.json()).toEqual({ id: '7', base: '/app' });
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'x-by': 'middleware',
      'set-cookie': expect.stringContaining('a=1'),
      'x-request-id': expect.any(String),
    });
    expect(await (await postJson(`${url}/app/sum`, '[1,2,3]')).json()).toBe(6);
    expect((await postJson(`${url}/echo`, '"x"')).status).toBe(200);
  });

  test('what it does not answer is a problem, and so is what it throws', async () => {
    const { url } = await start(mounted);
    expect((await fetch(`${url}/app/nowhere`)).status).toBe(404);
    const failed = await fetch(`${url}/app/fail`);
    expect([failed.status, await failed.json()]).toEqual([409, expect.objectContaining({ detail: 'as such' })]);
  });

  test('middleware refuses for it', async () => {
    const { url } = await start(mounted.use((ctx) => void (ctx.response.status = 401)));
    expect((await fetch(`${url}/app/users/7`)).status).toBe(401);
  });
});

test('an application of fetch streams both ways', async () => {
  const { url } = await start(echo.mountFetch('/up', ({ body }) => new Response(body, { status: 201 })));
  const body = ReadableStream.from([Buffer.from('a'), Buffer.from('b')]);
  const response = await fetch(`${url}/up/x`, { method: 'POST', body, duplex: 'half' });
  expect([response.status, await response.text()]).toEqual([201, 'ab']);
  expect(response.headers.get('x-content-type-options')).toBe('nosniff');
});

describe('headers of every answer', () => {
  test.each(['/echo', '/nowhere', '/', '/docs.json', '/livez'])('%s', async (path) => {
    const { url } = await start(echo);
    const { headers } = await fetch(url + path, { headers: { 'x-request-id': 'mine' } });
    expect([headers.get('x-request-id'), headers.get('x-content-type-options')]).toEqual(['mine', 'nosniff']);
    expect(headers.get('content-security-policy') !== null).toBe(path === '/');
  });

  test('a handler’s own count before them', async () => {
    const own = echo.use((ctx, next) => {
      ctx.response.headers.set('x-request-id', 'own');
      return next();
    });
    const { url } = await start(own);
    expect((await postJson(`${url}/echo`, '"x"')).headers.get('x-request-id')).toBe('own');
  });

  test('can be left out', async () => {
    const { url } = await start(echo, { requestId: false, securityHeaders: false });
    for (const path of ['/', '/nowhere']) {
      const { headers } = await fetch(url + path);
      expect(headers.get('x-request-id') ?? headers.get('x-content-type-options')).toBeNull();
      expect(headers.get('content-security-policy')).toBeNull();
    }
  });
});

describe('a path prefix', () => {
  test('is in front of everything, and need not be', async () => {
    const { url } = await start(echo, { pathPrefix: '/models/echo' });
    for (const prefix of ['/models/echo', '']) {
      expect((await postJson(`${url}${prefix}/echo`, '"x"')).status).toBe(200);
      expect((await fetch(`${url}${prefix}/docs.json?x`)).status).toBe(200);
      expect((await fetch(`${url}${prefix}/swagger-ui.css`)).status).toBe(200);
    }
    expect((await fetch(`${url}/models/echoes`)).status).toBe(404);
  });

  test('the documentation’s relative links need its slash', async () => {
    const { url } = await start(echo, { pathPrefix: '/models/echo/' });
    const response = await fetch(`${url}/models/echo?q`, { redirect: 'manual' });
    expect([response.status, response.headers.get('location')]).toEqual([308, '/models/echo/?q']);
  });

  test.each(['', '/', 'a', '/a b', '/a?'])('%p is none', async (pathPrefix) => {
    await expect(start(echo, { pathPrefix })).rejects.toHaveProperty('code', 'EKIBEN_PATH_PREFIX_INVALID');
  });
});

describe('a Unix socket', () => {
  async function over(unixSocket: string, path: string): Promise<string> {
    const [response] = (await once(request({ socketPath: unixSocket, path }).end(), 'response')) as [IncomingMessage];
    return readText(response);
  }

  test('is listened on, and replaced where a program left it behind', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'ekiben-socket-'));
    const unixSocket = join(dir, 's');
    const server = await start(echo, { unixSocket });
    expect([server.url, server.port]).toEqual([`unix:${unixSocket}`, 0]);
    expect(await over(unixSocket, '/livez')).toBe('\n');
    await expect(start(echo, { unixSocket })).rejects.toHaveProperty('code', 'EKIBEN_PORT_IN_USE');
    await server.close();

    // Its `close` would remove the socket; a killed process does not.
    const abandoned = createServer();
    await once(abandoned.listen(join(dir, 'old')), 'listening');
    const { rename } = await import('node:fs/promises');
    await rename(join(dir, 'old'), unixSocket);
    abandoned.close();
    await start(echo, { unixSocket });
    expect(await over(unixSocket, '/livez')).toBe('\n');
    await rm(dir, { recursive: true });
  });

  test('a file that is none stays', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'ekiben-socket-'));
    await writeFile(join(dir, 'file'), 'kept');
    await expect(start(echo, { unixSocket: join(dir, 'file') })).rejects.toHaveProperty('code', 'EKIBEN_PORT_IN_USE');
    await rm(dir, { recursive: true });
  });
});
