import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { EkibenError } from '@ekiben/spec';
import { DictVectorizer } from '../src/index.ts';

const vectorizer = new DictVectorizer({ featureNames: ['age', 'home=own', 'home=rent', 'tags=a', 'tags=b'] });

const values = (rows: object, of = vectorizer) => [...of.transform(rows).data];

function refusal(rows: object, of = vectorizer): EkibenError {
  try {
    of.transform(rows);
  } catch (error) {
    if (EkibenError.is(error)) return error;
    throw error;
  }
  throw new Error('not refused');
}

describe('rows', () => {
  test('become a matrix with a column per feature name', () => {
    const tensor = vectorizer.transform([{ age: 30, home: 'rent' }, { home: 'own' }]);
    expect(tensor.dtype).toBe('float64');
    expect(tensor.shape).toEqual([2, 5]);
    expect(tensor.data).toEqual(new Float64Array([30, 0, 1, 0, 0, 0, 1, 0, 0, 0]));
  });

  test('one row needs no array', () => {
    const tensor = vectorizer.transform({ age: 1 });
    expect(tensor.shape).toEqual([1, 5]);
    expect(tensor.item(0)).toBe(1);
  });

  test('may be Maps', () => {
    const row = new Map<string, unknown>([['home', 'rent'], ['tags', new Set(['a', 'b'])]]); // prettier-ignore
    expect(values([row])).toEqual([0, 0, 1, 1, 1]);
    expect(values(row)).toEqual([0, 0, 1, 1, 1]);
  });

  test('may be objects of a class, with their own fields', () => {
    class Application {
      age = 4;
      get home() {
        return 'rent';
      }
    }
    expect(values(new Application())).toEqual([4, 0, 0, 0, 0]);
  });

  test('give only what is their own', () => {
    expect(values([Object.create({ age: 5 }, { home: { value: 'own', enumerable: true } })])).toEqual([0, 1, 0, 0, 0]);
    expect(values(Object.assign(Object.create(null), { age: 5 }))).toEqual([5, 0, 0, 0, 0]);
  });

  test('may name what every object inherits', () => {
    const names = new DictVectorizer({ featureNames: ['__proto__=x', 'constructor', 'toString=y'] });
    const row = JSON.parse('{"__proto__": "x", "constructor": 2, "toString": "y"}') as object;
    expect(values(row, names)).toEqual([1, 2, 1]);
    expect(values({}, names)).toEqual([0, 0, 0]);
  });

  test('are made in float32 when the vectorizer is', () => {
    const single = new DictVectorizer({ featureNames: ['x'], dtype: 'float32' });
    expect(single.transform({ x: 0.1 }).data).toEqual(new Float32Array([0.1]));
    // np.float32(1) + np.float32(0.111), which differs from np.float32(1 + 0.111)
    const tags = new DictVectorizer({ featureNames: ['t=a'], dtype: 'float32' });
    expect(values({ t: 'a', 't=a': 0.111 }, tags)).toEqual([Math.fround(1.11100006)]);
  });
});

describe('a value', () => {
  test.each([
    ['a boolean is a number', { age: true }, [1, 0, 0, 0, 0]],
    ['a bigint is a number', { age: 2n ** 60n }, [2 ** 60, 0, 0, 0, 0]],
    ['null is NaN', { age: null }, [NaN, 0, 0, 0, 0]],
    ['undefined is absent', { age: undefined, home: 'own' }, [0, 1, 0, 0, 0]],
    ['an unknown string is ignored', { home: 'boat' }, [0, 0, 0, 0, 0]],
    ['an unknown feature is ignored', { nope: 1, nopes: 'x', none: null }, [0, 0, 0, 0, 0]],
    ['a number of a one-hot feature is ignored', { home: 1 }, [0, 0, 0, 0, 0]],
    ['an array sets each string', { tags: ['b', 'a', 'zz'] }, [0, 0, 0, 1, 1]],
    ['a string given twice counts twice', { tags: ['a', 'a'] }, [0, 0, 0, 2, 0]],
    ['a joined name is a feature too', { 'home=own': 3, home: 'own' }, [0, 4, 0, 0, 0]],
  ])('%s', (_, row, expected) => {
    expect(values(row)).toEqual(expected);
  });
});

describe('refuses', () => {
  test('every value it cannot take, with a JSON pointer to each', () => {
    const error = refusal([{ age: 1 }, { 'a/b~': { x: 1 }, tags: ['a', 1, ['b']] }, null as unknown as object, [1]]);
    expect(error.code).toBe('EKIBEN_SKLEARN_ROWS');
    expect(error.message).toContain('/1/a~1b~0 must be a number, a string, a list of strings or null, not an object');
    expect(error.details?.errors).toEqual([
      { pointer: '/1/a~1b~0', message: expect.stringContaining('not an object') },
      { pointer: '/1/tags/1', message: expect.stringContaining('not a number') },
      { pointer: '/1/tags/2', message: expect.stringContaining('not an array') },
      { pointer: '/2', message: expect.stringContaining('not null') },
      { pointer: '/3', message: expect.stringContaining('not an array') },
    ]);
  });

  test('a value of a single row, pointing into the row', () => {
    expect(refusal({ age: new Date(0) }).details?.errors).toMatchObject([{ pointer: '/age' }]);
  });

  test.each([
    ['a promise', Promise.resolve({ age: 1 })],
    ['a set', new Set(['age'])],
    ['a date', new Date(0)],
    ['a typed array', new Float64Array([1])],
    ['a Map with other keys than strings', new Map([[1, 2]])],
    ['a Map as a value', { tags: new Map([['a', 1]]) }],
    ['a function as a value', { age: () => 1 }],
    ['a symbol as a value', { age: Symbol('x') }],
    ['no row at all', []],
  ])('%s', (_, rows) => {
    expect(refusal(rows).code).toBe('EKIBEN_SKLEARN_ROWS');
  });

  test('a thousand wrong rows with a hundred faults', () => {
    const rows = Array.from({ length: 1000 }, () => ({ age: {} }));
    expect(refusal(rows).details?.errors).toHaveLength(100);
  });

  test('a huge field name without repeating it in the message', () => {
    expect(refusal({ ['x'.repeat(10_000)]: {} }).message.length).toBeLessThan(500);
  });

  test.each([
    ['a name twice', { featureNames: ['a', 'a'] }],
    ['a name that is no string', { featureNames: ['a', 1] }],
    ['no names', {}],
    ['another dtype', { featureNames: [], dtype: 'int64' }],
    ['a separator that is no string', { featureNames: [], separator: 1 }],
    ['a sparse that is no boolean', { featureNames: [], sparse: 'no' }],
  ])('a vectorizer with %s', (_, options) => {
    expect(() => new DictVectorizer(options as never)).toThrow(
      expect.objectContaining({ code: 'EKIBEN_SKLEARN_VECTORIZER' }),
    );
  });
});

describe('the precompiled columns', () => {
  const name = fc.string({ unit: fc.constantFrom('a', 'b', '='), maxLength: 5 });
  const value = fc.oneof(name, fc.integer({ min: -3, max: 3 }), fc.array(name, { maxLength: 3 }), fc.boolean());
  const vocabulary = fc.uniqueArray(name, { maxLength: 12 });
  const separator = fc.constantFrom('=', '==', '', 'a', 'b=');

  test('find what joining name and value finds', () => {
    fc.assert(
      fc.property(vocabulary, separator, fc.dictionary(name, value), (featureNames, between, row) => {
        const of = new DictVectorizer({ featureNames, separator: between });
        expect(values(row, of)).toEqual(joined(featureNames, between, row));
      }),
    );
  });

  test('give way to joining where a name holds many separators', () => {
    const long = '='.repeat(100_000);
    const of = new DictVectorizer({ featureNames: [long, 'a=b'] });
    expect(values({ '': '='.repeat(99_999), a: 'b' }, of)).toEqual([1, 1]);
    expect(values({ [long]: 2, '==': '='.repeat(99_997) }, of)).toEqual([3, 0]);
  });
});

/** scikit-learn's algorithm, word for word. */
function joined(featureNames: readonly string[], separator: string, row: Readonly<Record<string, unknown>>): number[] {
  const out = featureNames.map(() => 0);
  const add = (name: string, amount: number) => {
    const column = featureNames.indexOf(name);
    if (column !== -1) out[column] = (out[column] ?? 0) + amount;
  };
  for (const [name, value] of Object.entries(row)) {
    if (typeof value === 'string') add(name + separator + value, 1);
    else if (Array.isArray(value)) value.forEach((item) => add(name + separator + item, 1));
    else add(name, Number(value));
  }
  return out;
}
