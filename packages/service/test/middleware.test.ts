import { describe, expect, jest, test } from '@jest/globals';
import * as z from 'zod';
import { json } from '@ekiben/io-descriptors';
import { EkibenError } from '@ekiben/spec';
import { Service } from '../src/index.ts';
import type { Middleware } from '../src/index.ts';
import { byteStream, post, streamed } from './services.ts';

const Echo = { input: json(z.object({ x: z.int() })), output: json(z.object({ x: z.int() })) };
const echo = new Service('s').api('echo', Echo, (value) => value);
const answer = (middleware: Middleware, ...more: Middleware[]) =>
  [middleware, ...more].reduce((service, each) => service.use(each), echo).fetch(post('/echo', { x: 1 }));

/** Errors that are nobody's fault but the middleware's are logged; here they are expected. */
const quietly = async <T>(run: () => Promise<T>): Promise<T> => {
  const log = jest.spyOn(process.stderr, 'write').mockReturnValue(true);
  try {
    return await run();
  } finally {
    log.mockRestore();
  }
};

describe('order', () => {
  test('the first is outermost, and the body is read inside of all', async () => {
    const order: string[] = [];
    const log =
      (name: string): Middleware =>
      async (_, next) => {
        order.push(`${name} in`);
        await next();
        order.push(`${name} out`);
      };
    await answer(log('a'), log('b'));
    expect(order).toEqual(['a in', 'b in', 'b out', 'a out']);
  });

  test('guards an API that was added before it', async () => {
    const closed = echo.use((ctx) => void (ctx.response.status = 403));
    expect((await closed.fetch(post('/echo', { x: 1 }))).status).toBe(403);
  });

  test('guards what is not there, too', async () => {
    const closed = echo.use((ctx) => void (ctx.response.status = 401));
    expect((await closed.fetch(post('/nope', {}))).status).toBe(401);
    expect((await closed.fetch(new Request('http://service/echo'))).status).toBe(401);
  });

  test('refuses before a byte of the body is read', async () => {
    const pulled = jest.fn();
    async function* body() {
      pulled();
      yield Buffer.from('{}');
    }
    const service = new Service('s')
      .api('up', { input: byteStream(), output: json(z.null()) }, () => null)
      .use((ctx) => void (ctx.response.status = 401));
    const request = streamed('/up', body());
    pulled.mockClear(); // a ReadableStream may fill its queue by itself
    expect((await service.fetch(request)).status).toBe(401);
    expect(request.bodyUsed).toBe(false);
  });
});

describe('the answer', () => {
  test('headers and status of middleware and handler are sent', async () => {
    const service = new Service('s')
      .api('echo', Echo, (value, ctx) => {
        ctx.response.status = 201;
        ctx.response.headers.append('set-cookie', 'a=1');
        ctx.response.headers.append('set-cookie', 'b=2');
        return value;
      })
      .use(async (ctx, next) => {
        ctx.response.headers.set('x-before', '1');
        await next();
        ctx.response.headers.set('x-after', String(ctx.response.status));
      });
    const response = await service.fetch(post('/echo', { x: 1 }));
    expect(response.status).toBe(201);
    expect(response.headers.get('content-type')).toBe('application/json');
    expect(response.headers.get('x-before')).toBe('1');
    expect(response.headers.get('x-after')).toBe('201');
    expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
    expect(await response.json()).toEqual({ x: 1 });
  });

  test('a content type of the handler’s own wins', async () => {
    const response = await answer((ctx, next) => {
      ctx.response.headers.set('content-type', 'application/vnd.echo+json');
      return next();
    });
    expect(response.headers.get('content-type')).toBe('application/vnd.echo+json');
  });

  test('headers are sent with a problem, too', async () => {
    const service = echo.use((ctx, next) => {
      ctx.response.headers.set('x-request-id', '7');
      return next();
    });
    const response = await service.fetch(post('/echo', { x: 'one' }));
    expect([response.status, response.headers.get('x-request-id')]).toEqual([400, '7']);
  });

  test('a status without next() is the answer: a problem from 400 on, no body below', async () => {
    const refused = await answer((ctx) => void (ctx.response.status = 401));
    expect(refused.headers.get('content-type')).toBe('application/problem+json');
    expect(await refused.json()).toEqual({ type: 'about:blank', title: 'Unauthorized', status: 401 });
    const preflight = await answer((ctx) => void (ctx.response.status = 204));
    expect([preflight.status, await preflight.text()]).toEqual([204, '']);
  });

  test('what it throws is answered as what it is', async () => {
    const response = await answer(() => {
      throw new EkibenError('EKIBEN_NOT_READY', 'Come back later.');
    });
    expect([response.status, await response.json()]).toMatchObject([503, { detail: 'Come back later.' }]);
  });
});

describe('mistakes', () => {
  const problemOf = (...middleware: [Middleware, ...Middleware[]]) =>
    quietly(async () => (await answer(...middleware)).json());

  test('neither next() nor a status', async () => {
    expect(await problemOf(() => undefined)).toMatchObject({
      status: 500,
      type: 'urn:ekiben:error:EKIBEN_MIDDLEWARE_NO_RESPONSE',
    });
  });

  test('next() called twice runs the rest once', async () => {
    const handler = jest.fn((value: { x: number }) => value);
    const service = new Service('s').api('echo', Echo, handler).use(async (_, next) => {
      await next();
      await next();
    });
    const response = await quietly(() => service.fetch(post('/echo', { x: 1 })));
    expect(await response.json()).toMatchObject({ status: 500, type: 'urn:ekiben:error:EKIBEN_MIDDLEWARE_NEXT_TWICE' });
    expect(handler).toHaveBeenCalledTimes(1);
  });

  test('next() that nobody waits for is waited for', async () => {
    const response = await answer((_, next) => void next());
    expect(await response.json()).toEqual({ x: 1 });
  });

  test('next() that nobody waits for still reports what went wrong', async () => {
    const service = echo.use((_, next) => void next());
    expect((await service.fetch(post('/echo', { x: 'one' }))).status).toBe(400);
  });

  test('catching an error and answering nothing does not hide it', async () => {
    const service = echo.use(async (_, next) => {
      await next().catch(() => undefined);
    });
    expect((await service.fetch(post('/echo', { x: 'one' }))).status).toBe(400);
  });

  test('catching an error and choosing a status answers with that', async () => {
    const service = echo.use(async (ctx, next) => {
      await next().catch(() => (ctx.response.status = 422));
    });
    expect((await service.fetch(post('/echo', { x: 'one' }))).status).toBe(422);
  });

  test('throwing after the answer was made replaces it', async () => {
    const response = await quietly(() =>
      answer(async (_, next) => {
        await next();
        throw new Error('too late');
      }),
    );
    expect(response.status).toBe(500);
  });
});
