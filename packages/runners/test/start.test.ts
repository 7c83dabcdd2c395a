/** Where runners are started, and what that says of itself. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from '@jest/globals';
import { startRunners } from '../src/index.ts';
import type { AnyRunner, Runner, RunningRunners } from '../src/index.ts';
import { doublerModule, doublerRunner } from './doubler.ts';

const auto = new URL('fixtures/auto.mjs', import.meta.url);
const module = fileURLToPath(auto);
const { svc } = (await import(auto.href)) as { svc: { runners: readonly AnyRunner[] } };
const [slow, quick] = svc.runners as unknown as readonly [Runner<{ pid(): number }>, Runner<{ pid(): number }>];

let running: RunningRunners | undefined;
afterEach(async () => {
  await running?.close();
  running = undefined;
});

describe('auto placement', () => {
  test('goes by the measured cost, whatever was declared, and says why once', async () => {
    const reasons: unknown[] = [];
    const listen = (message: unknown) => void reasons.push(message);
    subscribe('ekiben:runners:placed', listen);
    running = await startRunners([slow, quick], { module });
    unsubscribe('ekiben:runners:placed', listen);
    expect(await slow.pid.run()).not.toBe(process.pid);
    expect(await quick.pid.run()).toBe(process.pid);
    const reason = expect.stringMatching(/^a call took [\d.e-]+ ms, a hop takes about/);
    expect(reasons).toEqual([
      { runner: 'slow', placement: 'process', reason },
      { runner: 'quick', placement: 'embedded', reason },
    ]);
    expect(running.status()).toMatchObject([
      { name: 'slow', placement: 'process', reason, workers: [{ state: 'ready' }] },
      { name: 'quick', placement: 'embedded', reason, workers: [] },
    ]);
  });

  test('is overruled by a setting', async () => {
    running = await startRunners([slow], { module, settings: { slow: { placement: 'embedded' } } });
    expect(await slow.pid.run()).toBe(process.pid);
    expect(running.status()).toMatchObject([{ placement: 'embedded', reason: 'as set' }]);
  });

  test('stays here when no module is known that a process could load', async () => {
    running = await startRunners([slow, quick]);
    expect(running.status().map(({ placement }) => placement)).toEqual(['embedded', 'embedded']);
  });
});

test('runners that the supervisor does not list are embedded', async () => {
  running = await startRunners([slow, quick], { sockets: {} });
  expect(await slow.pid.run()).toBe(process.pid);
});

test('when one runner cannot start, none is left running', async () => {
  const failing = startRunners([doublerRunner(), slow], { module: doublerModule });
  await expect(failing).rejects.toMatchObject({ code: 'EKIBEN_RUNNER_NOT_EXPORTED' });
});
