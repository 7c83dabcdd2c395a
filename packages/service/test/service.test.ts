import { describe, expect, jest, test } from '@jest/globals';
import * as z from 'zod';
import { json } from '@ekiben/io-descriptors';
import { EkibenError } from '@ekiben/spec';
import { Service } from '../src/index.ts';
import type { AnyDescriptor } from '../src/index.ts';
import { byteStream, gather } from './services.ts';

const Sum = { input: json(z.object({ a: z.int(), b: z.int() })), output: json(z.object({ sum: z.int() })) };
const adder = new Service('adder').api('add', Sum, ({ a, b }) => ({ sum: a + b }));

describe('a Service is a value', () => {
  test('api and use return a new one and leave the old one as it was', () => {
    const empty = new Service('adder');
    const one = empty.api('add', Sum, ({ a, b }) => ({ sum: a + b }));
    const guarded = one.use((_, next) => next());
    expect([empty.apis.length, one.apis.length, guarded.apis.length]).toEqual([0, 1, 1]);
    expect([one.middleware.length, guarded.middleware.length]).toEqual([0, 1]);
    expect(guarded).toBeInstanceOf(Service);
  });

  test('its parts can be read', () => {
    expect(adder).toMatchObject({ name: 'adder', runners: [], models: [] });
    expect(adder.apis).toMatchObject([{ name: 'add', method: 'POST', path: '/add' }]);
  });

  test.each(['', '/x', 'ü', 'a b', '.hidden'])('refuses the name %j', (name) => {
    expect(() => new Service(name)).toThrow(expect.objectContaining({ code: 'EKIBEN_SERVICE_INVALID' }));
    expect(() => adder.api(name, Sum, () => ({ sum: 0 }))).toThrow(
      expect.objectContaining({ code: 'EKIBEN_SERVICE_INVALID' }),
    );
  });

  test.each(['add', '/a?b', '/a#b', '/a b', '/ä', '/{id}'])('refuses the path %j', (path) => {
    expect(() => new Service('s').api('x', { ...Sum, path }, () => ({ sum: 0 }))).toThrow(
      expect.objectContaining({ code: 'EKIBEN_SERVICE_INVALID' }),
    );
  });

  test.each(['put', 'HEAD', 'OPTIONS', 'PURGE', ''])('refuses the method %j', (method) => {
    expect(() => new Service('s').api('x', { ...Sum, method }, () => ({ sum: 0 }))).toThrow(
      expect.objectContaining({ code: 'EKIBEN_SERVICE_INVALID' }),
    );
  });

  test('refuses an input that needs a body under GET, which has none', () => {
    const declare = (mediaTypes: readonly string[]) =>
      new Service('s').api('x', { ...Sum, input: { ...Sum.input, mediaTypes }, method: 'GET' }, () => ({ sum: 0 }));
    expect(() => declare(Sum.input.mediaTypes)).toThrow(
      expect.objectContaining({ code: 'EKIBEN_SERVICE_INVALID', message: expect.stringContaining('application/json') }),
    );
    expect(declare([]).apis).toMatchObject([{ method: 'GET' }]);
  });

  test('refuses two APIs of one name, and two of one method and path', () => {
    const untyped = adder as unknown as Service;
    expect(() => untyped.api('add', Sum, () => ({ sum: 0 }))).toThrow(/There is an API 'add' already/);
    expect(() => adder.api('plus', { ...Sum, path: '/add' }, () => ({ sum: 0 }))).toThrow(
      expect.objectContaining({ code: 'EKIBEN_ROUTE_CONFLICT' }),
    );
    expect(adder.api('plus', { ...Sum, path: '/add', method: 'PUT' }, () => ({ sum: 0 })).apis).toHaveLength(2);
  });
});

describe('call', () => {
  test('validates the input and runs the handler', async () => {
    await expect(adder.call('add', { a: 1, b: 2 })).resolves.toEqual({ sum: 3 });
  });

  test('names every fault of the input', async () => {
    const faulty = adder.call('add', { a: 1.5 } as never);
    await expect(faulty).rejects.toMatchObject({
      code: 'EKIBEN_INVALID_INPUT',
      details: { errors: [{ pointer: '/a' }, { pointer: '/b' }] },
    });
  });

  test('validates the output', async () => {
    const broken = new Service('s').api('x', Sum, () => ({ sum: 0.5 }));
    await expect(broken.call('x', { a: 1, b: 1 })).rejects.toMatchObject({ code: 'EKIBEN_INVALID_OUTPUT' });
  });

  test('gives what a client would get: the output schema strips an excess field', async () => {
    const generous = new Service('s').api('x', Sum, () => ({ sum: 0, secret: 1 }));
    await expect(generous.call('x', { a: 1, b: 1 })).resolves.toEqual({ sum: 0 });
  });

  test('what a handler throws comes out as it is', async () => {
    const error = new RangeError('mine');
    const broken = new Service('s').api('x', Sum, () => {
      throw error;
    });
    await expect(broken.call('x', { a: 1, b: 1 })).rejects.toBe(error);
  });

  test('runs middleware, and says when one has answered', async () => {
    const order: string[] = [];
    const service = adder.use(async (ctx, next) => {
      order.push(`${ctx.request.method} ${ctx.request.path}`);
      await next();
      order.push('after');
    });
    await service.call('add', { a: 1, b: 1 });
    expect(order).toEqual(['POST /add', 'after']);
    const closed = service.use((ctx) => void (ctx.response.status = 401));
    await expect(closed.call('add', { a: 1, b: 1 })).rejects.toMatchObject({
      code: 'EKIBEN_MIDDLEWARE_ANSWERED',
      details: { status: 401 },
    });
  });

  test('an API that is not there is named, with those that are', async () => {
    await expect(adder.call('nope' as never, {} as never)).rejects.toThrow("adder has no API 'nope' (it has: add).");
  });

  test('streams go through without bytes being gathered', async () => {
    const echo = new Service('s').api('echo', { input: byteStream(), output: byteStream() }, (chunks) => chunks);
    async function* hello() {
      yield Buffer.from('he');
      yield Buffer.from('llo');
    }
    expect(await gather(await echo.call('echo', hello()))).toBe('hello');
  });
});

describe('state', () => {
  test('is made once, by the first who needs it', async () => {
    const make = jest.fn(async () => ({ n: 41 }));
    const service = new Service('s', { state: make }).api('x', Sum, ({ a }, ctx) => ({ sum: ctx.state.n + a }));
    expect(make).not.toHaveBeenCalled();
    const answers = await Promise.all([1, 2].map((a) => service.call('x', { a, b: 0 })));
    expect(answers).toEqual([{ sum: 42 }, { sum: 43 }]);
    expect(make).toHaveBeenCalledTimes(1);
  });

  test('that fails is tried again by the next', async () => {
    const make = jest.fn<() => number>().mockImplementationOnce(() => {
      throw new Error('no connection');
    });
    make.mockReturnValue(1);
    const service = new Service('s', { state: make }).api('x', Sum, (_, ctx) => ({ sum: ctx.state }));
    await expect(service.call('x', { a: 0, b: 0 })).rejects.toThrow('no connection');
    await expect(service.call('x', { a: 0, b: 0 })).resolves.toEqual({ sum: 1 });
  });
});

test('the context of a call that nobody can leave has no deadline and a quiet signal', async () => {
  const service = new Service('s').api('x', Sum, (_, ctx) => {
    expect(ctx.deadline).toBeUndefined();
    expect(ctx.signal.aborted).toBe(false);
    expect([...ctx.request.headers]).toEqual([]);
    return { sum: 0 };
  });
  await service.call('x', { a: 0, b: 0 });
});

test.each([199, 600, 200.5, Number.NaN])('refuses the status %d', async (status) => {
  const service = new Service('s').api('x', Sum, (_, ctx) => {
    ctx.response.status = status;
    return { sum: 0 };
  });
  const error = await service.call('x', { a: 0, b: 0 }).catch((thrown: unknown) => thrown);
  expect(EkibenError.is(error) && error.code).toBe('EKIBEN_STATUS_INVALID');
});

// The descriptors of a service are readable by whoever documents it.
export const readable: readonly AnyDescriptor[] = adder.apis.map(({ input }) => input);
