/** Worker processes that batch, die, hang, leak and are replaced while calls go on. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from '@jest/globals';
import { planRunners, startRunners, superviseRunners, withCallContext } from '../src/index.ts';
import type { BatchesRun, RunnerSettings, StartOptions } from '../src/index.ts';
import { doublerModule, doublerRunner, rowsOf, valuesOf } from './doubler.ts';

const toClose: { close(): Promise<void> }[] = [];

async function start(settings: RunnerSettings = {}, options: Partial<StartOptions> = {}) {
  const doubler = doublerRunner();
  const supervision = { restart: { initialDelayMs: 1, maxDelayMs: 50 } };
  const common = { module: doublerModule, settings: { doubler: settings }, supervision };
  const running = await startRunners([doubler], { ...common, ...options });
  toClose.push(running);
  const workers = () => running.status()[0]?.workers ?? [];
  const pid = (index: number) => workers()[index]?.pid ?? 0;
  return { doubler, running, workers, pid };
}

afterEach(async () => {
  for (const each of toClose.splice(0).toReversed()) await each.close();
});

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(10);
}

/** The rows of the batches that are run from now on, ascending. */
function sizesOfBatches(): () => number[] {
  const sizes: number[] = [];
  const listen = (message: unknown) => {
    const { runner, worker, rows } = message as BatchesRun;
    expect([runner, worker]).toEqual(['doubler', 0]);
    for (const [size, batches] of rows) sizes.push(...Array<number>(batches).fill(size));
  };
  subscribe('ekiben:runners:batch', listen);
  toClose.push({ close: async () => void unsubscribe('ekiben:runners:batch', listen) });
  return () => sizes.toSorted((a, b) => a - b);
}

type Doubler = ReturnType<typeof doublerRunner>;

/** Calls without pause until told to stop; tells how many were answered, and the codes of those that failed. */
function load({ double }: Doubler, concurrency: number) {
  let stopped = false;
  const codes: unknown[] = [];
  const counts = { answered: 0, wrong: 0 };
  const caller = async (id: number) => {
    for (let i = 0; !stopped; i++) {
      try {
        const [got] = valuesOf(await double.run(rowsOf(id * 1e6 + i)));
        if (got === 2 * (id * 1e6 + i)) counts.answered++;
        else counts.wrong++;
      } catch (error) {
        codes.push((error as { code?: unknown }).code);
      }
    }
  };
  const callers = Array.from({ length: concurrency }, (_, id) => caller(id));
  return {
    counts,
    codes,
    async stop() {
      stopped = true;
      await Promise.all(callers);
    },
  };
}

describe('worker processes', () => {
  test('join the calls of one turn, and tell how many rows their batches had', async () => {
    const { doubler } = await start();
    const sizes = sizesOfBatches();
    const answers = await Promise.all(Array.from({ length: 50 }, (_, i) => doubler.double.run(rowsOf(i, i + 1))));
    expect(answers.map(valuesOf)).toEqual(Array.from({ length: 50 }, (_, i) => [2 * i, 2 * i + 2]));
    await until(() => sizes().reduce((rows, size) => rows + size, 0) === 100);
    expect(Math.max(...sizes())).toBeGreaterThan(2);
    expect(Math.max(...sizes())).toBeLessThanOrEqual(100);
  });

  test('one bad call in a batch of 64 fails alone', async () => {
    const { doubler } = await start();
    const sizes = sizesOfBatches();
    const calls = Array.from({ length: 64 }, (_, i) => doubler.double.run(rowsOf(i === 40 ? -1 : i)));
    const outcomes = await Promise.allSettled(calls);
    const values = outcomes.map((outcome) =>
      outcome.status === 'fulfilled' ? valuesOf(outcome.value)[0] : outcome.reason,
    );
    expect(values.filter((value) => typeof value === 'number')).toHaveLength(63);
    values.forEach((value, i) => {
      if (i !== 40) expect(value).toBe(2 * i);
      else expect(value).toMatchObject({ message: 'poison', code: 'POISON' });
    });
    await until(() => sizes().length === 1 + 64);
    expect(sizes()).toEqual([...Array.from({ length: 64 }, () => 1), 64]); // together, then each alone
  });

  test('a call of many rows is cut to the size of a batch and comes back whole', async () => {
    const { doubler } = await start({ batching: { maxBatchSize: 7 } });
    const values = Array.from({ length: 1000 }, (_, i) => i);
    const answer = await doubler.double.run(rowsOf(...values));
    expect(answer.shape).toEqual([1000, 1]);
    expect(valuesOf(answer)).toEqual(values.map((value) => 2 * value));
  });

  test('answer before they compute the next batch', async () => {
    const { doubler } = await start({ batching: { maxBatchSize: 1 } });
    const called = [1, 2].map(async (n) => {
      const [computedAt = 0] = valuesOf(await doubler.times.run(rowsOf(n)));
      return { computedAt, answeredAt: Date.now() };
    });
    const [first, second] = await Promise.all(called);
    expect(first?.answeredAt).toBeLessThan(second?.computedAt ?? 0);
  });

  test('that have too much to do are not asked again at once', async () => {
    const { doubler } = await start({ batching: { maxBatchSize: 2, maxLatencyMs: 300 } });
    const turn = () => Promise.allSettled(Array.from({ length: 30 }, () => doubler.slowly.run(rowsOf(1))));
    for (let i = 0; i < 5; i++) await doubler.slowly.run(rowsOf(1)); // it learns what they take
    const outcomes = await turn();
    const computed = outcomes.filter(({ status }) => status === 'fulfilled').length;
    expect(computed).toBeGreaterThan(0);
    const codes = outcomes.map((outcome) => (outcome.status === 'rejected' ? outcome.reason.code : 'answered'));
    expect(new Set(codes)).toEqual(new Set(['answered', 'EKIBEN_BATCHER_OVERLOADED']));
  });

  test('drop a queued call when its request is gone', async () => {
    const { doubler } = await start({ batching: { maxBatchSize: 1 } });
    const first = doubler.slowly.run(rowsOf(1));
    await nextTurn();
    const request = new AbortController();
    const queued = withCallContext({ signal: request.signal }, () => doubler.slowly.run(rowsOf(2)));
    await sleep(20);
    request.abort(new Error('client closed'));
    await expect(queued).rejects.toThrow('client closed');
    await first;
    await doubler.slowly.run(rowsOf(3));
    expect(await doubler.computed.run()).toBe(2);
  });

  test('keep to a deadline that comes from the request', async () => {
    const { doubler } = await start({ batching: { maxBatchSize: 1 } });
    const first = doubler.slowly.run(rowsOf(1));
    await nextTurn();
    const late = withCallContext({ deadline: performance.now() + 50 }, () => doubler.slowly.run(rowsOf(2)));
    await expect(late).rejects.toMatchObject({ code: 'EKIBEN_DEADLINE_EXCEEDED' });
    await first;
  });

  test('keep to a time limit of their own', async () => {
    const { doubler } = await start({ batching: { maxBatchSize: 1 }, timeoutMs: 50 });
    const first = doubler.slowly
      .with({})
      .run(rowsOf(1))
      .catch(() => {});
    await nextTurn();
    await expect(doubler.slowly.run(rowsOf(2))).rejects.toMatchObject({ code: 'EKIBEN_DEADLINE_EXCEEDED' });
    await first;
  });

  test('one that is killed under load fails only the calls inside it, and is back', async () => {
    const { doubler, workers, pid } = await start({ workers: 2 });
    const calls = load(doubler, 16);
    await until(() => calls.counts.answered > 200);
    for (const index of [0, 1]) {
      const before = pid(index);
      process.kill(before, 'SIGKILL');
      await until(() => pid(index) !== before && pid(index) !== 0);
    }
    const afterwards = calls.counts.answered;
    await until(() => calls.counts.answered > afterwards + 200);
    await calls.stop();
    expect(calls.counts.wrong).toBe(0);
    expect(new Set(calls.codes)).toEqual(new Set(['EKIBEN_RUNNER_CRASHED']));
    expect(calls.codes.length).toBeLessThanOrEqual(32);
    expect(workers().map(({ state, crashes }) => [state, crashes])).toEqual([
      ['ready', 1],
      ['ready', 1],
    ]);
  });

  test('the only one being killed makes later calls wait until it is back', async () => {
    const { doubler, pid } = await start();
    process.kill(pid(0), 'SIGKILL');
    await doubler.double.run(rowsOf(1)).catch(() => {});
    expect(valuesOf(await doubler.double.run(rowsOf(21)))).toEqual([42]);
  });

  test('one that hangs under load is killed and replaced', async () => {
    const supervision = { unresponsiveMs: 1000, restart: { initialDelayMs: 1 } };
    const { doubler } = await start({ workers: 2 }, { supervision });
    const calls = load(doubler, 16);
    await until(() => calls.counts.answered > 100);
    const block = doubler.block.run(60_000).catch((error: unknown) => error);
    expect(await block).toMatchObject({ code: 'EKIBEN_RUNNER_CRASHED' });
    const afterwards = calls.counts.answered;
    await until(() => calls.counts.answered > afterwards + 100);
    await calls.stop();
    expect(calls.counts.wrong).toBe(0);
    expect(calls.codes.filter((code) => code !== 'EKIBEN_RUNNER_CRASHED')).toEqual([]);
  });

  test('one that leaks under load is replaced and no call is lost', async () => {
    const { doubler, workers, pid } = await start({ resources: { memoryMiB: 250 } });
    const calls = load(doubler, 8);
    const leaking = pid(0);
    await doubler.leak.run(300);
    await until(() => pid(0) !== leaking);
    const afterwards = calls.counts.answered;
    await until(() => calls.counts.answered > afterwards + 100);
    await calls.stop();
    expect(calls).toMatchObject({ codes: [], counts: { wrong: 0 } });
    expect(workers()[0]).toMatchObject({ state: 'ready', crashes: 0 });
  });

  test('are rolled under load and no call is lost', async () => {
    const { doubler, running, pid } = await start({ workers: 2 });
    const calls = load(doubler, 16);
    await until(() => calls.counts.answered > 100);
    const before = [pid(0), pid(1)];
    await running.roll();
    const afterwards = calls.counts.answered;
    await until(() => calls.counts.answered > afterwards + 100);
    await calls.stop();
    expect(calls).toMatchObject({ codes: [], counts: { wrong: 0 } });
    expect([pid(0), pid(1)].filter((each) => before.includes(each))).toEqual([]);
  });

  test('share the CPUs among them', async () => {
    const { doubler } = await start({ workers: 2, resources: { cpus: 8 } });
    expect(await doubler.threads.run()).toBe('4');
  });

  test('that one process supervises are called by others, which follow when they change', async () => {
    let changed = () => {};
    const source = { module: doublerModule, settings: { doubler: { workers: 2 } } };
    // As they come from another process.
    const plans = structuredClone(await planRunners([doublerRunner()], source));
    const supervised = await superviseRunners(plans, {
      ...source,
      onChange: () => changed(),
    });
    toClose.push(supervised);
    const callers = [doublerRunner(), doublerRunner()];
    const running = await Promise.all(
      callers.map((runner) => startRunners([runner], { sockets: structuredClone(supervised.sockets) })),
    );
    toClose.push(...running);
    changed = () => running.forEach((each) => each.update(structuredClone(supervised.sockets)));
    const loads = callers.map((runner) => load(runner, 8));
    await until(() => loads.every(({ counts }) => counts.answered > 100));
    await supervised.roll();
    const afterwards = loads.map(({ counts }) => counts.answered);
    await until(() => loads.every(({ counts }, at) => counts.answered > (afterwards[at] ?? 0) + 100));
    await Promise.all(loads.map((each) => each.stop()));
    expect(loads).toMatchObject([
      { codes: [], counts: { wrong: 0 } },
      { codes: [], counts: { wrong: 0 } },
    ]);
    expect(running.map((each) => each.status()[0]?.state)).toEqual(['ready', 'ready']);
  });
});
