import { Batcher, type BatcherOptions } from '../src/index.ts';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const yes = <T extends true>(): T | undefined => undefined;

const strings = new Batcher({ run: async (xs: readonly number[]) => xs.map(String), maxBatchSize: 8 });
yes<Equal<typeof strings, Batcher<number, string>>>();
void strings.run(1, { signal: AbortSignal.timeout(1), deadline: 5, priority: 1, caller: 'a' });
// @ts-expect-error an input of another type
void strings.run('1');

const sync = new Batcher({
  run: (xs: readonly string[]) => xs.map((x) => x.length),
  key: (x) => x,
  size: (x) => x.length,
});
yes<Equal<ReturnType<typeof sync.run>, Promise<number>>>();

// @ts-expect-error the name in model.yaml
void new Batcher({ run: (xs: readonly number[]) => xs, max_batch_size: 8 });
// @ts-expect-error a result that cannot be told apart by input
void new Batcher({ run: async (xs: readonly number[]) => xs.length });
// Optional options may be undefined.
export const options: BatcherOptions<number, number> = {
  run: (xs) => xs,
  maxLatencyMs: undefined,
  oversized: undefined,
};
