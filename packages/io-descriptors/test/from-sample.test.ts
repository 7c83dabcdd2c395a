import { describe, expect, test } from '@jest/globals';
import { tensor } from '@ekiben/tensor';
import { fromSample } from '../src/index.ts';
import { bytes, thrownBy } from './thrown.ts';

describe('a sample', () => {
  test('of JSON makes its schema: what is there is required, what is not is let through', async () => {
    const sample = { age: 26, tags: ['a', null], home: { rooms: 3 }, list: [{ a: 1 }, { a: 2, b: true }], none: [] };
    const descriptor = fromSample(sample);
    expect(descriptor.jsonSchema('input')).toEqual({
      type: 'object',
      properties: {
        age: { type: 'number' },
        tags: { type: 'array', items: { type: 'string', nullable: true } },
        home: { type: 'object', properties: { rooms: { type: 'number' } }, required: ['rooms'] },
        list: {
          type: 'array',
          items: { type: 'object', properties: { a: { type: 'number' }, b: { type: 'boolean' } }, required: ['a'] },
        },
        none: { type: 'array', items: {} },
      },
      required: ['age', 'tags', 'home', 'list', 'none'],
    });
    expect(descriptor.example).toBe(sample);
    expect(descriptor.decode(bytes(JSON.stringify({ ...sample, age: 26.5, more: 1 })), undefined)).toMatchObject({
      age: 26.5,
    });
    const error = await thrownBy(() =>
      descriptor.decode(bytes('{"age":"x","tags":[1],"home":{},"list":[],"none":[]}'), undefined),
    );
    expect(error.details?.errors?.map(({ pointer }) => pointer)).toEqual(
      expect.arrayContaining(['/age', '/tags/0', '/home/rooms']),
    );
  });

  test('that is a tensor makes its dtype and shape, for batches of any size', async () => {
    const descriptor = fromSample(tensor([1, NaN], [1, 2], 'float32'));
    expect(descriptor.example).toEqual([[1, null]]);
    expect(descriptor.decode(bytes('[[1,2],[3,4]]'), undefined)).toEqual(tensor([1, 2, 3, 4], [2, 2], 'float32'));
    expect((await thrownBy(() => descriptor.decode(bytes('[[1,2,3]]'), undefined))).code).toBe('EKIBEN_INVALID_INPUT');
    const strict = fromSample(tensor([1], [1], 'int8'), { enforceShape: true, shape: [1] });
    expect((await thrownBy(() => strict.decode(bytes('[1,2]'), undefined))).code).toBe('EKIBEN_INVALID_INPUT');
  });

  test('of rows makes a table, one of values a series', async () => {
    const rows = [
      { age: 26, home: 'owner', ok: true },
      { age: 41.5, home: 'rent', ok: false },
    ];
    const table = fromSample(rows, { as: 'dataFrame', orient: 'split' });
    expect(table.example).toEqual({
      columns: ['age', 'home', 'ok'],
      index: [0, 1],
      data: [
        [26, 'owner', true],
        [41.5, 'rent', false],
      ],
    });
    expect(await table.parse(table.example)).toEqual(rows);
    expect(await table.decode(bytes('ok,home,age\nFalse,x,1\n'), 'text/csv')).toEqual([
      { age: 1, home: 'x', ok: false },
    ]);
    const holes = fromSample([{ a: 1 }, { a: null }], { as: 'dataFrame' });
    expect(await holes.parse([{}])).toEqual([{ a: null }]);
    const values = fromSample([1, 2.5], { as: 'series' });
    expect(await values.parse([3])).toEqual([3]);
    expect((await thrownBy(() => values.parse(['3']))).code).toBe('EKIBEN_INVALID_INPUT');
  });

  test('of text makes text', () => {
    expect(fromSample('Once upon a time', { maxLength: 20 }).example).toBe('Once upon a time');
  });
});
