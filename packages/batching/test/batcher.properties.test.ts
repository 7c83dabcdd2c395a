// What holds for every batcher, whatever calls come, fail and leave. The real Batcher, in simulated time.

import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Batcher } from '../src/batcher.ts';
import { SimulatedClock } from './simulated-clock.ts';

interface Input {
  readonly id: number;
  readonly rows: number;
  readonly key: string;
  readonly poisonous: boolean;
}

const callArbitrary = fc.record({
  /** Ms after the call before. */
  gap: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 30 })),
  rows: fc.integer({ min: 0, max: 7 }),
  key: fc.constantFrom('a', 'a', 'a', 'b', 'c'),
  poisonous: fc.integer({ min: 0, max: 19 }).map((n) => n === 0),
  caller: fc.constantFrom('', 'x', 'y'),
  priority: fc.integer({ min: 0, max: 2 }),
  /** Ms from the call to its deadline. */
  patience: fc.option(fc.integer({ min: 0, max: 200 }), { nil: undefined, freq: 4 }),
  /** Ms from the call to its cancellation. */
  abortAfter: fc.option(fc.integer({ min: 0, max: 40 }), { nil: undefined, freq: 4 }),
});

const optionsArbitrary = fc.record({
  maxBatchSize: fc.integer({ min: 1, max: 12 }),
  concurrency: fc.integer({ min: 1, max: 3 }),
  maxWaitMs: fc.constantFrom(0, 0, 5),
  maxLatencyMs: fc.option(fc.integer({ min: 5, max: 100 }), { nil: undefined }),
  retrySafe: fc.boolean(),
  cut: fc.boolean(),
});

/** Coded errors that a call may end with although nothing is wrong with it. */
const refusals = ['EKIBEN_BATCHER_OVERLOADED', 'EKIBEN_DEADLINE_EXCEEDED'];

test('no call is lost or answered twice, each gets its own answer, and batches keep to the rules', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(callArbitrary, { maxLength: 60 }), optionsArbitrary, async (calls, options) => {
      const clock = new SimulatedClock();
      let inFlight = 0;
      const run = async (batch: readonly Input[], info: { readonly rows: number }): Promise<readonly string[]> => {
        inFlight++;
        expect(inFlight).toBeLessThanOrEqual(options.concurrency);
        const rows = batch.reduce((sum, input) => sum + input.rows, 0);
        expect(info.rows).toBe(rows);
        // Only a call that is larger by itself may exceed the cap.
        if (batch.length > 1) expect(rows).toBeLessThanOrEqual(options.maxBatchSize);
        expect(new Set(batch.map(({ key }) => key)).size).toBe(1);
        await clock.work(3 + rows, undefined);
        inFlight--;
        if (batch.some(({ poisonous }) => poisonous)) throw new Error('poison');
        return batch.map(({ id, rows: own }) => `${id}:${own}`);
      };
      const oversized = {
        split: (input: Input, maxRows: number) =>
          Array.from({ length: Math.ceil(input.rows / maxRows) }, (_, part) => ({
            ...input,
            rows: Math.min(maxRows, input.rows - part * maxRows),
          })),
        join: (parts: readonly string[]) => {
          const rows = parts.reduce((sum, part) => sum + Number(part.split(':')[1]), 0);
          return `${parts[0]?.split(':')[0]}:${rows}`;
        },
      };
      const batcher = new Batcher<Input, string>({
        run,
        clock,
        size: ({ rows }) => rows,
        key: ({ key }) => key,
        ...options,
        oversized: options.cut ? oversized : undefined,
      });

      const outcomes = new Map<number, string[]>();
      const note = (id: number, outcome: string) => outcomes.set(id, [...(outcomes.get(id) ?? []), outcome]);
      for (const [id, { gap, patience, abortAfter, ...call }] of calls.entries()) {
        await clock.advance(gap);
        const controller = new AbortController();
        if (abortAfter !== undefined) clock.after(abortAfter, () => controller.abort());
        const deadline = patience === undefined ? undefined : clock.now() + patience;
        const { rows, key, poisonous, caller, priority } = call;
        batcher.run({ id, rows, key, poisonous }, { signal: controller.signal, deadline, caller, priority }).then(
          (answer) => note(id, answer),
          (error: { code?: unknown; name: string }) =>
            note(id, typeof error.code === 'string' ? error.code : error.name),
        );
      }
      let closed = false;
      void batcher.close().then(() => (closed = true));
      await clock.advance(60 * 20);

      expect(closed).toBe(true);
      expect(clock.pending).toBe(0);
      const mayBePoisoned = calls.some(({ poisonous }) => poisonous) && !options.retrySafe;
      for (const [id, call] of calls.entries()) {
        const allowed = [
          ...(call.poisonous ? [] : [`${id}:${call.rows}`]),
          ...(call.poisonous || mayBePoisoned ? ['Error'] : []),
          ...(call.abortAfter === undefined ? [] : ['AbortError']),
          ...(call.patience === undefined && (options.maxLatencyMs ?? Infinity) === Infinity ? [] : refusals),
        ];
        expect(outcomes.get(id)).toHaveLength(1);
        expect(allowed).toContain(outcomes.get(id)?.[0]);
      }
    }),
    { numRuns: 150 },
  );
});

test('calls of one caller with one key keep their order', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ gap: fc.nat(12), rows: fc.nat(6) }), { maxLength: 50 }),
      fc.integer({ min: 1, max: 8 }),
      async (calls, maxBatchSize) => {
        const clock = new SimulatedClock();
        const order: number[] = [];
        const run = (batch: readonly { id: number; rows: number }[]) => {
          order.push(...batch.map(({ id }) => id));
          return clock.work(10, batch);
        };
        const batcher = new Batcher({ run, clock, size: ({ rows }) => rows, maxBatchSize });
        for (const [id, { gap, rows }] of calls.entries()) {
          await clock.advance(gap);
          void batcher.run({ id, rows });
        }
        await clock.advance(1_000);
        expect(order).toEqual([...calls.keys()]);
      },
    ),
    { numRuns: 50 },
  );
});

test('nobody starves: a call is served before any other caller gets a second turn', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ caller: fc.constantFrom('a', 'b', 'c'), gap: fc.nat(2) }), {
        minLength: 30,
        maxLength: 120,
      }),
      fc.nat(29),
      async (others, place) => {
        const clock = new SimulatedClock();
        const order: { caller: string; at: number }[] = [];
        let victimAt = -1;
        const run = (batch: readonly string[]) => {
          order.push(...batch.map((caller) => ({ caller, at: clock.now() })));
          return clock.work(10, batch);
        };
        const batcher = new Batcher({ run, clock, maxBatchSize: 2 });
        for (const [index, { caller, gap }] of others.entries()) {
          void batcher.run(caller, { caller, priority: 2 });
          if (index === place) {
            victimAt = clock.now();
            void batcher.run('victim', { caller: 'victim' });
          }
          await clock.advance(gap);
        }
        await clock.advance(5_000);
        expect(order).toHaveLength(others.length + 1);
        const meanwhile = order
          .slice(
            0,
            order.findIndex(({ caller }) => caller === 'victim'),
          )
          .filter(({ at }) => at > victimAt);
        for (const rival of ['a', 'b', 'c']) {
          expect(meanwhile.filter(({ caller }) => caller === rival).length).toBeLessThanOrEqual(1);
        }
      },
    ),
    { numRuns: 50 },
  );
});
