// What compiles, and what must not.
import * as z from 'zod';
import { json } from '@ekiben/io-descriptors';
import { Service } from '../src/index.ts';
import type { ApiShape, Middleware } from '../src/index.ts';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const yes = <T extends true>() => undefined as T | undefined;

const A = z.object({ a: z.int(), b: z.string().optional() });
const D = z.object({ Status: z.enum(['X', 'Y']) });
const route = { input: json(A), output: json(D) };

// @ts-expect-error the output has no such field
new Service('s').api('c', route, async () => ({ Statuz: 'X' }));
// @ts-expect-error the field has no such value
new Service('s').api('c', route, () => ({ Status: 'Z' }));
// @ts-expect-error the input has no such field
new Service('s').api('c', route, (x) => ({ Status: x.nope }));
// Not caught by tsc: the output schema strips an excess field.
new Service('s').api('c', route, async () => ({ Status: 'X', extra: 1 }));

export const two = new Service('s', { state: () => ({ n: 1 }) })
  .api('c', route, (x, ctx) => {
    ctx.response.status = 201;
    yes<Equal<typeof ctx.state, { n: number }>>();
    return { Status: x.a > ctx.state.n ? 'X' : 'Y' };
  })
  .api(
    'd',
    {
      input: json({
        type: 'object',
        properties: {
          p: { type: 'number' },
          q: { type: 'string' },
          r: { type: 'array', items: { type: 'integer' } },
        },
        required: ['p'],
      }),
      output: json({ enum: ['a', 'b'] }),
    },
    (x) => (x.p > 1 && (x.r ?? []).length > 0 && x.q?.startsWith('u') ? 'a' : 'b'),
  );

// @ts-expect-error the name is taken
two.api('c', route, () => ({ Status: 'X' }));

export const r1: Promise<{ Status: 'X' | 'Y' }> = two.call('c', { a: 1, b: undefined });
export const r2: Promise<'a' | 'b'> = two.call('d', { p: 1 });
// @ts-expect-error a is a number
void two.call('c', { a: 'x' });
// @ts-expect-error p is required
void two.call('d', { q: 'x' });
// @ts-expect-error there is no such API
void two.call('nope', {});

// A transform: what the client sends is not what the handler gets.
const T = z.object({ when: z.string().transform((s) => new Date(s)) });
const transforming = new Service('t').api('e', { input: json(T), output: json(D) }, (x) => ({
  Status: x.when.getTime() > 0 ? 'X' : 'Y',
}));
void transforming.call('e', { when: '2020' });
// @ts-expect-error the wire has a string
void transforming.call('e', { when: new Date() });

// A typed client can be made of the type of a service alone.
type Client<S> = S extends { readonly '~apis'?: infer Apis extends Record<string, ApiShape> }
  ? { readonly [K in keyof Apis]: (input: Apis[K]['sends']) => Promise<Apis[K]['gets']> }
  : never;
yes<Equal<Parameters<Client<typeof two>['c']>[0], { a: number; b?: string | undefined }>>();
yes<Equal<ReturnType<Client<typeof two>['c']>, Promise<{ Status: 'X' | 'Y' }>>>();

// Any service is one of no API in particular; `use` keeps the APIs.
const any: Service<Record<never, never>, unknown> = two;
void any;
const guard: Middleware = (ctx, next) => (ctx.request.headers.has('x') ? next() : undefined);
void two.use(guard).call('c', { a: 1 });
