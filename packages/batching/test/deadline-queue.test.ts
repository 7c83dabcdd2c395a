import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { DeadlineQueue, type Queued } from '../src/deadline-queue.ts';

interface Item extends Queued {
  readonly id: number;
}

let nextId = 0;
const item = (caller: string, rank: number, rows = 1): Item => ({
  id: nextId++,
  caller,
  rank,
  rows,
  slot: -1,
  sequence: -1,
});

function queueOf(items: readonly Item[]): DeadlineQueue<Item> {
  const queue = new DeadlineQueue<Item>();
  for (const each of items) queue.push(each);
  return queue;
}

function drain(queue: DeadlineQueue<Item>): Item[] {
  const items: Item[] = [];
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) items.push(next);
  return items;
}

test('serves what is due first, and equal ones in the order of arrival', () => {
  const [late, first, second] = [item('a', 9), item('a', 5), item('a', 5)];
  expect(drain(queueOf([late, first, second]))).toEqual([first, second, late]);
});

test('goes round the callers', () => {
  const queue = queueOf([item('a', 1), item('a', 2), item('a', 3), item('b', 8), item('b', 9)]);
  expect(drain(queue).map(({ caller }) => caller)).toEqual(['a', 'b', 'a', 'b', 'a']);
});

test('makes a caller pay for the rows of its calls', () => {
  const queue = queueOf([
    item('big', 1, 3),
    item('big', 2, 3),
    ...Array.from({ length: 5 }, (_, i) => item('small', i)),
  ]);
  expect(
    drain(queue)
      .map(({ caller }) => caller)
      .join(' '),
  ).toBe('big small small small big small small');
});

test('goes round callers whose calls have no rows, too', () => {
  const queue = queueOf([item('a', 1, 0), item('a', 2, 0), item('b', 1, 0), item('b', 2, 0)]);
  expect(drain(queue).map(({ caller }) => caller)).toEqual(['a', 'b', 'a', 'b']);
});

test('lets a newcomer start level with the others', () => {
  const queue = queueOf(Array.from({ length: 100 }, (_, i) => item('old', i)));
  for (let i = 0; i < 50; i++) queue.shift();
  for (let i = 0; i < 3; i++) queue.push(item('new', i));
  const order = Array.from({ length: 6 }, () => queue.shift()?.caller);
  expect(order).toEqual(['new', 'old', 'new', 'old', 'new', 'old']);
});

test('knows its rows, its callers and their rows', () => {
  const queue = queueOf([item('a', 1, 2), item('b', 1, 3), item('a', 1, 4)]);
  expect([queue.size, queue.rows, queue.callers, queue.rowsOf('a'), queue.rowsOf('c')]).toEqual([3, 9, 2, 6, 0]);
});

test('keeps its order whatever is pushed and removed', () => {
  const call = fc.record({
    caller: fc.constantFrom('a', 'b', 'c'),
    rank: fc.integer({ min: 0, max: 9 }),
    rows: fc.nat(3),
  });
  const step = fc.oneof(
    call.map((push) => ({ push })),
    fc.nat().map((remove) => ({ remove })),
    fc.constant({ shift: true }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const queue = new DeadlineQueue<Item>();
      const waiting = new Set<Item>();
      for (const each of steps) {
        if ('push' in each) {
          const pushed = item(each.push.caller, each.push.rank, each.push.rows);
          queue.push(pushed);
          waiting.add(pushed);
        } else if ('remove' in each) {
          const victim = [...waiting][each.remove % Math.max(1, waiting.size)];
          if (victim === undefined) continue;
          queue.remove(victim);
          waiting.delete(victim);
        } else {
          const served = queue.shift();
          expect(served === undefined).toBe(waiting.size === 0);
          if (served === undefined) continue;
          waiting.delete(served);
          const rivals = [...waiting].filter(({ caller }) => caller === served.caller);
          expect(
            rivals.every((rival) => rival.rank > served.rank || (rival.rank === served.rank && rival.id > served.id)),
          ).toBe(true);
        }
        expect(queue.size).toBe(waiting.size);
        expect(queue.rows).toBe([...waiting].reduce((sum, { rows }) => sum + rows, 0));
        expect(new Set(queue)).toEqual(waiting);
      }
      expect(new Set(drain(queue))).toEqual(waiting);
      expect(queue.callers).toBe(0);
    }),
  );
});

test('no caller gets more than one call ahead of another that waits too', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 80 }), (callers) => {
      const queue = queueOf(callers.map((caller, i) => item(caller, i)));
      const served = new Map<string, number>();
      while (queue.size > 0) {
        const waiting = [...new Set([...queue].map(({ caller }) => caller))];
        const next = queue.shift()?.caller ?? '';
        const count = served.get(next) ?? 0;
        expect(waiting.every((caller) => (served.get(caller) ?? 0) >= count)).toBe(true);
        served.set(next, count + 1);
      }
    }),
  );
});
