// What compiles, and what must not.
import { client } from '../src/index.ts';
import type { svc } from './services.ts';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const yes = <T extends true>() => undefined as T | undefined;

const all = client<typeof svc>('http://127.0.0.1:3000', { routes: { decide: { path: '/v1/decide' } } });

export const decided: Promise<{ status: 'DECLINED' | 'APPROVED' }> = all.decide({ income: 1 });
yes<Equal<ReturnType<typeof all.decide>, Promise<{ status: 'DECLINED' | 'APPROVED' }>>>();
yes<Equal<ReturnType<typeof all.shout>, Promise<string>>>();
yes<Equal<ReturnType<typeof all.reverse>, Promise<Uint8Array>>>();
yes<Equal<ReturnType<typeof all.reverse.stream>, AsyncIterable<Uint8Array>>>();
yes<Equal<ReturnType<typeof all.rows.stream>, AsyncIterable<{ i: number }>>>();
void all.measure({ meta: { unit: 'bytes' }, data: new Blob([]) });
void all.measure({ meta: { unit: 'bytes' }, data: new Uint8Array() });

void all.motto();
void all.motto(undefined, { timeoutMs: 100 });

// @ts-expect-error it takes nothing
void all.motto(1);
// @ts-expect-error income is a number
void all.decide({ income: 'much' });
// @ts-expect-error there is no such field
void all.decide({ income: 1, wealth: 1 });
// @ts-expect-error there is no such API
void all.nope(1);
// @ts-expect-error an answer of JSON is no stream
void all.decide.stream({ income: 1 });
// @ts-expect-error a stream has no value
void all.rows({ to: 1 });
// @ts-expect-error a form has these parts
void all.measure({ meta: { unit: 'bytes' } });
// @ts-expect-error there is no such API to say the route of
client<typeof svc>('http://127.0.0.1:3000', { routes: { nope: {} } });
