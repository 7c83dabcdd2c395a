/** An error on its way to another process. */
import { inspect } from 'node:util';
import { expect, test } from '@jest/globals';
import { EkibenError } from '@ekiben/spec';
import { fromErrorRecord, toErrorRecord } from '../src/index.ts';

const travel = (thrown: unknown) => fromErrorRecord(JSON.parse(JSON.stringify(toErrorRecord(thrown))));

function throwIt(): never {
  throw new TypeError('no weights', { cause: new EkibenError('EKIBEN_X', 'disk', { details: { disk: 1 } }) });
}

test('keeps the stack and the causes that it had, for the log', () => {
  let thrown: unknown;
  try {
    throwIt();
  } catch (error) {
    thrown = error;
  }
  const error = travel(thrown);
  expect(error.stack).toBe((thrown as Error).stack);
  expect(error).toMatchObject({ name: 'TypeError', message: 'no weights', cause: { code: 'EKIBEN_X' } });
  expect(EkibenError.is(error.cause)).toBe(true);
  expect(inspect(error)).toMatch(/throwIt[^]*cause[^]*disk: 1/);
  expect((error.cause as Error).stack).toBe('EkibenError: disk\n    in another process');
  expect(Object.keys(error)).toEqual(Object.keys(thrown as Error));
});

test('an endless chain of causes is cut, and so is an endless text', () => {
  const error = new Error('x'.repeat(1e6));
  error.cause = error;
  expect(JSON.stringify(toErrorRecord(error)).length).toBeLessThan(6 * 2 * (17 << 10));
});

test('what is no error is told as one', () => {
  expect(travel('sorry')).toMatchObject({ message: 'sorry' });
  expect(travel(null)).toBeInstanceOf(Error);
});

test.each([
  ['an object without a prototype', Object.create(null)],
  ['an error whose message is a getter that throws', Object.create(Error.prototype, { message: { get: refuse } })],
  ['a proxy that lets nothing through', new Proxy(new Error('hidden'), { get: refuse })],
])('what cannot be read is told all the same: %s', (_, thrown: unknown) => {
  expect(travel(thrown).message).toBe('What was thrown cannot be read.');
  expect(travel(new Error('outer', { cause: thrown })).message).toBe('outer');
});

function refuse(): never {
  throw new Error('no');
}

test('keeps what an HTTP library says of its errors, and nothing else', () => {
  const facts = {
    status: 402,
    expose: true,
    code: 'NO_CREDIT',
    title: 'No credit',
    headers: { 'retry-after': '60' },
    extensions: { balance: 0 },
  };
  const error = travel(Object.assign(new Error('The account is empty.'), facts, { request: { secret: 1 } }));
  expect(Object.fromEntries(Object.entries(error))).toEqual(facts);
  expect(error.message).toBe('The account is empty.');
});
