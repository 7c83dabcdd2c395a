import { expect, test } from '@jest/globals';
import { setImmediate as endOfTurn } from 'node:timers/promises';
import { Outbox } from '../src/outbox.ts';

const outboxInto = (sent: string[]) =>
  new Outbox<{ name: string; started: number }>(({ name }, now) => {
    expect(now).toBeLessThanOrEqual(performance.now());
    sent.push(name);
  });

test('quick answers of one turn leave together, in order, at its end', async () => {
  const sent: string[] = [];
  const outbox = outboxInto(sent);
  const started = performance.now() + 1e6; // however slow this machine is
  outbox.put({ name: 'a', started });
  outbox.put({ name: 'b', started });
  await Promise.resolve();
  expect(sent).toEqual([]);
  await endOfTurn();
  expect(sent).toEqual(['a', 'b']);
  outbox.put({ name: 'c', started });
  await endOfTurn();
  expect(sent).toEqual(['a', 'b', 'c']);
});

test('an answer that took long does not wait, nor does what waited for it', async () => {
  const sent: string[] = [];
  const outbox = outboxInto(sent);
  outbox.put({ name: 'slow', started: performance.now() - 10 });
  expect(sent).toEqual(['slow']);
  const quick = { name: 'quick', started: performance.now() + 1e6 };
  outbox.put(quick);
  quick.started = performance.now() - 10;
  outbox.put({ name: 'behind', started: performance.now() + 1e6 });
  expect(sent).toEqual(['slow', 'quick', 'behind']);
  await endOfTurn();
  expect(sent).toEqual(['slow', 'quick', 'behind']);
});
