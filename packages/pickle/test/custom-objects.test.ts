// Pickles of the field: what BentoML and scikit-learn wrote.
import { describe, expect, test } from '@jest/globals';
import type { PickleNode, PickleObject } from '@ekiben/spec';
import { expectObject, readPickle } from '../src/index.ts';
import { fixture, pickles, refusal } from './fixtures.ts';

const vectorizer = 'sklearn.feature_extraction._dict_vectorizer.DictVectorizer';
const read = (name: string) => readPickle(fixture(name)) as ReadonlyMap<string, PickleNode>;

function attributes(node: PickleNode | undefined): Record<string, unknown> {
  return Object.fromEntries(expectObject(node ?? null, [vectorizer]).state as ReadonlyMap<string, PickleNode>);
}

describe.each(pickles.filter((name) => name.includes('dict-vectorizer')))('%s', (name) => {
  test('has the attributes of the vectorizer', () => {
    const float32 = name.includes('float32');
    const state = attributes(read(name).get('DictVectorizer'));
    const names = state['feature_names_'] as string[];
    expect(names).toHaveLength(8);
    expect(state).toMatchObject({
      separator: float32 ? ':' : '=',
      sparse: name.includes('sparse'),
      sort: !name.includes('unsorted'),
      dtype: { kind: 'object', class: `numpy.float${float32 ? 32 : 64}`, args: [], state: null },
      vocabulary_: new Map(names.map((feature, column) => [feature, column])),
      _sklearn_version: '1.9.1',
    });
  });
});

test("the credit model's vectorizer has 29 columns", () => {
  const state = attributes(read('credit-risk/custom_objects.pkl').get('DictVectorizer'));
  expect(state['feature_names_']).toHaveLength(29);
  expect(state['_sklearn_version']).toBe('1.1.3');
});

describe.each(['1.0.7', '1.4'])('custom objects of BentoML %s', (version) => {
  const objects = read(`bentoml-${version}/custom_objects.pkl`);

  test('are readable beside opaque ones', () => {
    expect([...objects.keys()]).toEqual(['DictVectorizer', 'threshold', 'classes', 'postprocess', 'table']);
    expect(objects.get('threshold')).toBe(0.35);
    expect(objects.get('classes')).toEqual(['a', 'b']);
    expect(attributes(objects.get('DictVectorizer'))['feature_names_']).toEqual(['a', 'b=x', 'b=y']);
  });

  test.each([
    ['postprocess', 'cloudpickle.cloudpickle._make_function'],
    ['table', version === '1.4' ? 'pandas.DataFrame' : 'pandas.core.frame.DataFrame'],
  ])('%s stays an inert object, which a codec refuses by name', (name, type) => {
    const node = objects.get(name) as PickleObject;
    expect(node.class).toBe(type);
    const error = refusal(() => expectObject(node, [vectorizer]));
    expect(error.code).toBe('EKIBEN_PICKLE_CLASS_NOT_ALLOWED');
    expect(error.message).toBe(`The pickle holds an object of ${type}, where only ${vectorizer} can be read`);
    expect(error.details).toEqual({ expected: [vectorizer], found: type });
  });
});

test('plain objects of protocol 5, a NumPy array among them', () => {
  const objects = read('pickles/plain-objects.pkl');
  expect(objects.get('thresholds')).toEqual(new Map([['declined', 0.5], ['maybe', 0.3]])); // prettier-ignore
  expect(objects.get('labels')).toEqual(['a', 'b', null, true]);
  expect(objects.get('big')).toBe(2n ** 80n);
  expect(objects.get('s')).toEqual(new Set([1, 2]));
  expect(objects.get('t')).toEqual([1, 'x', Uint8Array.of(0, 255)]);
  const [data, dtype, shape, order] = (objects.get('array') as PickleObject).args;
  expect(new Float32Array((data as Uint8Array).slice().buffer)).toEqual(Float32Array.of(0, 1, 2, 3, 4, 5));
  expect(dtype).toMatchObject({ class: 'numpy.dtype', args: ['f4', false, true] });
  expect([shape, order]).toEqual([[2, 3], 'C']);
});

test.each<[PickleNode, string]>([
  [null, 'None'],
  [true, 'a bool'],
  [1, 'a number'],
  [1n, 'an int'],
  ['x', 'a str'],
  [new Uint8Array(), 'bytes'],
  [[], 'a list or tuple'],
  [new Map(), 'a dict'],
  [new Set(), 'a set'],
])('a codec that meets %p refuses %s', (node, name) => {
  expect(refusal(() => expectObject(node, ['a.B', 'c.D'])).message).toBe(
    `The pickle holds ${name}, where only a.B or c.D can be read`,
  );
});
