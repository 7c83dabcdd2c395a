/** Real child processes. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from '@jest/globals';
import { Supervisor } from '../src/index.ts';
import type { SupervisorOptions } from '../src/index.ts';

const fixture = (name: string) => fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));
const file = fixture('child.mjs');

let supervisor: Supervisor | undefined;

/** @param options - a getter stays one: the supervisor asks anew */
async function start(mode: string, options: Partial<SupervisorOptions> = {}) {
  const restart = { initialDelayMs: 1, maxDelayMs: 10 };
  const common: SupervisorOptions = { name: 'c', command: () => ({ file, args: [mode] }), restart };
  supervisor = new Supervisor(Object.defineProperties(common, Object.getOwnPropertyDescriptors(options)));
  await supervisor.start();
  return supervisor;
}

afterEach(async () => {
  await supervisor?.close();
  supervisor = undefined;
});

const isAlive = (pid: number | null) => {
  try {
    return pid !== null && process.kill(pid, 0);
  } catch {
    return false;
  }
};

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(10);
}

const pids = (of: Supervisor) => of.status().map(({ pid }) => pid);

describe('a supervisor', () => {
  test('starts children, hears of them, and ends them', async () => {
    const notes: unknown[] = [];
    const facts: unknown[] = [];
    const group = await start('work', {
      count: 2,
      onReady: (child) => void facts.push(child.facts),
      onNote: (_child, note) => void notes.push(note),
    });
    expect(group.status().map(({ slot, state }) => [slot, state])).toEqual([
      [0, 'ready'],
      [1, 'ready'],
    ]);
    expect(facts).toEqual([{ mode: 'work' }, { mode: 'work' }]);
    const started = pids(group);
    expect(new Set(notes.map((note) => (note as unknown[])[1]))).toEqual(new Set(started));
    await group.close();
    expect(started.map(isAlive)).toEqual([false, false]);
  });

  test('takes what the code of a child sends on its own for no word of its own', async () => {
    const facts: unknown[] = [];
    await start('chatter', { onReady: (child) => void facts.push(child.facts) });
    expect(facts).toEqual([{ mode: 'chatter' }]);
  });

  test('starts a killed child again', async () => {
    const group = await start('work');
    const [pid] = pids(group);
    process.kill(pid ?? 0, 'SIGKILL');
    await until(() => group.status()[0]?.crashes === 1 && group.status()[0]?.state === 'ready');
    expect(group.status()[0]).toMatchObject({ crashes: 1, error: null });
    expect(pids(group)).not.toEqual([pid]);
  });

  test('leaves down what fails by itself while it starts, and says why', async () => {
    const group = await start('fail');
    expect(group.status()[0]).toMatchObject({
      state: 'down',
      pid: null,
      error: { message: 'no weights', code: 'WEIGHTS' },
    });
    await group.close();
    const other = await start('exit');
    expect(other.status()[0]).toMatchObject({ state: 'down', error: { code: 'EKIBEN_CHILD_START_FAILED' } });
  });

  test('gives up one that is killed at every start', async () => {
    const group = await start('kill', { restart: { initialDelayMs: 1, maxDelayMs: 1, maxCrashes: 3 } });
    expect(group.status()[0]).toMatchObject({
      state: 'down',
      crashes: 4,
      error: { code: 'EKIBEN_CHILD_CRASHES_EXCEEDED' },
    });
  });

  test('gives up one that is not ready in time', async () => {
    const group = await start('slow', { startTimeoutMs: 300 });
    expect(group.status()[0]).toMatchObject({ state: 'down', error: { code: 'EKIBEN_CHILD_START_FAILED' } });
  });

  test('kills one whose event loop is blocked, and starts it again', async () => {
    let mode = 'block';
    const group = await start('', {
      command: () => ({ file, args: [mode] }),
      // One that works may be slow to say so.
      get unresponsiveMs() {
        return mode === 'block' ? 800 : Infinity;
      },
      onEvent: ({ event }) => void (event === 'unresponsive' && (mode = 'work')),
    });
    await until(() => group.status()[0]?.crashes === 1 && group.status()[0]?.state === 'ready');
    expect(group.status()[0]).toMatchObject({ facts: { mode: 'work' } });
  });

  test('replaces every child without a gap, when it is rolled', async () => {
    const group = await start('work', { count: 2 });
    const before = pids(group);
    let gap = false;
    const watch = setInterval(() => (gap ||= group.status().some(({ state }) => state !== 'ready')), 1);
    await group.roll();
    clearInterval(watch);
    expect(gap).toBe(false);
    expect(pids(group).filter((pid) => before.includes(pid))).toEqual([]);
    await until(() => !before.some(isAlive));
    expect(group.status().map(({ crashes }) => crashes)).toEqual([0, 0]);
  });

  test('kills one that hangs on its way out', async () => {
    let silentSince = 0;
    const group = await start('work', {
      // What has given no sign since: the one that hangs.
      get unresponsiveMs() {
        return performance.now() - silentSince;
      },
    });
    const [pid = null] = pids(group);
    process.kill(pid ?? 0, 'SIGSTOP');
    // What it had said before is read in the next turns.
    for (let turns = 0; turns < 3; turns += 1) await nextTurn();
    silentSince = performance.now();
    await group.roll();
    await until(() => !isAlive(pid));
    expect(group.status()[0]).toMatchObject({ state: 'ready', crashes: 0 });
  });

  test('keeps the old child when the new one does not start', async () => {
    let mode = 'work';
    const group = await start('', { command: () => ({ file, args: [mode] }) });
    const before = pids(group);
    mode = 'fail';
    await expect(group.roll()).rejects.toThrow('no weights');
    expect(pids(group)).toEqual(before);
    expect(before.map(isAlive)).toEqual([true]);
  });

  test('starts one that was down when it is rolled', async () => {
    let mode = 'fail';
    const group = await start('', { command: () => ({ file, args: [mode] }) });
    mode = 'work';
    await group.roll();
    expect(group.status()[0]).toMatchObject({ state: 'ready', error: null });
  });

  test('replaces a child that takes too much memory', async () => {
    let limit = 1; // no process is as small
    const group = await start('work', {
      get maxMemoryBytes() {
        return limit;
      },
    });
    const [pid] = pids(group);
    await until(() => pids(group)[0] !== pid);
    limit = Infinity;
    await until(() => !isAlive(pid ?? null));
    expect(group.status()[0]).toMatchObject({ state: 'ready', crashes: 0 });
  });

  test('kills a child that does not finish in time', async () => {
    const group = await start('stubborn', { stopTimeoutMs: 100 });
    const [pid] = pids(group);
    await group.close();
    expect(isAlive(pid ?? null)).toBe(false);
  });

  test('can be closed while it starts', async () => {
    const options = { name: 'c', command: () => ({ file, args: ['slow'] }) };
    supervisor = new Supervisor(options);
    const started = supervisor.start();
    await sleep(50);
    await supervisor.close();
    await started;
    expect(supervisor.status()[0]).toMatchObject({ state: 'stopped', pid: null });
  });

  test('that is killed leaves no child behind', async () => {
    const parent = fork(fixture('parent.mjs'), { execArgv: [] });
    const [pid] = (await once(parent, 'message')) as [number];
    expect(isAlive(pid)).toBe(true);
    parent.kill('SIGKILL');
    await until(() => !isAlive(pid));
  });

  test('that is gone before its child has begun leaves none either', async () => {
    const child = fork(file, ['work'], { execArgv: [] });
    child.disconnect();
    expect(await once(child, 'exit')).toEqual([0, null]);
  });

  test('that exits without more ado takes its child along, even one that is busy', async () => {
    const parent = fork(fixture('parent.mjs'), ['block'], { execArgv: [] });
    const [pid] = (await once(parent, 'message')) as [number];
    await sleep(500); // it is busy now
    parent.send('exit');
    expect(await once(parent, 'exit')).toEqual([0, null]);
    await until(() => !isAlive(pid));
  });
});
