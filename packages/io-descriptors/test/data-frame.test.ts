import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { dataFrame, series } from '../src/index.ts';
import { bytes, thrownBy } from './thrown.ts';

const people = dataFrame({ columns: { age: 'int32', income: 'float64', home: { dtype: 'string', nullable: true } } });
const rows = [
  { age: 26, income: 0.5, home: 'owner' },
  { age: 41, income: NaN, home: null },
];
// pandas 2.3: pd.DataFrame({'age': [26, 41], 'income': [0.5, None], 'home': ['owner', None]}).to_json(orient=…)
const ofPandas = {
  records: '[{"age":26,"income":0.5,"home":"owner"},{"age":41,"income":null,"home":null}]',
  columns: '{"age":{"0":26,"1":41},"income":{"0":0.5,"1":null},"home":{"0":"owner","1":null}}',
  index: '{"0":{"age":26,"income":0.5,"home":"owner"},"1":{"age":41,"income":null,"home":null}}',
  split: '{"columns":["age","income","home"],"index":[0,1],"data":[[26,0.5,"owner"],[41,null,null]]}',
  values: '[[26,0.5,"owner"],[41,null,null]]',
} as const;

describe.each(Object.entries(ofPandas))('orient %s', (orient, json) => {
  const columns = { age: 'int32', income: 'float64', home: { dtype: 'string', nullable: true } } as const;
  const descriptor = dataFrame({ columns, orient: orient as keyof typeof ofPandas });

  test('is read as pandas writes it, and written so', () => {
    expect(descriptor.decode(bytes(json), 'application/json')).toEqual(rows);
    expect(descriptor.encode(rows)).toBe(json);
  });

  test('needs no columns to be declared', () => {
    const any = dataFrame({ orient: orient as keyof typeof ofPandas });
    const names = orient === 'values' ? ['0', '1', '2'] : ['age', 'income', 'home'];
    const expected = [
      [26, 0.5, 'owner'],
      [41, null, null],
    ].map((cells) => Object.fromEntries(names.map((name, i) => [name, cells[i]])));
    expect(any.decode(bytes(json), undefined)).toEqual(expected);
  });

  test('names a bad cell by its place', async () => {
    const error = await thrownBy(() => descriptor.decode(bytes(json.replace('41', '"x"')), undefined));
    const pointer = { records: '/1/age', columns: '/age/1', index: '/1/age', split: '/data/1/0', values: '/1/0' }[
      orient
    ];
    expect(error.details?.errors).toEqual([{ pointer, message: 'must be int32, not "x"' }]);
  });

  test.each(['null', '3', '"x"', '[3]', '{"columns":3}', '[[[]]]', '{"a":3}', '{"a":{"b":1},"c":{"d":1}}', 'true'])(
    'refuses %s',
    async (body) => {
      for (const each of [
        descriptor,
        dataFrame({ orient: orient as keyof typeof ofPandas, columns: { a: 'int8', c: 'int8' } }),
      ]) {
        expect((await thrownBy(() => each.decode(bytes(body), undefined))).code).toBe('EKIBEN_INVALID_INPUT');
      }
    },
  );

  test('documents itself with an example that it takes', async () => {
    expect(descriptor.jsonSchema('input')).toMatchObject({ type: expect.any(String) });
    expect(await descriptor.parse(descriptor.example)).toEqual([{ age: 1, income: 1, home: 'string' }]);
  });
});

describe('CSV', () => {
  const text = 'age,income,home\n26,0.5,owner\n41,,\n';

  test('is read as pandas writes it, and written so', async () => {
    expect(await people.decode(bytes(text), 'text/csv; charset=utf-8')).toEqual(rows);
    const descriptor = dataFrame({ columns: { age: 'int32', income: 'float64', home: 'string' }, format: 'csv' });
    expect(descriptor.contentType).toBe('text/csv; charset=utf-8');
    expect(descriptor.encode([{ age: 1, income: Infinity, home: 'a "b",\nc' }])).toBe(
      'age,income,home\n1,inf,"a ""b"",\nc"\n',
    );
    expect(await descriptor.decode(bytes('home,age,income\n"a ""b"",\nc",1,-inf\n'), undefined)).toEqual([
      { age: 1, income: -Infinity, home: 'a "b",\nc' },
    ]);
  });

  test('of unknown columns is numbers, booleans or text', async () => {
    const any = dataFrame();
    expect(await any.decode(bytes('a,b,c,d\n1,True,x,\n,false,2,\n'), 'text/csv')).toEqual([
      { a: 1, b: true, c: 'x', d: null },
      { a: NaN, b: false, c: '2', d: null },
    ]);
  });

  test('may have a byte order mark, empty lines and CRLF', async () => {
    const one = dataFrame({ columns: { a: 'int64' } });
    expect(await one.decode(bytes('\ufeffa\r\n9007199254740993\r\n\r\n'), 'text/csv')).toEqual([{ a: 2n ** 53n + 1n }]);
  });

  test.each([
    ['a,b\n1,2\n3\n', '', 'line 3: not as many fields as there are names'],
    ['a,b\n1,"x\n', '', 'line 2: a quote that is not closed, or stands inside a field without quotes'],
    ['a,b\n1,x"y\n', '', 'line 2: a quote that is not closed, or stands inside a field without quotes'],
    ['', '', 'must have a line of names'],
    ['a,c\n1,2\n', '', 'has no column "b"'],
    ['a,b,b\n1,2,3\n', '', 'has two columns of one name'],
    ['a,b,__proto__\n1,2,3\n', '', 'has a column __proto__'],
    ['a,b\n1,x\n1.5,y\n', '/1/a', 'must be int8, not "1.5" (row 2, column 1)'],
    ['a,b\n300,x\n', '/0/a', 'must be int8, not "300" (row 1, column 1)'],
    ['a,b\n,x\n', '/0/a', 'must be int8, not "" (row 1, column 1)'],
    ['a,b\n0x10,x\n', '/0/a', 'must be int8, not "0x10" (row 1, column 1)'],
  ])('%j is refused', async (body, pointer, message) => {
    const descriptor = dataFrame({ columns: { a: 'int8', b: 'string' } });
    const error = await thrownBy(() => descriptor.decode(bytes(body), 'text/csv'));
    expect(error).toMatchObject({ code: 'EKIBEN_INVALID_INPUT', details: { errors: [{ pointer, message }] } });
  });

  test('that is not UTF-8 is refused', async () => {
    expect((await thrownBy(() => people.decode(Uint8Array.of(0xff), 'text/csv'))).message).toContain('must be UTF-8');
  });
});

describe('columns', () => {
  test('that are not declared are left out, those that are declared are in their order', async () => {
    const two = dataFrame({ columns: { b: 'int8', a: 'int8' } });
    const decoded = await two.decode(bytes('a,x,b\n1,2,3\n'), 'text/csv');
    expect(Object.entries(decoded[0] ?? {})).toEqual([
      ['b', 3],
      ['a', 1],
    ]);
  });

  test('may be named by the descriptor', async () => {
    const named = dataFrame({ columns: { a: 'int8', b: 'int8' }, applyColumnNames: true });
    expect(await named.decode(bytes('[{"x":1,"y":2}]'), undefined)).toEqual([{ a: 1, b: 2 }]);
    const error = await thrownBy(() => named.decode(bytes('[{"x":1}]'), undefined));
    expect(error.details?.errors).toEqual([{ pointer: '', message: 'must have 2 columns, not 1' }]);
  });

  test('that are not there, and every cell that does not fit, are named', async () => {
    const error = await thrownBy(() =>
      people.decode(bytes('[{"age":1.5,"income":"1"},{"home":null}, {"age":null}]'), undefined),
    );
    expect(error.details?.errors).toEqual([
      { pointer: '/0/age', message: 'must be int32, not "1.5"' },
      { pointer: '/0/income', message: 'must be float64, not "1"' },
      { pointer: '/1/age', message: 'is required' },
      { pointer: '/1/income', message: 'is required' },
      { pointer: '/2/age', message: 'must be int32, not null' },
      { pointer: '/2/income', message: 'is required' },
    ]);
  });

  test('hold every dtype', async () => {
    const all = dataFrame({
      columns: { f: 'float32', i: 'int64', u: 'uint64', b: 'bool', n: { dtype: 'uint8', nullable: true } },
    });
    const [row] = await all.decode(bytes('[{"f":0.1,"i":-5,"u":5,"b":true,"n":null}]'), undefined);
    expect(row).toEqual({ f: Math.fround(0.1), i: -5n, u: 5n, b: true, n: null });
    const bad = '[{"f":true,"i":1.5,"u":-1,"b":1,"n":256}]';
    const error = await thrownBy(() => all.decode(bytes(bad), undefined));
    expect(error.details?.errors?.map(({ pointer }) => pointer)).toEqual(['/0/f', '/0/i', '/0/u', '/0/b', '/0/n']);
  });
});

test('a shape is enforced when asked', async () => {
  const two = dataFrame({ shape: [-1, 2], enforceShape: true });
  expect(await two.decode(bytes('[{"a":1,"b":2}]'), undefined)).toEqual([{ a: 1, b: 2 }]);
  expect((await thrownBy(() => two.decode(bytes('[{"a":1}]'), undefined))).message).toContain('[-1, 2], not [1, 1]');
  expect(await dataFrame({ shape: [1, 1] }).decode(bytes('[]'), undefined)).toEqual([]);
});

test('a short body cannot ask for a table as wide as it is long', async () => {
  const wide = `[${Array.from({ length: 5000 }, (_, i) => `{"${i}":1}`).join()}]`;
  expect((await thrownBy(() => dataFrame().decode(bytes(wide), undefined))).code).toBe('EKIBEN_BODY_TOO_LARGE');
});

test('no key becomes a prototype', async () => {
  const [row] = await dataFrame().decode(bytes('[{"__proto__":{"x":1},"a":1}]'), undefined);
  expect(row).toEqual({ a: 1 });
  expect(Object.getPrototypeOf(row)).toBe(Object.prototype);
});

describe('output', () => {
  test('that does not fit its columns is the fault of the server', async () => {
    const error = await thrownBy(() => people.encode([{ age: 1.5, income: 0, home: 'x' }]));
    expect(error).toMatchObject({ code: 'EKIBEN_INVALID_OUTPUT', details: { faults: [{ pointer: '/0/age' }] } });
    expect((await thrownBy(() => people.encode(3 as never))).code).toBe('EKIBEN_INVALID_OUTPUT');
  });

  test('has the digits of every bigint', () => {
    const ids = dataFrame({ columns: { id: 'uint64', s: 'string' } });
    expect(ids.encode([{ id: 2n ** 64n - 1n, s: '1' }])).toBe('[{"id":18446744073709551615,"s":"1"}]');
    expect(series().encode([2n ** 63n])).toBe('[9223372036854775808]');
  });

  test('that has no JSON is the fault of the server', async () => {
    const cycle: unknown[] = [];
    cycle.push(cycle);
    expect((await thrownBy(() => dataFrame().encode([{ cycle }]))).code).toBe('EKIBEN_INVALID_OUTPUT');
  });

  test('of a call without bytes is what the client would get', async () => {
    expect(await people.toWire(rows)).toEqual(JSON.parse(ofPandas.records));
    expect(await people.parse(JSON.parse(ofPandas.records))).toEqual(rows);
    const text = dataFrame({ columns: { a: 'int8' }, format: 'csv' });
    expect(await text.toWire([{ a: 1 }])).toBe('a\n1\n');
    expect(await text.parse('a\n1\n')).toEqual([{ a: 1 }]);
  });
});

test('other types are refused', async () => {
  expect((await thrownBy(() => people.decode(bytes('x'), 'application/vnd.apache.parquet'))).message).toMatch(
    /text\/csv/,
  );
});

test.each([
  ['a format that is not there', { format: 'parquet' }, /no format 'parquet', only json, csv/],
  ['names without columns', { applyColumnNames: true }, /needs columns/],
])('refuses %s at once', async (_what, options, message) => {
  expect((await thrownBy(() => dataFrame(options))).message).toMatch(message);
});

test('there and back is the same table', async () => {
  const columns = { f: 'float64', i: 'int32', b: 'bool', s: { dtype: 'string', nullable: true } } as const;
  const row = fc.record({
    f: fc.double(),
    i: fc.integer(),
    b: fc.boolean(),
    s: fc.option(fc.string({ unit: 'grapheme', minLength: 1 }), { nil: null }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(row, { maxLength: 5 }), async (table) => {
      const text = dataFrame({ columns, format: 'csv' });
      const expected = table.map((each) => ({ ...each, f: each.f === 0 ? 0 : each.f }));
      expect(await text.decode(bytes(text.encode(table) as string), 'text/csv')).toEqual(expected);
      for (const orient of ['records', 'columns', 'index', 'split', 'values'] as const) {
        const json = dataFrame({ columns, orient });
        const finite = expected.map((each) => ({ ...each, f: Number.isFinite(each.f) ? each.f : NaN }));
        expect(await json.decode(bytes(json.encode(table) as string), undefined)).toEqual(finite);
      }
    }),
  );
});

describe('series', () => {
  test.each([
    ['records', '[1,2.5,null]'],
    ['index', '{"0":1,"1":2.5,"2":null}'],
    ['split', '{"name":null,"index":[0,1,2],"data":[1,2.5,null]}'],
  ] as const)('orient %s is read as pandas writes it, and written so', async (orient, json) => {
    const descriptor = series({ dtype: 'float64', orient });
    expect(await descriptor.decode(bytes(json), 'application/json')).toEqual([1, 2.5, NaN]);
    expect(descriptor.encode([1, 2.5, NaN])).toBe(json);
    const error = await thrownBy(() => descriptor.decode(bytes(json.replace('2.5', '"x"')), undefined));
    const pointer = orient === 'split' ? '/data/1' : '/1';
    expect(error.details?.errors).toEqual([{ pointer, message: 'must be float64' }]);
    for (const body of ['3', 'null', orient === 'records' ? '{}' : '[]']) {
      expect((await thrownBy(() => descriptor.decode(bytes(body), undefined))).code).toBe('EKIBEN_INVALID_INPUT');
    }
    expect(await descriptor.parse(descriptor.example)).toEqual([1]);
  });

  test('has a length that is enforced when asked', async () => {
    const two = series({ shape: [2], enforceShape: true });
    expect(await two.decode(bytes('[1,"a"]'), undefined)).toEqual([1, 'a']);
    expect((await thrownBy(() => two.decode(bytes('[1]'), undefined))).message).toContain('must have 2 values, not 1');
  });

  test('that goes out wrong is the fault of the server', async () => {
    expect((await thrownBy(() => series({ dtype: 'int8' }).encode([300]))).code).toBe('EKIBEN_INVALID_OUTPUT');
    expect((await thrownBy(() => series().encode(3 as never))).code).toBe('EKIBEN_INVALID_OUTPUT');
  });
});
