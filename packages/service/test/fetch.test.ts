import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { describe, expect, jest, test } from '@jest/globals';
import * as z from 'zod';
import { json, noBody } from '@ekiben/io-descriptors';
import { EkibenError } from '@ekiben/spec';
import { Service } from '../src/index.ts';
import type { Problem } from '../src/index.ts';
import { byteStream, post, streamed } from './services.ts';

const Applicant = z.object({ age: z.int(), income: z.number(), home: z.string() });
const Decision = z.object({ status: z.enum(['YES', 'NO']) });
const route = { input: json(Applicant, { maxBytes: 1000 }), output: json(Decision) };
const svc = new Service('credit').api('decide', route, ({ age }) => ({ status: age > 25 ? 'YES' : 'NO' }));
const good = { age: 26, income: 0, home: 'owner' };

async function problem(answer: Promise<Response> | Response): Promise<Problem> {
  const response = await answer;
  expect(response.headers.get('content-type')).toBe('application/problem+json');
  const body = (await response.json()) as Problem;
  expect(body.status).toBe(response.status);
  return body;
}

describe('good input', () => {
  test('is answered with what the handler returned', async () => {
    const response = await svc.fetch(post('/decide', good));
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('application/json');
    expect(await response.text()).toBe('{"status":"YES"}');
  });

  test('may have extra fields, which are ignored', async () => {
    expect((await svc.fetch(post('/decide', { ...good, extra: 1 }))).status).toBe(200);
  });

  test('may say its charset, or no content type at all', async () => {
    const headers = { 'content-type': 'application/json; charset=utf-8' };
    expect((await svc.fetch(post('/decide', good, headers))).status).toBe(200);
    const request = new Request('http://service/decide', { method: 'POST', body: Buffer.from(JSON.stringify(good)) });
    expect(request.headers.get('content-type')).toBeNull();
    expect((await svc.fetch(request)).status).toBe(200);
  });

  test('may come in pieces, and with a query', async () => {
    const text = JSON.stringify(good);
    const response = await svc.fetch(
      streamed('/decide?x=1', [Buffer.from(text.slice(0, 9)), Buffer.from(text.slice(9))]),
    );
    expect(await response.json()).toEqual({ status: 'YES' });
  });
});

describe('bad input is a problem document that names every fault', () => {
  test('missing fields', async () => {
    const { status, errors } = await problem(svc.fetch(post('/decide', { age: 1 })));
    expect([status, errors?.map(({ pointer }) => pointer)]).toEqual([400, ['/income', '/home']]);
  });

  test.each([
    ['a wrong type', { ...good, age: 'x' }, '/age'],
    ['a numeric string', { ...good, age: '26' }, '/age'],
    ['a float for an integer', { ...good, age: 26.5 }, '/age'],
    ['an array', [good], ''],
    ['null', null, ''],
    ['malformed JSON', '{oops', ''],
    ['an empty body', '', ''],
  ])('%s', async (_, body, pointer) => {
    const answer = await problem(svc.fetch(post('/decide', body)));
    expect(answer).toMatchObject({ status: 400, errors: [{ pointer }] });
  });

  test('never says more than 200 characters of it back', async () => {
    const long = 'q'.repeat(900);
    for (const body of [{ ...good, age: long }, `{"${long}`, { [long]: 1 }, `[${long}`]) {
      expect(await (await svc.fetch(post('/decide', body))).text()).not.toContain('q'.repeat(201));
    }
    expect((await problem(svc.fetch(post(`/${long}`, good)))).detail).not.toContain('q'.repeat(201));
    const headers = { 'content-type': `text/${long}`, 'content-encoding': long };
    expect((await problem(svc.fetch(post('/decide', good, headers)))).detail).not.toContain('q'.repeat(201));
  });
});

describe('what does not fit a route', () => {
  test('an unknown path is 404', async () => {
    expect(await problem(svc.fetch(post('/nope', good)))).toMatchObject({ status: 404 });
    expect(await problem(svc.fetch(post('/decide/', good)))).toMatchObject({ status: 404 });
    expect(await problem(svc.fetch(post('/constructor', good)))).toMatchObject({ status: 404 });
  });

  test('a wrong method is 405 and says which is right', async () => {
    const response = await svc.fetch(new Request('http://service/decide', { method: 'PUT', body: '{}' }));
    expect(response.headers.get('allow')).toBe('POST');
    expect(await problem(response)).toMatchObject({ status: 405, detail: '/decide takes POST, not PUT.' });
  });

  test('OPTIONS is answered with the methods', async () => {
    const response = await svc.fetch(new Request('http://service/decide', { method: 'OPTIONS' }));
    expect([response.status, response.headers.get('allow'), await response.text()]).toEqual([204, 'POST', '']);
  });

  test('an API under GET answers HEAD, too, with no body', async () => {
    const service = new Service('s').api(
      'now',
      { input: noBody(), output: json(z.string()), method: 'GET' },
      (_, { request }) => request.query.get('zone') ?? '',
    );
    const get = await service.fetch(new Request('http://service/now?zone=x'));
    expect([get.status, await get.json()]).toEqual([200, 'x']);
    const head = await service.fetch(new Request('http://service/now', { method: 'HEAD' }));
    expect([head.status, head.headers.get('content-type'), await head.text()]).toEqual([200, 'application/json', '']);
    const put = await service.fetch(new Request('http://service/now', { method: 'PUT' }));
    expect(put.headers.get('allow')).toBe('GET, HEAD');
  });

  test('methods of one path are APIs of their own', async () => {
    const service = svc.api('forget', { ...route, path: '/decide', method: 'DELETE' }, () => ({ status: 'NO' }));
    const request = (method: string) =>
      new Request('http://service/decide', {
        method,
        body: JSON.stringify(good),
        headers: { 'content-type': 'application/json' },
      });
    expect(await (await service.fetch(request('DELETE'))).json()).toEqual({ status: 'NO' });
    expect(await (await service.fetch(request('POST'))).json()).toEqual({ status: 'YES' });
    expect((await service.fetch(request('PUT'))).headers.get('allow')).toBe('POST, DELETE');
  });

  test('another content type is 415', async () => {
    expect(await problem(svc.fetch(post('/decide', good, { 'content-type': 'text/plain' })))).toMatchObject({
      status: 415,
    });
  });

  test('an encoded body is 415 and says what would be taken', async () => {
    const response = await svc.fetch(post('/decide', good, { 'content-encoding': 'gzip' }));
    expect(response.headers.get('accept-encoding')).toBe('identity');
    expect(await problem(response)).toMatchObject({ status: 415 });
    expect((await svc.fetch(post('/decide', good, { 'content-encoding': 'identity' }))).status).toBe(200);
  });

  test('a body that says it is too large is 413 before it is read', async () => {
    const request = post('/decide', good, { 'content-length': '1001' });
    expect(await problem(svc.fetch(request))).toMatchObject({ status: 413 });
    expect(request.bodyUsed).toBe(false);
  });

  test('a body that turns out too large is 413 at once', async () => {
    let sent = 0;
    async function* endless() {
      for (;;) {
        sent += 100;
        yield Buffer.alloc(100, ' ');
      }
    }
    expect(await problem(svc.fetch(streamed('/decide', endless())))).toMatchObject({ status: 413 });
    expect(sent).toBeLessThan(2000);
  });
});

describe('failures', () => {
  const failing = (error: unknown) =>
    new Service('s').api('fail', route, () => {
      throw error;
    });

  async function published(run: () => Promise<unknown>): Promise<unknown[]> {
    const events: unknown[] = [];
    const keep = (event: unknown) => events.push(event);
    subscribe('ekiben:service:error', keep);
    await run().finally(() => unsubscribe('ekiben:service:error', keep));
    return events;
  }

  test('an unexpected error tells the client nothing, and the log everything', async () => {
    const error = new Error('cannot open /srv/secret');
    let text = '';
    const events = await published(async () => {
      const response = await failing(error).fetch(post('/fail', good));
      expect(response.status).toBe(500);
      text = await response.text();
    });
    expect(JSON.parse(text)).toMatchObject({ type: 'about:blank', title: 'Internal Server Error', status: 500 });
    expect(text).not.toMatch(/secret|srv|\.ts|at /);
    expect(events).toEqual([{ error, method: 'POST', path: '/fail' }]);
  });

  test('without a listener it is printed', async () => {
    const log = jest.spyOn(process.stderr, 'write').mockReturnValue(true);
    await failing('a string').fetch(post('/fail', good));
    expect(log).toHaveBeenCalledWith("POST /fail: 'a string'\n");
    log.mockRestore();
  });

  test('a code of ours that is no fault of the request is 500 with its code and no message', async () => {
    const error = new EkibenError('EKIBEN_MODEL_FILE_NOT_FOUND', 'no file /srv/models/x', { details: { dir: '/srv' } });
    await published(async () => {
      const answer = await problem(failing(error).fetch(post('/fail', good)));
      expect(answer).toMatchObject({ status: 500, type: 'urn:ekiben:error:EKIBEN_MODEL_FILE_NOT_FOUND' });
      expect(JSON.stringify(answer)).not.toContain('srv');
    });
  });

  test('an output that does not match its schema is the service’s fault', async () => {
    const service = new Service('s').api('fail', route, () => ({ status: 'PERHAPS' as 'YES' }));
    const events = await published(async () => {
      expect(await problem(service.fetch(post('/fail', good)))).toMatchObject({ status: 500 });
    });
    expect(events).toHaveLength(1);
  });

  test.each([
    ['EKIBEN_NOT_READY', 503],
    ['EKIBEN_RUNNER_CRASHED', 503],
    ['EKIBEN_BATCHER_CLOSED', 503],
    ['EKIBEN_BATCHER_OVERLOADED', 503],
    ['EKIBEN_DEADLINE_EXCEEDED', 504],
    ['EKIBEN_INVALID_INPUT', 400],
    ['EKIBEN_MALFORMED_JSON', 400],
  ] as const)('%s is %d, with its message', async (code, status) => {
    const events = await published(async () => {
      const answer = await problem(failing(new EkibenError(code, 'why')).fetch(post('/fail', good)));
      expect(answer).toMatchObject({ type: `urn:ekiben:error:${code}`, status, detail: 'why' });
    });
    expect(events).toEqual([]);
  });

  test('a runner that is down is 503 without the reason, which may name files', async () => {
    const error = new EkibenError('EKIBEN_RUNNER_DOWN', 'Runner r takes no calls: cannot read /srv/models/m.ubj.');
    const answer = await problem(failing(error).fetch(post('/fail', good)));
    expect(answer).toMatchObject({ status: 503, detail: 'A model of this service is not running.' });
  });

  test('a refused call says when to come back, in whole seconds', async () => {
    const error = new EkibenError('EKIBEN_BATCHER_OVERLOADED', 'full', { details: { retryAfterMs: 1200 } });
    const response = await failing(error).fetch(post('/fail', good));
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '2']);
  });

  test('a state that cannot be made fails the request, not the process', async () => {
    const service = new Service('s', { state: () => Promise.reject(new Error('no database')) }).api('x', route, () => ({
      status: 'YES',
    }));
    await published(async () => expect((await service.fetch(post('/x', good))).status).toBe(500));
  });
});

describe('streams', () => {
  const chunk = (text: string) => Buffer.from(text);

  test('an upload and its answer flow at the same time', async () => {
    const shout = new Service('s').api('shout', { input: byteStream(), output: byteStream() }, async function* (
      chunks,
    ) {
      for await (const each of chunks) yield chunk(Buffer.from(each).toString().toUpperCase());
    } as (chunks: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>);
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    const writer = writable.getWriter();
    void writer.write(chunk('a'));
    const response = await shout.fetch(streamed('/shout', readable));
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    expect(Buffer.from((await reader.read()).value as Uint8Array).toString()).toBe('A');
    void writer.write(chunk('b'));
    expect(Buffer.from((await reader.read()).value as Uint8Array).toString()).toBe('B');
    void writer.close();
    expect((await reader.read()).done).toBe(true);
  });

  test('an error before the first chunk is a problem', async () => {
    const service = new Service('s').api('gen', { input: byteStream(), output: byteStream() }, async function* (
      chunks,
    ) {
      for await (const _ of chunks) throw new EkibenError('EKIBEN_RUNNER_DOWN', 'down');
      yield chunk('');
    } as (chunks: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>);
    expect(await problem(service.fetch(streamed('/gen', [chunk('x')])))).toMatchObject({ status: 503 });
  });

  test('an error after it breaks the body off', async () => {
    const service = new Service('s').api('gen', { input: byteStream(), output: byteStream() }, async function* () {
      yield chunk('a');
      throw new Error('broken');
    } as () => AsyncIterable<Uint8Array>);
    const response = await service.fetch(streamed('/gen', [chunk('x')]));
    expect(response.status).toBe(200);
    await expect(response.text()).rejects.toThrow('broken');
  });

  test('a client that stops reading ends the generator', async () => {
    let ended = false;
    const service = new Service('s').api('gen', { input: byteStream(), output: byteStream() }, async function* () {
      try {
        for (;;) yield chunk('a');
      } finally {
        ended = true;
      }
    } as () => AsyncIterable<Uint8Array>);
    const response = await service.fetch(streamed('/gen', [chunk('x')]));
    await response.body?.cancel();
    expect(ended).toBe(true);
  });
});

test('the signal of a Request reaches the handler', async () => {
  const controller = new AbortController();
  const service = new Service('s').api('wait', route, (_, ctx) => {
    controller.abort(new EkibenError('EKIBEN_CLIENT_CLOSED', 'gone'));
    ctx.signal.throwIfAborted();
    return { status: 'YES' };
  });
  const request = new Request(post('/wait', good), { signal: controller.signal });
  expect((await service.fetch(request)).status).toBe(499);
});

test('a client that leaves in the middle of its body is not waited for', async () => {
  const controller = new AbortController();
  const { signal } = controller;
  const body = new ReadableStream({ pull: () => controller.abort() });
  const request = new Request('http://service/decide', { method: 'POST', body, duplex: 'half', signal });
  expect((await svc.fetch(request)).status).toBe(499);
});

test('a Request whose body was read before is a mistake, and said to be', async () => {
  const log = jest.spyOn(process.stderr, 'write').mockReturnValue(true);
  const request = post('/decide', good);
  await request.text();
  expect((await svc.fetch(request)).status).toBe(500);
  expect(log).toHaveBeenCalledWith(expect.stringContaining('was read before'));
  log.mockRestore();
});
