import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { getEventListeners } from 'node:events';
import { describe, expect, test } from '@jest/globals';
import { Batcher } from '../src/batcher.ts';
import type { BatcherOptions, BatchInfo } from '../src/options.ts';
import { SimulatedClock } from './simulated-clock.ts';

type Options = Partial<BatcherOptions<number, number>> & { readonly msOf?: (batch: readonly number[]) => number };

/** A batcher that doubles numbers in simulated time, 10 ms a batch, and records its batches. */
function doubling({ msOf = () => 10, ...options }: Options = {}, clock = new SimulatedClock()) {
  const batches: (readonly number[])[] = [];
  const run = async (batch: readonly number[]) => {
    batches.push(batch);
    return await clock.work(
      msOf(batch),
      batch.map((n) => 2 * n),
    );
  };
  return { clock, batches, batcher: new Batcher<number, number>({ run, clock, ...options }) };
}

/** How a call ended: 'answered', the error's code, or its name. */
const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'answered',
    (error: { code?: unknown; name: string }) => (typeof error.code === 'string' ? error.code : error.name),
  );

/** The outcome, if it is there. */
const soFar = (outcome: Promise<string>) => Promise.race([outcome, Promise.resolve('still waiting')]);

/** Teaches the batcher that a batch takes 10 ms. */
async function teach({ clock, batcher }: ReturnType<typeof doubling>): Promise<void> {
  for (let i = 0; i < 5; i++) {
    const call = batcher.run(i);
    await clock.advance(10);
    await call;
  }
}

describe('batches', () => {
  test('are made of the calls of one turn', async () => {
    const { clock, batches, batcher } = doubling();
    const calls = [batcher.run(1), batcher.run(2), Promise.resolve().then(() => batcher.run(3))];
    await clock.advance(10);
    expect(await Promise.all(calls)).toEqual([2, 4, 6]);
    expect(batches).toEqual([[1, 2, 3]]);
  });

  test('start at the end of the turn, without any wait', async () => {
    const { clock, batches, batcher } = doubling();
    void batcher.run(1);
    expect(batches).toEqual([]);
    await clock.advance(0);
    expect(batches).toEqual([[1]]);
    await clock.advance(10);
  });

  test('gather while one is in flight', async () => {
    const { clock, batches, batcher } = doubling();
    const calls: Promise<number>[] = [];
    for (let i = 0; i < 5; i++) {
      calls.push(batcher.run(i));
      await clock.advance(1);
    }
    await clock.advance(20);
    expect(batches).toEqual([[0], [1, 2, 3, 4]]);
    expect(await Promise.all(calls)).toEqual([0, 2, 4, 6, 8]);
  });

  test('have at most maxBatchSize rows, in the order of the calls', async () => {
    const { clock, batches, batcher } = doubling({ maxBatchSize: 5, size: (n) => n });
    const calls = [2, 2, 2, 5, 9, 1].map((n) => batcher.run(n));
    await clock.advance(100);
    expect(batches).toEqual([[2, 2], [2], [5], [9], [1]]);
    expect(await Promise.all(calls)).toEqual([4, 4, 4, 10, 18, 2]);
  });

  test('may hold any number of calls without rows', async () => {
    const { clock, batches, batcher } = doubling({ maxBatchSize: 1, size: () => 0 });
    const calls = [batcher.run(1), batcher.run(2)];
    await clock.advance(10);
    expect(await Promise.all(calls)).toEqual([2, 4]);
    expect(batches).toEqual([[1, 2]]);
  });

  test('run up to `concurrency` at a time', async () => {
    const { clock, batches, batcher } = doubling({ concurrency: 2, maxBatchSize: 1 });
    for (let i = 0; i < 5; i++) void batcher.run(i);
    await clock.advance(0);
    expect(batches).toEqual([[0], [1]]);
    await clock.advance(10);
    expect(batches).toEqual([[0], [1], [2], [3]]);
    await clock.advance(20);
  });

  test('never mix keys, and keys take turns', async () => {
    const { clock, batches, batcher } = doubling({ key: (n) => (n % 2 === 0 ? 'even' : 'odd'), maxBatchSize: 2 });
    for (const n of [2, 4, 6, 8, 1, 3, 5]) void batcher.run(n);
    await clock.advance(100);
    expect(batches).toEqual([[2, 4], [1, 3], [6, 8], [5]]);
  });

  test('hear their rows', async () => {
    const infos: BatchInfo[] = [];
    const run = (batch: readonly number[], info: BatchInfo) => {
      infos.push(info);
      return batch;
    };
    const { clock, batcher } = doubling({ run, size: (n) => n });
    await Promise.all([batcher.run(3), batcher.run(4), clock.advance(0)]);
    expect(infos.map(({ rows }) => rows)).toEqual([7]);
  });

  test('of a function that is not asynchronous leave the event loop a turn between them', async () => {
    const { clock, batcher } = doubling({ run: (batch) => batch, maxBatchSize: 1 });
    const order: string[] = [];
    void batcher.run(1).then(() => order.push('first'));
    void batcher.run(2).then(() => order.push('second'));
    clock.endOfTurn(() => order.push('another event'));
    await clock.advance(0);
    expect(order).toEqual(['first', 'another event', 'second']);
  });
});

describe('an oversized call', () => {
  const oversized = {
    split: (n: number, maxRows: number) =>
      Array.from({ length: Math.ceil(n / maxRows) }, (_, i) => Math.min(maxRows, n - i * maxRows)),
    join: (parts: readonly number[]) => parts.reduce((sum, part) => sum + part, 0),
  };

  test('is cut and joined', async () => {
    const { clock, batches, batcher } = doubling({ maxBatchSize: 5, size: (n) => n, oversized });
    const call = batcher.run(12);
    await clock.advance(100);
    expect(await call).toBe(24);
    expect(batches).toEqual([[5], [5], [2]]);
  });

  test('takes its other parts out of the queue when one fails', async () => {
    const seen: (readonly number[])[] = [];
    const run = async (batch: readonly number[]) => {
      seen.push(batch);
      return await Promise.reject(new Error('no'));
    };
    const { clock, batcher } = doubling({ maxBatchSize: 5, size: (n) => n, oversized, run });
    const call = codeOf(batcher.run(12));
    await clock.advance(100);
    expect(await call).toBe('Error');
    expect(seen).toEqual([[5]]);
  });

  test('leaves as a whole when it is cancelled', async () => {
    const { clock, batches, batcher } = doubling({ maxBatchSize: 5, size: (n) => n, oversized });
    const controller = new AbortController();
    const call = codeOf(batcher.run(12, { signal: controller.signal }));
    await clock.advance(5);
    controller.abort();
    await clock.advance(100);
    expect(await call).toBe('AbortError');
    expect(batches).toEqual([[5]]);
    expect(getEventListeners(controller.signal, 'abort')).toEqual([]);
  });
});

describe('a cancelled call', () => {
  test('leaves the queue', async () => {
    const { clock, batches, batcher } = doubling();
    const controller = new AbortController();
    void batcher.run(1);
    await clock.advance(1);
    const cancelled = codeOf(batcher.run(2, { signal: controller.signal }));
    const kept = batcher.run(3);
    controller.abort();
    await clock.advance(20);
    expect(await cancelled).toBe('AbortError');
    expect(await kept).toBe(6);
    expect(batches).toEqual([[1], [3]]);
    expect(clock.pending).toBe(0);
  });

  test('is rejected with the reason of its signal, at once', async () => {
    const { clock, batcher } = doubling();
    const reason = new Error('the client went away');
    const controller = new AbortController();
    const call = batcher.run(1, { signal: controller.signal });
    await clock.advance(1);
    controller.abort(reason);
    await expect(call).rejects.toBe(reason);
    await expect(batcher.run(2, { signal: controller.signal })).rejects.toBe(reason);
    await clock.advance(10);
  });

  test('does not disturb the batch that it is in, whose signal aborts when nobody is left', async () => {
    const infos: BatchInfo[] = [];
    const { clock, batcher } = doubling({
      run: async (batch, info) => {
        infos.push(info);
        return await clock.work(10, batch);
      },
    });
    const controllers = [new AbortController(), new AbortController()];
    const calls = controllers.map(({ signal }, n) => codeOf(batcher.run(n, { signal })));
    await clock.advance(1);
    controllers[0]?.abort();
    expect(infos[0]?.signal.aborted).toBe(false);
    controllers[1]?.abort();
    expect(infos[0]?.signal.aborted).toBe(true);
    await clock.advance(10);
    expect(await Promise.all(calls)).toEqual(['AbortError', 'AbortError']);
  });

  test('leaves no listener behind, however the call ends', async () => {
    const { clock, batcher } = doubling({
      run: (batch) => (batch.includes(13) ? Promise.reject(new Error('13')) : batch),
    });
    const { signal } = new AbortController();
    const calls = [1, 2, 13].map((n) => codeOf(batcher.run(n, { signal })));
    expect(getEventListeners(signal, 'abort')).toHaveLength(1); // more than ten would make Node warn of a leak
    await clock.advance(10);
    await Promise.all(calls);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });
});

describe('a failing batch', () => {
  const poisoned = async (batch: readonly number[]) => {
    if (batch.includes(13)) throw new Error('13 is unlucky');
    return await Promise.resolve(batch);
  };

  test('fails all its calls', async () => {
    const { clock, batcher } = doubling({ run: poisoned });
    const calls = [1, 13, 2].map((n) => codeOf(batcher.run(n)));
    await clock.advance(0);
    expect(await Promise.all(calls)).toEqual(['Error', 'Error', 'Error']);
  });

  test('is run again call by call where that is safe: of 64 calls, only the one at fault fails', async () => {
    const { clock, batcher } = doubling({ run: poisoned, retrySafe: true });
    const calls = Array.from({ length: 64 }, (_, n) => batcher.run(n));
    const settled = Promise.allSettled(calls);
    await clock.advance(0);
    const results = await settled;
    expect(results.filter(({ status }) => status === 'rejected')).toHaveLength(1);
    expect(results.map((result) => (result.status === 'fulfilled' ? result.value : 13))).toEqual([...calls.keys()]);
  });

  test('does not run a cancelled call again', async () => {
    const controller = new AbortController();
    const seen: (readonly number[])[] = [];
    const { clock, batcher } = doubling({
      retrySafe: true,
      run: async (batch) => {
        seen.push(batch);
        await clock.work(10, undefined);
        return await poisoned(batch);
      },
    });
    const calls = [
      codeOf(batcher.run(13)),
      codeOf(batcher.run(1, { signal: controller.signal })),
      codeOf(batcher.run(2)),
    ];
    await clock.advance(5);
    controller.abort();
    await clock.advance(100);
    expect(await Promise.all(calls)).toEqual(['Error', 'AbortError', 'answered']);
    expect(seen).toEqual([[13, 1, 2], [13], [2]]);
  });

  test('may fail by a synchronous throw', async () => {
    const { clock, batcher } = doubling({
      run() {
        throw new RangeError('at once');
      },
    });
    const call = codeOf(batcher.run(1));
    await clock.advance(0);
    expect(await call).toBe('RangeError');
  });

  test.each([
    ['too few', [1]],
    ['too many', [1, 2, 3]],
    ['none', undefined],
  ])('is one that gives %s results', async (_, results) => {
    const { clock, batcher } = doubling({ run: () => results as number[] });
    const calls = [1, 2].map((n) => codeOf(batcher.run(n)));
    await clock.advance(0);
    expect(await Promise.all(calls)).toEqual(['EKIBEN_BATCH_RESULTS_INVALID', 'EKIBEN_BATCH_RESULTS_INVALID']);
  });

  test('is one whose results cannot be read, and still answers every call', async () => {
    const results = Object.defineProperty([1, 2, 3], 1, {
      get() {
        throw new RangeError('not here');
      },
    });
    const { clock, batcher } = doubling({ run: () => results });
    const calls = Promise.all([1, 2, 3].map((n) => codeOf(batcher.run(n))));
    await clock.advance(0);
    expect(await calls).toEqual(['answered', 'RangeError', 'RangeError']);
  });

  test('does not hinder the next one', async () => {
    const { clock, batcher } = doubling({ run: poisoned });
    const bad = codeOf(batcher.run(13));
    await clock.advance(0);
    const good = batcher.run(7);
    await clock.advance(0);
    expect([await bad, await good]).toEqual(['Error', 7]);
  });
});

describe('deadlines', () => {
  test('decide the order', async () => {
    const { clock, batches, batcher } = doubling({ maxBatchSize: 1 });
    void batcher.run(0);
    await clock.advance(1);
    for (const deadline of [800, 200, 5_000, 400]) void batcher.run(deadline, { deadline });
    void batcher.run(1_001); // without one: due in a second
    await clock.advance(100);
    expect(batches).toEqual([[0], [200], [400], [800], [1_001], [5_000]]);
  });

  test('that have passed are refused', async () => {
    const { clock, batches, batcher } = doubling();
    await clock.advance(10);
    expect(await codeOf(batcher.run(1, { deadline: 10 }))).toBe('EKIBEN_DEADLINE_EXCEEDED');
    await clock.advance(10);
    expect(batches).toEqual([]);
  });

  test('end a call that waits behind a worker that does not come back', async () => {
    const { clock, batcher } = doubling({ msOf: () => 1e6 });
    const stuck = codeOf(batcher.run(1));
    await clock.advance(1);
    const call = codeOf(batcher.run(2, { deadline: 50 }));
    const patient = codeOf(batcher.run(3, { deadline: 500 }));
    await clock.advance(60);
    expect(await soFar(call)).toBe('EKIBEN_DEADLINE_EXCEEDED');
    expect(await soFar(patient)).toBe('still waiting');
    await clock.advance(450);
    expect(await soFar(patient)).toBe('EKIBEN_DEADLINE_EXCEEDED');
    expect(await soFar(stuck)).toBe('still waiting');
    expect(clock.pending).toBe(1); // the work itself
  });

  test('are not waited for by a timer when nothing is queued', async () => {
    const { clock, batcher } = doubling();
    const call = batcher.run(1, { deadline: 60_000 });
    await clock.advance(10);
    await call;
    expect(clock.pending).toBe(0);
  });
});

describe('with maxLatencyMs', () => {
  test('a call that cannot be answered in time is refused at the door, with the time to come again', async () => {
    const doubled = doubling({ maxBatchSize: 2, maxLatencyMs: 35 });
    await teach(doubled);
    const { clock, batches, batcher } = doubled;
    const calls = Array.from({ length: 12 }, (_, n) => batcher.run(n).catch((error: unknown) => error));
    await clock.advance(100);
    const results = await Promise.all(calls);
    expect(results.slice(0, 6)).toEqual([0, 2, 4, 6, 8, 10]);
    expect(results.at(-1)).toMatchObject({
      code: 'EKIBEN_BATCHER_OVERLOADED',
      details: { retryAfterMs: expect.any(Number), queuedRows: 6, maxLatencyMs: 35 },
    });
    expect(batches.slice(5)).toEqual([
      [0, 1],
      [2, 3],
      [4, 5],
    ]);
  });

  test('it counts from when the caller began to wait', async () => {
    const doubled = doubling({ maxBatchSize: 2, maxLatencyMs: 35 });
    await teach(doubled);
    const { clock, batcher } = doubled;
    const since = clock.now() - 20;
    const calls = Array.from({ length: 6 }, (_, n) => codeOf(batcher.run(n, n < 4 ? {} : { since })));
    await clock.advance(100);
    expect(await Promise.all(calls)).toEqual([
      ...Array<string>(4).fill('answered'),
      ...Array<string>(2).fill('EKIBEN_BATCHER_OVERLOADED'),
    ]);
  });

  test('nobody is refused before the cost is known, nor by an idle batcher', async () => {
    const doubled = doubling({ maxLatencyMs: 5 });
    await teach(doubled);
    const call = doubled.batcher.run(21);
    await doubled.clock.advance(10);
    expect(await call).toBe(42);
  });

  test('the same call succeeds after `retryAfterMs`', async () => {
    const doubled = doubling({ maxBatchSize: 2, size: () => 2, maxLatencyMs: 25 });
    await teach(doubled);
    const { clock, batcher } = doubled;
    void batcher.run(1);
    void batcher.run(2);
    const error = await batcher.run(3).catch((reason: { details: { retryAfterMs: number } }) => reason);
    if (typeof error === 'number') throw new Error('was not refused');
    await clock.advance(error.details.retryAfterMs);
    const call = batcher.run(3);
    await clock.advance(100);
    expect(await call).toBe(6);
  });

  test('a call that was let in and cannot be answered in time after all is told that there is too much to do', async () => {
    let ms = 10;
    const doubled = doubling({ maxBatchSize: 2, maxLatencyMs: 35, msOf: () => ms });
    await teach(doubled);
    const { clock, batcher } = doubled;
    const calls = Array.from({ length: 4 }, (_, n) => codeOf(batcher.run(n)));
    ms = 1_000;
    await clock.advance(40);
    expect(await soFar(calls[2] as Promise<string>)).toBe('EKIBEN_BATCHER_OVERLOADED');
    await clock.advance(2_000);
    expect(await Promise.all(calls)).toContain('answered');
  });

  test('no call is cut off when batching is off', async () => {
    const doubled = doubling({ maxBatchSize: 1, maxLatencyMs: 15 });
    await teach(doubled);
    const calls = Array.from({ length: 20 }, (_, n) => codeOf(doubled.batcher.run(n)));
    await doubled.clock.advance(200);
    expect(new Set(await Promise.all(calls))).toEqual(new Set(['answered']));
  });

  test('a caller with little queued is not refused for what another has queued', async () => {
    const doubled = doubling({ maxBatchSize: 2, maxLatencyMs: 105 });
    await teach(doubled);
    const { clock, batcher } = doubled;
    const greedy = Array.from({ length: 40 }, (_, n) => codeOf(batcher.run(n, { caller: 'greedy' })));
    const modest = codeOf(batcher.run(1, { caller: 'modest' }));
    await clock.advance(1_000);
    expect(await modest).toBe('answered');
    expect(await Promise.all(greedy)).toContain('EKIBEN_BATCHER_OVERLOADED');
  });
});

test('a full queue refuses', async () => {
  const { clock, batcher } = doubling({ maxQueueSize: 2 });
  const calls = [1, 2, 3].map((n) => codeOf(batcher.run(n)));
  await clock.advance(10);
  expect(await Promise.all(calls)).toEqual(['answered', 'answered', 'EKIBEN_BATCHER_OVERLOADED']);
});

test('a call that leaves the queue makes room', async () => {
  const { clock, batcher } = doubling({ maxQueueSize: 1 });
  const controller = new AbortController();
  const cancelled = codeOf(batcher.run(1, { signal: controller.signal }));
  controller.abort();
  const call = codeOf(batcher.run(2));
  await clock.advance(10);
  expect([await cancelled, await call]).toEqual(['AbortError', 'answered']);
});

describe('callers', () => {
  test('take turns, whoever has queued more', async () => {
    const { clock, batches, batcher } = doubling({ maxBatchSize: 2 });
    for (let n = 0; n < 4; n++) void batcher.run(n, { caller: 'a' });
    for (let n = 10; n < 12; n++) void batcher.run(n, { caller: 'b' });
    await clock.advance(100);
    expect(batches).toEqual([
      [0, 10],
      [1, 11],
      [2, 3],
    ]);
  });

  test('order their own calls by priority, and nobody elses', async () => {
    const { clock, batches, batcher } = doubling({ maxBatchSize: 1 });
    void batcher.run(0, { caller: 'a' });
    void batcher.run(1, { caller: 'a', priority: 1 });
    void batcher.run(2, { caller: 'a', priority: 2 });
    void batcher.run(3, { caller: 'b' });
    await clock.advance(100);
    expect(batches).toEqual([[2], [3], [1], [0]]);
  });

  test('cannot starve a call by priority: it counts as a second', async () => {
    const { clock, batcher } = doubling({ maxBatchSize: 1 });
    const answered: string[] = [];
    void batcher.run(0);
    await clock.advance(1);
    void batcher.run(1).then(() => answered.push(`humble after ${clock.now()} ms`));
    for (let i = 0; i < 220; i++) {
      void batcher.run(2, { priority: 1 });
      void batcher.run(3, { priority: 1 });
      await clock.advance(10);
    }
    expect(answered).toEqual([expect.stringMatching(/^humble after \d+ ms$/)]);
  });
});

describe('with maxWaitMs', () => {
  /** Bursts of five calls in 1 ms, a second apart: the batcher learns that calls come close together. */
  async function burst({ clock, batcher }: ReturnType<typeof doubling>): Promise<void> {
    const calls: Promise<number>[] = [];
    for (let i = 0; i < 5; i++) {
      calls.push(batcher.run(i));
      await clock.advance(0.2);
      expect(clock.pending).toBeLessThanOrEqual(1); // one alarm, or the work
    }
    await clock.advance(1_000);
    await Promise.all(calls);
  }

  test('company that is known to come is waited for, in one batch instead of two', async () => {
    const waiting = doubling({ maxWaitMs: 5 });
    const hurrying = doubling();
    for (let i = 0; i < 60; i++) {
      await burst(waiting);
      await burst(hurrying);
    }
    expect(waiting.batches.slice(-2)).toEqual([
      [0, 1, 2, 3, 4],
      [0, 1, 2, 3, 4],
    ]);
    expect(hurrying.batches.slice(-2)).toEqual([[0], [1, 2, 3, 4]]);
  });

  test('close ends a wait', async () => {
    const waiting = doubling({ maxWaitMs: 1_000 });
    for (let i = 0; i < 60; i++) await burst(waiting);
    const call = waiting.batcher.run(1);
    const closed = waiting.batcher.close();
    await waiting.clock.advance(10);
    expect(await call).toBe(2);
    await closed;
    expect(waiting.clock.pending).toBe(0);
  });
});

describe('close', () => {
  test('answers what is queued, refuses what comes, and leaves no timer', async () => {
    const { clock, batcher } = doubling({ maxBatchSize: 1 });
    const calls = [1, 2, 3].map((n) => batcher.run(n, { deadline: 60_000 }));
    let closed = false;
    const closing = batcher.close().then(() => (closed = true));
    expect(await codeOf(batcher.run(4))).toBe('EKIBEN_BATCHER_CLOSED');
    await clock.advance(25);
    expect(closed).toBe(false);
    await clock.advance(5);
    expect(await Promise.all(calls)).toEqual([2, 4, 6]);
    await closing;
    expect(batcher.close()).toBe(batcher.close());
    expect(clock.pending).toBe(0);
  });

  test('resolves when nothing is there', async () => {
    const { clock, batcher } = doubling();
    const closed = batcher.close().then(() => 'closed');
    await clock.advance(0);
    expect(await soFar(closed)).toBe('closed');
  });
});

test('calls keep their async context, and batches run in none of them', async () => {
  const storage = new AsyncLocalStorage<string>();
  const seen: (string | undefined)[] = [];
  const clock = new SimulatedClock();
  const run = async (batch: readonly number[]) => {
    seen.push(storage.getStore());
    return await clock.work(10, batch);
  };
  const { batcher } = storage.run('the maker', () => doubling({ run }, clock));
  const call = (name: string) =>
    storage.run(name, async () => {
      await batcher.run(1);
      return storage.getStore();
    });
  const first = [call('a'), call('b')];
  await clock.advance(5);
  const second = call('c');
  await clock.advance(20);
  expect(await Promise.all([...first, second])).toEqual(['a', 'b', 'c']);
  expect(seen).toEqual(['the maker', 'the maker']);
});

test('tells what happens on diagnostics channels', async () => {
  const messages: unknown[] = [];
  const listen = (message: unknown, name: string | symbol) => messages.push([String(name).split(':').at(-1), message]);
  const channels = ['released', 'completed', 'refused'].map((name) => `ekiben:batching:${name}`);
  for (const name of channels) subscribe(name, listen);
  try {
    const { clock, batcher } = doubling({ name: 'doubler', size: (n) => n });
    void batcher.run(1);
    await clock.advance(4);
    void batcher.run(2);
    void codeOf(batcher.run(3, { deadline: 1 }));
    await clock.advance(16);
    const batch = { batcher: 'doubler', calls: 1 };
    expect(messages).toEqual([
      ['released', { ...batch, rows: 1, waitedMs: 0, queuedRows: 0 }],
      ['refused', { batcher: 'doubler', rows: 3, code: 'EKIBEN_DEADLINE_EXCEEDED' }],
      ['completed', { ...batch, rows: 1, durationMs: 10, error: undefined }],
      ['released', { ...batch, rows: 2, waitedMs: 6, queuedRows: 0 }],
      ['completed', { ...batch, rows: 2, durationMs: 10, error: undefined }],
    ]);
  } finally {
    for (const name of channels) unsubscribe(name, listen);
  }
});

describe('bad input', () => {
  const run = (batch: readonly number[]) => batch;

  test.each([
    ['a snake_case name', { run, max_batch_size: 8 }, /"max_batch_size" is called "maxBatchSize"/],
    ['no run', {}, /"run" must be a function/],
    ['a negative wait', { run, maxWaitMs: -1 }, /"maxWaitMs" must be a number of at least 0, not -1/],
    ['no number', { run, maxBatchSize: '8' }, /"maxBatchSize" must be a number of at least 1, not "8"/],
    ['NaN', { run, maxLatencyMs: NaN }, /"maxLatencyMs" must be a number/],
    ['no time at all', { run, maxLatencyMs: 0 }, /"maxLatencyMs" must be a number above 0, not 0/],
    ['half a worker', { run, concurrency: 1.5 }, /"concurrency" must be a whole number/],
  ])('%s is refused by name', (_, options, message) => {
    expect(() => new Batcher(options as unknown as BatcherOptions<number, number>)).toThrow(message);
  });

  test.each([-1, NaN, Infinity, 'two', undefined])('a size of %p rejects the call', async (size) => {
    const { batcher } = doubling({ size: () => size as number });
    expect(await codeOf(batcher.run(1))).toBe('EKIBEN_BATCH_SIZE_INVALID');
  });

  test('an error in `size` or `key` rejects the call', async () => {
    const fail = () => {
      throw new TypeError('no such field');
    };
    expect(await codeOf(doubling({ size: fail }).batcher.run(1))).toBe('TypeError');
    expect(await codeOf(doubling({ key: fail }).batcher.run(1))).toBe('TypeError');
  });
});

test('runs under the system clock', async () => {
  const batcher = new Batcher({
    run: async (texts: readonly string[]) => texts.map((text) => text.length),
    maxLatencyMs: 60_000,
  });
  expect(await Promise.all(['a', 'bc', 'def'].map((text) => batcher.run(text)))).toEqual([1, 2, 3]);
  await batcher.close();
});
