import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { DEFAULT_RESTART_POLICY, restartDelay } from '../src/restart-policy.ts';

const policy = { initialDelayMs: 100, maxDelayMs: 1000, maxCrashes: 5, windowMs: 10_000 };

describe('the restart policy', () => {
  test('starts at once without crashes, then later each time, up to the maximum, then not at all', () => {
    const delays = [0, 1, 2, 3, 4, 5, 6].map((crashes) => restartDelay(Array<number>(crashes).fill(0), 1, policy));
    expect(delays).toEqual([0, 100, 200, 400, 800, 1000, null]);
  });

  test('forgives crashes that are older than the window', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 50_000 })), (times) => {
        const now = 50_000;
        const recent = times.filter((time) => time > now - policy.windowMs);
        expect(restartDelay(times, now, policy)).toBe(restartDelay(recent, now, policy));
      }),
    );
  });

  test('by default, a child that crashes at every start is given up after a while', () => {
    const crashes: number[] = [];
    let now = 0;
    for (let delay = restartDelay(crashes, now, DEFAULT_RESTART_POLICY); delay !== null;) {
      now += delay + 300;
      crashes.push(now);
      delay = restartDelay(crashes, now, DEFAULT_RESTART_POLICY);
      expect(crashes.length).toBeLessThan(100);
    }
    expect(now).toBeLessThan(DEFAULT_RESTART_POLICY.windowMs);
  });
});
