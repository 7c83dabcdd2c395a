// What a handler gets beside its input.
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, jest, test } from '@jest/globals';
import * as z from 'zod';
import { json, text } from '@ekiben/io-descriptors';
import { apiKeys, HttpError, Service } from '../src/index.ts';
import type { Context, Problem } from '../src/index.ts';
import { byteStream, post } from './services.ts';

const Null = { input: json(z.null()), output: json(z.unknown()) };
const answering = (handler: (input: null, ctx: Context<undefined>) => unknown) =>
  new Service('s').api('go', Null, handler);

test('cookies come and go', async () => {
  const service = answering((_input, ctx) => {
    ctx.response.setCookie('seen', 'a b;c');
    ctx.response.setCookie('for-scripts', '1', { httpOnly: false, maxAge: 60 });
    return ctx.request.cookies['session'];
  });
  const response = await service.fetch(post('/go', null, { cookie: 'session=x%20y; session=z; other=1' }));
  expect(await response.json()).toBe('x y');
  expect(response.headers.getSetCookie()).toEqual([
    'seen=a%20b%3Bc; Path=/; HttpOnly; SameSite=Lax',
    'for-scripts=1; Max-Age=60; Path=/; SameSite=Lax',
  ]);
});

test('the query is read when it is asked for', async () => {
  const service = answering((_input, ctx) => ctx.request.query.getAll('a'));
  expect(await (await service.fetch(post('/go?a=1&b=2&a=3', null))).json()).toEqual(['1', '3']);
  expect(await service.call('go', null)).toEqual([]);
});

test('a request keeps its id, if that can be one, else it gets one of its own', async () => {
  const service = answering((_input, ctx) => ctx.requestId);
  const idOf = async (given: string) =>
    (await (await service.fetch(post('/go', null, { 'x-request-id': given }))).json()) as string;
  expect(await idOf('trace-1/2')).toBe('trace-1/2');
  const [first, second] = [await idOf('two words'), await idOf('x'.repeat(129))];
  expect(first).toMatch(/^[\w-]{12}-[\da-z]+$/);
  expect(second).not.toBe(first);
});

test('a temporary directory is made at the first call, one for a request, and removed with its answer', async () => {
  const dirs: string[] = [];
  const service = answering(async (_input, ctx) => {
    const [dir, again] = await Promise.all([ctx.tempDir(), ctx.tempDir()]);
    dirs.push(dir);
    await writeFile(join(dir, 'a'), 'x');
    return dir === again;
  });
  expect(await (await service.fetch(post('/go', null))).json()).toBe(true);
  expect(await service.call('go', null)).toBe(true);
  expect(new Set(dirs).size).toBe(2);
  await gone(...dirs);
});

test('a temporary directory is there until a stream that is read from it has ended, or was left', async () => {
  let dir = '';
  const service = new Service('s').api('go', { input: json(z.null()), output: byteStream() }, async (_input, ctx) => {
    dir = await ctx.tempDir();
    await writeFile(join(dir, 'a'), 'from the file');
    return (async function* () {
      yield await readFile(join(dir, 'a'));
      yield await readFile(join(dir, 'a'));
    })();
  });
  expect(await (await service.fetch(post('/go', null))).text()).toBe('from the file'.repeat(2));
  await gone(dir);
  const left = await service.fetch(post('/go', null));
  expect(existsSync(dir)).toBe(true);
  await left.body?.cancel();
  await gone(dir);
});

test('a temporary directory is removed when the handler fails', async () => {
  let dir = '';
  const service = answering(async (_input, ctx) => {
    dir = await ctx.tempDir();
    throw new HttpError(418, 'no');
  });
  expect((await service.fetch(post('/go', null))).status).toBe(418);
  await gone(dir);
});

/** Nobody waits for the removal. */
async function gone(...dirs: string[]): Promise<void> {
  while (dirs.some((dir) => existsSync(dir))) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(dirs).not.toContain('');
}

test('an error of the service’s own reaches the client with its status, words and headers', async () => {
  const service = answering(() => {
    throw new HttpError(402, 'No credit left.', {
      type: 'https://example.com/credit',
      title: 'Out of credit',
      extensions: { balance: 0, status: 200 },
      headers: { 'retry-after': '60' },
    });
  });
  const response = await service.fetch(post('/go', null));
  expect(response.status).toBe(402);
  expect(Object.fromEntries(response.headers)).toMatchObject({
    'content-type': 'application/problem+json',
    'retry-after': '60',
  });
  expect(await response.json()).toEqual({
    type: 'https://example.com/credit',
    title: 'Out of credit',
    status: 402,
    detail: 'No credit left.',
    balance: 0,
  });
  await expect(service.call('go', null)).rejects.toBeInstanceOf(HttpError);
});

test('so does one of http-errors; one that does not say so stays inside', async () => {
  const failing = (error: object) => answering(() => Promise.reject(Object.assign(new Error('words'), error)));
  const exposed = await failing({ status: 409, expose: true }).fetch(post('/go', null));
  expect(await exposed.json()).toEqual({ type: 'about:blank', title: 'Conflict', status: 409, detail: 'words' });
  const write = process.stderr.write;
  process.stderr.write = () => true;
  const hidden = await failing({ status: 409 }).fetch(post('/go', null));
  process.stderr.write = write;
  expect([hidden.status, JSON.stringify(await hidden.json())]).toEqual([500, expect.not.stringContaining('words')]);
});

test.each([
  ['a header that is none', () => new HttpError(400, 'x', { headers: { 'bad header': 'y' } })],
  ['what JSON does not have', () => new HttpError(400, 'x', { extensions: { balance: 10n } })],
  ['a property that throws', () => Object.defineProperty(new Error(), 'expose', { get: () => JSON.parse('') })],
])('an error with %s is a failure of the service', async (_what, make) => {
  const log = jest.spyOn(process.stderr, 'write').mockReturnValue(true);
  const service = answering(() => {
    throw make();
  });
  expect((await service.fetch(post('/go', null))).status).toBe(500);
  expect(log).toHaveBeenCalledTimes(1);
  log.mockRestore();
});

test.each([200, 399, 600, 404.5])('an HttpError has no status %d', (status) => {
  expect(() => new HttpError(status, '')).toThrow(expect.objectContaining({ code: 'EKIBEN_STATUS_INVALID' }));
});

test('API keys let in who has one, by either header, and tell others what is missing', async () => {
  const keys = ['an-older-key-of-ours', 'the-newer-key-of-ours'];
  const service = new Service('s').api('go', { input: text(), output: text() }, (word) => word).use(apiKeys({ keys }));
  const statusWith = async (headers: Record<string, string>) =>
    (await service.fetch(new Request('http://s/go', { method: 'POST', body: 'x', headers }))).status;
  for (const key of keys) expect(await statusWith({ 'x-api-key': key })).toBe(200);
  expect(await statusWith({ authorization: `Bearer ${keys[0]}` })).toBe(200);
  expect(await statusWith({})).toBe(401);
  expect(await statusWith({ 'x-api-key': '' })).toBe(401);
  expect(await statusWith({ 'x-api-key': `${keys[0]}x` })).toBe(401);
  const refused = await service.fetch(post('/go', 'x'));
  expect(refused.headers.get('www-authenticate')).toBe('Bearer');
  expect(((await refused.json()) as Problem).detail).toMatch(/x-api-key/);
});

test.each([[[]], [['']], [['short']], [[' the-newer-key-of-ours']], [['der-Schlüssel-von-uns']]])(
  '%j are no API keys',
  (keys) => {
    expect(() => apiKeys({ keys })).toThrow(expect.objectContaining({ code: 'EKIBEN_SERVICE_INVALID' }));
  },
);
