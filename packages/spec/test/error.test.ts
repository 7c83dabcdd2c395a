import { expect, test } from '@jest/globals';

import { EkibenError, customObject, pointerTo } from '../src/index.ts';

test('an error of another copy of the package is recognised', async () => {
  const anotherUrl = '../src/error.ts?copy';
  const copy = (await import(anotherUrl)) as typeof import('../src/error.ts');
  const error = new copy.EkibenError('EKIBEN_X', 'x');
  expect(error).not.toBeInstanceOf(EkibenError);
  expect(EkibenError.is(error)).toBe(true);
});

test.each([null, undefined, 'EKIBEN_X', new Error('x'), { code: 'EKIBEN_X', message: 'x' }])(
  '%p is none of ours',
  (value) => {
    expect(EkibenError.is(value)).toBe(false);
  },
);

test('an error crosses processes as code, message and details', () => {
  const error = new EkibenError('EKIBEN_X', 'wrong', {
    details: { errors: [{ pointer: '/a', message: 'b' }] },
    cause: new Error(),
  });
  const received = EkibenError.fromJSON(JSON.parse(JSON.stringify(error)));
  expect(received).toMatchObject({ name: 'EkibenError', code: 'EKIBEN_X', message: 'wrong', details: error.details });
  expect(received.cause).toBeUndefined();
});

test('an error without a cause has no own cause', () => {
  expect(Object.hasOwn(new EkibenError('EKIBEN_X', 'x'), 'cause')).toBe(false);
});

test('a custom object writes itself through its codec', () => {
  const codec = { classes: [], decode: () => 1, fromJson: Number, toJson: (value: number) => ({ value }) };
  expect(customObject(7, codec).toJson()).toEqual({ value: 7 });
});

test('a JSON pointer escapes what would lead elsewhere', () => {
  expect(pointerTo()).toBe('');
  expect(pointerTo('rows', 3, 'a/b~c')).toBe('/rows/3/a~1b~0c');
});
