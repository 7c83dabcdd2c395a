// The inference that services rely on: with `Service.api`'s own signature, and without a cast anywhere.
import * as v from 'valibot';
import * as z from 'zod';
import { json } from '../src/index.ts';
import type { Descriptor, FromSchema } from '../src/index.ts';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const yes = <T extends true>() => undefined as T | undefined;

type Frozen<T> = T extends readonly (infer U)[]
  ? readonly Frozen<U>[]
  : T extends object
    ? { readonly [K in keyof T]: Frozen<T[K]> }
    : T;
declare function api<IW, IV, OW, OV, const R extends Frozen<OV>>(
  route: { readonly input: Descriptor<IW, IV>; readonly output: Descriptor<OW, OV> },
  handler: (input: NoInfer<IV>) => R | Promise<R>,
): (input: IW) => Promise<OW>;

const A = z.object({ a: z.int(), b: z.string().optional() });
const D = z.object({ Status: z.enum(['X', 'Y']) });

// @ts-expect-error wrong output field
api({ input: json(A), output: json(D) }, async () => ({ Statuz: 'X' }));
// @ts-expect-error not of the enum
api({ input: json(A), output: json(D) }, () => ({ Status: 'Z' }));
// An excess field is not seen by tsc: the output schema strips or refuses it.
api({ input: json(A), output: json(D) }, async () => ({ Status: 'X', extra: 1 }));
// @ts-expect-error wrong input field
api({ input: json(A), output: json(D) }, (x) => ({ Status: x.nope }));

const viaZod = api({ input: json(A), output: json(D) }, (x) => ({ Status: x.a > 1 ? 'X' : 'Y' }));
export const r1: Promise<{ Status: 'X' | 'Y' }> = viaZod({ a: 1 });
void viaZod({ a: 1, b: undefined });
// @ts-expect-error
void viaZod({ a: 'x' });

const viaJsonSchema = api(
  {
    input: json({
      type: 'object',
      properties: { p: { type: 'number' }, q: { type: 'string' }, r: { type: 'array', items: { type: 'integer' } } },
      required: ['p'],
    }),
    output: json({ enum: ['a', 'b'] }),
  },
  (x) => (x.p > 1 && (x.r ?? []).length > 0 && x.q?.startsWith('u') ? 'a' : 'b'),
);
export const r2: Promise<'a' | 'b'> = viaJsonSchema({ p: 1 });
// @ts-expect-error p is required
void viaJsonSchema({ q: 'x' });

// A transform: the wire differs from the value.
const T = z.object({ when: z.string().transform((s) => new Date(s)) });
const transformed = json(T);
yes<Equal<typeof transformed, Descriptor<{ when: string }, { when: Date }>>>();
const viaTransform = api({ input: transformed, output: json(D) }, (x) => ({
  Status: x.when.getTime() > 0 ? 'X' : 'Y',
}));
void viaTransform({ when: '2020' });

// Another Standard Schema library.
const viaValibot = json(v.object({ n: v.pipe(v.string(), v.transform(Number)), o: v.optional(v.boolean()) }));
yes<
  Equal<typeof viaValibot, Descriptor<{ n: string; o?: boolean | undefined }, { n: number; o?: boolean | undefined }>>
>();

// Options follow the wire type.
json(T, { example: { when: '2020-01-01' }, maxBytes: 10, coerce: undefined });
// @ts-expect-error the example is what a client sends
json(T, { example: { when: new Date() } });

type Schema = {
  readonly type: 'object';
  readonly properties: {
    readonly kind: { readonly const: 'cat' };
    readonly name: { readonly type: readonly ['string', 'null'] };
    readonly other: { readonly anyOf: readonly [] };
  };
  readonly required: readonly ['kind'];
};
declare const cat: FromSchema<Schema>;
yes<Equal<typeof cat.kind, 'cat'>>();
yes<Equal<typeof cat.name, string | null | undefined>>();
yes<Equal<typeof cat.other, unknown>>();

// A handler must return the value: a descriptor of less is no descriptor of more.
declare const narrow: Descriptor<unknown, { a: 1 }>;
// @ts-expect-error encode is a property, so that this is refused
export const wide: Descriptor<unknown, { a: number }> = narrow;
