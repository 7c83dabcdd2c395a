import { expect, jest, test } from '@jest/globals';
import * as z from 'zod';
import { json } from '@ekiben/io-descriptors';
import { Service } from '../src/index.ts';
import type { Context } from '../src/index.ts';
import { post } from './services.ts';

const svc = new Service('s').api(
  'echo',
  { input: json(z.string()), output: json(z.string()), path: '/app/echo' },
  (word) => word,
);

const seen = (request: Request) => new Response(`${request.method} ${new URL(request.url).pathname}`);

test('what is under the path is the application’s, unless it is an API', async () => {
  const mounted = svc.mountFetch('/app', seen);
  const at = async (path: string) => (await mounted.fetch(new Request(`http://s${path}`))).text();
  expect(await at('/app')).toBe('GET /app');
  expect(await at('/app/a/b')).toBe('GET /app/a/b');
  expect((await mounted.fetch(post('/app/echo', '"x"'))).status).toBe(200);
  expect((await mounted.fetch(new Request('http://s/application'))).status).toBe(404);
  expect((await svc.fetch(new Request('http://s/app'))).status).toBe(404);
});

test('the longest path decides; / takes all that is left', async () => {
  const mounted = svc
    .mountFetch('/', () => new Response('root'))
    .mountFetch('/a', () => new Response('a'))
    .mountFetch('/a/b', () => new Response('b'));
  const at = async (path: string) => (await mounted.fetch(new Request(`http://s${path}`))).text();
  expect(await Promise.all(['/x', '/a', '/a/b/c', '/ab'].map(at))).toEqual(['root', 'a', 'b', 'root']);
});

test('request and answer pass whole: method, query, headers, body, status, cookies, streams', async () => {
  const mounted = svc.mountFetch('/app', async (request) => {
    const { search } = new URL(request.url);
    const headers = new Headers({ 'x-seen': `${request.headers.get('x-a')} ${search}` });
    headers.append('set-cookie', 'a=1');
    headers.append('set-cookie', 'b=2');
    return new Response(ReadableStream.from([Buffer.from(await request.text()), Buffer.from('!')]), {
      status: 203,
      headers,
    });
  });
  const answered = mounted.use((ctx, next) => {
    ctx.response.setCookie('c', '3');
    return next();
  });
  const response = await answered.fetch(post('/app/x?y=1', 'body', { 'x-a': 'given' }));
  expect([response.status, await response.text()]).toEqual([203, 'body!']);
  expect(response.headers.get('x-seen')).toBe('given ?y=1');
  expect(response.headers.getSetCookie().map((cookie) => cookie.split(';')[0])).toEqual(['c=3', 'a=1', 'b=2']);
});

test('middleware guards it', async () => {
  const closed = svc.mountFetch('/app', seen).use((ctx: Context) => void (ctx.response.status = 403));
  expect((await closed.fetch(new Request('http://s/app'))).status).toBe(403);
});

test('an application of Express answers behind a server only', async () => {
  const write = process.stderr.write;
  process.stderr.write = () => true;
  const response = await svc.mountExpress('/app', () => {}).fetch(new Request('http://s/app'));
  process.stderr.write = write;
  expect(response.status).toBe(500);
});

test.each(['', 'app', '/app/', '/a?b', '/:id x'])('%p is no path to mount at', (path) => {
  expect(() => svc.mountFetch(path, seen)).toThrow(expect.objectContaining({ code: 'EKIBEN_SERVICE_INVALID' }));
});

test('a path is mounted at once', () => {
  expect(() => svc.mountFetch('/app', seen).mountExpress('/app', () => {})).toThrow(
    expect.objectContaining({ code: 'EKIBEN_ROUTE_CONFLICT' }),
  );
});

test('an application that answers no Response is a failure, which the log names', async () => {
  const log = jest.spyOn(process.stderr, 'write').mockReturnValue(true);
  const mounted = svc.mountFetch('/app', () => 'text' as unknown as Response);
  expect((await mounted.fetch(new Request('http://s/app'))).status).toBe(500);
  expect(log).toHaveBeenCalledWith(expect.stringContaining('mounted at /app answered no Response'));
  log.mockRestore();
});
