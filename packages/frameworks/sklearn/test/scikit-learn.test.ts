// The codec and the vectorizer against what scikit-learn itself pickled and computed.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { readPickle } from '@ekiben/pickle';
import type { PickleNode } from '@ekiben/spec';
import { dictVectorizer } from '../src/index.ts';

const fixture = (name: string) => readFileSync(new URL(`fixtures/${name}`, import.meta.url));
const json = <T>(name: string) => JSON.parse(fixture(name).toString()) as T;

function customObject(pickle: Uint8Array): PickleNode {
  return (readPickle(pickle) as ReadonlyMap<string, PickleNode>).get('DictVectorizer') ?? null;
}

const decode = (pickle: Uint8Array) => dictVectorizer.decode(customObject(pickle));

describe.each([
  'dict-vectorizer',
  'dict-vectorizer-sparse',
  'dict-vectorizer-unsorted',
  'dict-vectorizer-separator-float32',
])('%s', (name) => {
  const expected = json<{ inputs: object[]; features: string[]; outputs: number[][] }>(`pickles/${name}.expected.json`);

  test.each([2, 3, 4, 5])('pickled with protocol %d transforms as in Python', (protocol) => {
    const vectorizer = decode(fixture(`pickles/${name}.protocol${protocol}.pkl`));
    const tensor = vectorizer.transform(expected.inputs);
    expect(vectorizer.featureNames).toEqual(expected.features);
    expect(vectorizer.sparse).toBe(name.endsWith('sparse'));
    expect(tensor.dtype).toBe(name.endsWith('float32') ? 'float32' : 'float64');
    expect(tensor.shape).toEqual([expected.inputs.length, expected.features.length]);
    expect([...tensor.data]).toEqual(expected.outputs.flat());
  });
});

test("the credit model's vectorizer gives the vectors that the model was called with", () => {
  const vectorizer = decode(fixture('credit-risk/custom_objects.pkl'));
  const lines = fixture('credit-risk/expected.jsonl').toString().trim().split('\n');
  const rows = lines.map((line) => JSON.parse(line) as { application: object; vector: number[] });
  expect(rows).toHaveLength(300);
  for (const { application, vector } of rows) expect([...vectorizer.transform(application).data]).toEqual(vector);
  const together = vectorizer.transform(rows.map(({ application }) => application));
  expect([...together.data]).toEqual(rows.flatMap(({ vector }) => vector));
});

interface Differential {
  readonly refused: readonly { readonly why: string; readonly pickle: string }[];
  readonly cases: readonly {
    readonly name: string;
    readonly featureNames: readonly string[];
    readonly pickle: string;
    readonly rows: readonly { readonly row: object; readonly output?: readonly unknown[]; readonly error?: string }[];
  }[];
}

describe.each(['1.1.3', '1.9.1'])('scikit-learn %s', (version) => {
  const { cases, refused } = json<Differential>(`dict-vectorizers-${version}.json`);

  test.each(cases)('$name', ({ pickle, featureNames, rows }) => {
    const vectorizer = decode(Buffer.from(pickle, 'base64'));
    expect(vectorizer.featureNames).toEqual(featureNames);
    for (const { row, output } of rows) {
      if (output === undefined) {
        expect(() => vectorizer.transform(row)).toThrow(expect.objectContaining({ code: 'EKIBEN_SKLEARN_ROWS' }));
      } else {
        const expected = output.map((value) => (value === null ? NaN : Number(value)));
        expect({ row, output: [...vectorizer.transform(row).data] }).toEqual({ row, output: expected });
      }
    }
  });

  test.each(refused)('refuses a vectorizer: $why', ({ pickle, why }) => {
    expect(() => decode(Buffer.from(pickle, 'base64'))).toThrow(
      expect.objectContaining({ code: 'EKIBEN_SKLEARN_VECTORIZER', message: expect.stringContaining(why) }),
    );
  });
});

test('a vectorizer kept as JSON is the same vectorizer', () => {
  for (const { pickle, rows } of json<Differential>('dict-vectorizers-1.9.1.json').cases) {
    const vectorizer = decode(Buffer.from(pickle, 'base64'));
    const kept: unknown = JSON.parse(JSON.stringify(dictVectorizer.toJson(vectorizer)));
    const again = dictVectorizer.fromJson(kept);
    expect(dictVectorizer.toJson(again)).toEqual(kept);
    const good = rows.filter(({ output }) => output !== undefined).map(({ row }) => row);
    expect(again.transform(good)).toEqual(vectorizer.transform(good));
  }
});

test('names the class that stands where the vectorizer should', () => {
  expect(() => decode(fixture('pickles/hostile-reduce.pkl'))).toThrow(
    expect.objectContaining({
      code: 'EKIBEN_PICKLE_CLASS_NOT_ALLOWED',
      message: expect.stringContaining('posix.system'),
    }),
  );
});

const object = (state: PickleNode): PickleNode => ({
  kind: 'object',
  class: 'sklearn.feature_extraction._dict_vectorizer.DictVectorizer',
  args: [],
  state,
});
const float64: PickleNode = { kind: 'object', class: 'numpy.float64', args: [], state: null };
const fitted = (vocabulary: [PickleNode, PickleNode][]) =>
  object(new Map<PickleNode, PickleNode>([['vocabulary_', new Map(vocabulary)], ['dtype', float64], ['separator', '=']])); // prettier-ignore

test.each([
  ['no attributes', object(null)],
  ['a column twice', fitted([['a', 0], ['b', 0]])], // prettier-ignore
  ['a column beyond the last', fitted([['a', 1]])],
  ['a negative column', fitted([['a', -1]])],
  ['half a column', fitted([['a', 0], ['b', 0.5]])], // prettier-ignore
  ['a column that is text', fitted([['a', '0']])],
  ['a separator that is a number', object(new Map<PickleNode, PickleNode>([['vocabulary_', new Map()], ['dtype', float64], ['separator', 1]]))], // prettier-ignore
])('refuses a pickled vectorizer with %s', (_, node) => {
  expect(() => dictVectorizer.decode(node)).toThrow(expect.objectContaining({ code: 'EKIBEN_SKLEARN_VECTORIZER' }));
});

test.each([null, 'text', {}, { featureNames: ['a', 'a'] }, { featureNames: ['a'], dtype: 'int8' }])(
  'refuses JSON that is no vectorizer: %j',
  (value) => {
    expect(() => dictVectorizer.fromJson(value)).toThrow(
      expect.objectContaining({ code: 'EKIBEN_SKLEARN_VECTORIZER' }),
    );
  },
);
