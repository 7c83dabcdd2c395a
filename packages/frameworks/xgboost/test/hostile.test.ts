// Broken and hostile model files are refused with a code and a place; nothing hangs, and nothing else is thrown.
import { describe, expect, test } from '@jest/globals';
import { EkibenError } from '@ekiben/spec';
import { tensor } from '@ekiben/tensor';
import fc from 'fast-check';
import { loadBooster, MAX_DEPTH, MAX_VALUES } from '../src/index.ts';
import { load, read, readText } from './fixtures.ts';

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const ubjson = (...parts: (string | number[])[]): Uint8Array =>
  Uint8Array.from(parts.flatMap((part) => (typeof part === 'string' ? [...utf8(part)] : part)));
const int64 = (value: bigint): number[] => {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigInt64(0, value);
  return [...bytes];
};
const refused = (code: string, message: RegExp) =>
  expect.objectContaining({ code, message: expect.stringMatching(message) });

describe('bytes that are no model', () => {
  test.each([
    ['nothing', utf8('')],
    ['a pickle', Uint8Array.of(0x80, 4, 0x95)],
    ['the old binary format', utf8('binf\0\0\0?')],
    ['a JSON list', utf8('[1]')],
  ])('%s', (_name, bytes) => {
    expect(() => loadBooster(bytes)).toThrow(refused('EKIBEN_XGBOOST_FORMAT', /save it as \.ubj or \.json/));
  });

  test('JSON that breaks off', () => {
    expect(() => loadBooster(utf8('{"learner": {'))).toThrow(refused('EKIBEN_XGBOOST_JSON', /not a JSON model/));
  });

  test('JSON that is not UTF-8', () => {
    expect(() => loadBooster(Uint8Array.of(0x7b, 0x22, 0xff))).toThrow(
      refused('EKIBEN_XGBOOST_JSON', /not a JSON model/),
    );
  });

  const key = ['L', int64(1n), 'a'] as const;
  const [L, one, a] = key;
  test.each([
    ['an unknown marker', ubjson('{', L, one, a, 'x'), /byte 12: 'x' is no marker/],
    ['a length below 0', ubjson('{', L, int64(-1n)), /-1 is no length/],
    ['a length beyond the file', ubjson('{', L, int64(2n ** 40n)), /ends where 1099511627776 more bytes should be/],
    ['a length beyond a double', ubjson('{', L, int64(2n ** 62n)), /no integer that a double holds/],
    ['a typed array longer than the file', ubjson('{', L, one, a, '[$L#L', int64(2n ** 50n)), /ends where/],
    ['a typed array without a count', ubjson('{', L, one, a, '[$d]'), /no count/],
    ['a key twice', ubjson('{', L, one, a, 'Z', L, one, a, 'Z', '}'), /key 'a' occurs twice/],
    ['a string that is not UTF-8', ubjson('{', L, one, [0xff], 'Z}'), /not UTF-8/],
    ['bytes behind the end', ubjson('{', L, one, a, 'Z}', 'Z'), /1 bytes follow its end/],
    [
      'an int64 that no double holds',
      ubjson('{', L, one, a, 'L', int64(2n ** 60n), '}'),
      /no integer that a double holds/,
    ],
    ['lists in lists', ubjson('{', L, one, a, '['.repeat(1e6)), new RegExp(`more than ${MAX_DEPTH} levels`)],
    ['more values than memory is for', ubjson('{', L, one, a, '[', 'Z'.repeat(MAX_VALUES)), /more than \d+ values/],
  ])('UBJSON: %s', (_name, bytes, message) => {
    expect(() => loadBooster(bytes)).toThrow(refused('EKIBEN_XGBOOST_UBJSON', message));
  });
});

/** A small model, with one member changed. */
type Json = { [key: string]: Json } & Json[];
function changed(change: (model: Json) => void, name = 'more/xgboost-3.2.0/pandas-categories'): Uint8Array {
  const model = JSON.parse(readText(`${name}.json`)) as Json;
  change(model);
  return utf8(JSON.stringify(model));
}
const set = (target: Json, key: string, value: unknown): void => void Object.assign(target, { [key]: value });
const firstTree = (model: Json): Json => model['learner']!['gradient_booster']!['model']!['trees']![0]!;

describe('a model that is none', () => {
  test.each<[string, RegExp, (model: Json) => void]>([
    ['no learner', /^not a model of XGBoost: learner should be an object/, (m) => set(m, 'learner', 1)],
    ['no version', /version is missing/, (m) => delete (m as Partial<Json>)['version']],
    [
      'too many features',
      /num_feature should be a whole number up to/,
      (m) => set(m['learner']!['learner_model_param']!, 'num_feature', '4294967295'),
    ],
    [
      'a fraction of a class',
      /num_class should be an integer/,
      (m) => set(m['learner']!['learner_model_param']!, 'num_class', '1.5'),
    ],
    [
      'too many classes',
      /num_class should be a whole number/,
      (m) => set(m['learner']!['learner_model_param']!, 'num_class', '99999999'),
    ],
    [
      'no base score',
      /base_score should be a number or a list/,
      (m) => set(m['learner']!['learner_model_param']!, 'base_score', '[]'),
    ],
    [
      'a base score too many',
      /base_score should be a list of 1 numbers/,
      (m) => set(m['learner']!['learner_model_param']!, 'base_score', '[1,2]'),
    ],
    [
      'another booster',
      /name should be 'gbtree', 'dart' or 'gblinear'/,
      (m) => set(m['learner']!['gradient_booster']!, 'name', 'gbm'),
    ],
    [
      'trees without ids from 0',
      /trees should be trees with the ids from 0 on, and none has 0/,
      (m) => set(firstTree(m), 'id', 7),
    ],
    [
      'a tree too many',
      /tree_info should be an array of 4 elements/,
      (m) => m['learner']!['gradient_booster']!['model']!['trees']!.push(Object.assign({}, firstTree(m), { id: 3 })),
    ],
    [
      'rounds that go back',
      /iteration_indptr should be rising from 0 to 3/,
      (m) => set(m['learner']!['gradient_booster']!['model']!, 'iteration_indptr', [0, 2, 1, 3]),
    ],
    [
      'a text among numbers',
      /trees\[0\]\.split_conditions\[0\] should be a number/,
      (m) => set(firstTree(m)['split_conditions']!, '0', 'x'),
    ],
    [
      'half a node',
      /left_children should be an array of 32-bit integers/,
      (m) => set(firstTree(m)['left_children']!, '0', 1.5),
    ],
    [
      'vectors of another length',
      /size_leaf_vector should be 1 or the number of outputs/,
      (m) => set(firstTree(m)['tree_param']!, 'size_leaf_vector', '5'),
    ],
    [
      'categories beyond their list',
      /categories_segments should be parts of/,
      (m) =>
        set(
          firstTree(m),
          'categories_sizes',
          firstTree(m)['categories_sizes']!.map(() => 1000),
        ),
    ],
  ])('%s', (_name, message, change) => {
    expect(() => loadBooster(changed(change))).toThrow(refused('EKIBEN_XGBOOST_MODEL_INVALID', message));
  });

  test('an objective of somebody', () => {
    const bytes = changed((model) => set(model['learner']!['objective']!, 'name', 'my:own'));
    expect(() => loadBooster(bytes)).toThrow(
      refused('EKIBEN_XGBOOST_OBJECTIVE', /'my:own' is unknown; known are .*binary:logistic/),
    );
  });

  test.each<[string, RegExp, (tree: Json) => void]>([
    ['a cycle', /tree 0: node 0 is reached twice/, (tree) => set(tree['right_children']!, '0', 0)],
    ['a child that is not there', /tree 0: node 0 has the child 99/, (tree) => set(tree['left_children']!, '0', 99)],
    ['a shared child', /tree 0: node 1 is reached twice/, (tree) => set(tree['right_children']!, '0', 1)],
    [
      'a feature that is not there',
      /tree 0: node 0 splits on feature 3; there are 3 features/,
      (tree) => set(tree['split_indices']!, '0', 3),
    ],
    ['arrays of different lengths', /tree 0: `feature` has/, (tree) => tree['split_indices']!.pop()],
  ])('%s', (_name, message, change) => {
    expect(() => loadBooster(changed((model) => change(firstTree(model))))).toThrow(
      refused('EKIBEN_FOREST_INVALID', message),
    );
  });

  test('few leaf vectors for many nodes, which would take more memory than the file holds', () => {
    const bytes = changed((model) => {
      set(model['learner']!['learner_model_param']!, 'num_target', '1000000');
      for (const tree of model['learner']!['gradient_booster']!['model']!['trees']!) {
        set(tree['tree_param']!, 'size_leaf_vector', '1000000');
        set(tree, 'leaf_weights', [1]);
      }
    });
    expect(() => loadBooster(bytes)).toThrow(
      refused('EKIBEN_XGBOOST_MODEL_INVALID', /leaf_weights should be long enough for the leaves of/),
    );
  });

  test('weights of a linear model that do not fit its features', () => {
    const bytes = changed(
      (model) => model['learner']!['gradient_booster']!['model']!['weights']!.pop(),
      'boosters/gblinear',
    );
    expect(() => loadBooster(bytes)).toThrow(
      refused('EKIBEN_XGBOOST_MODEL_INVALID', /weights should be an array of 11 elements/),
    );
  });
});

/** Loads and predicts, or throws an EkibenError. */
function survives(bytes: Uint8Array): void {
  try {
    const booster = loadBooster(bytes);
    if (booster.numFeatures < 1000) {
      booster.inplacePredict(tensor(new Float32Array(booster.numFeatures), [1, booster.numFeatures], 'float32'));
    }
  } catch (error) {
    if (!EkibenError.is(error)) throw error;
  }
}

describe('a file with changed bytes', () => {
  const files = ['more/xgboost-3.2.0/pandas-categories', 'more/xgboost-2.1.4/vector-leaf'].map((name) =>
    read(`${name}.ubj`),
  );

  test('gives a prediction or an error of ours', () => {
    const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(fc.constantFrom(...files), changes, (file, bytes) => {
        const copy = file.slice();
        for (const [at, byte] of bytes) copy[at % copy.length] = byte;
        survives(copy);
      }),
      { numRuns: 400 },
    );
  });

  test('cut off anywhere is refused', () => {
    const [file] = files;
    for (let length = 0; length < file!.length; length += 7) {
      expect(() => loadBooster(file!.subarray(0, length))).toThrow(EkibenError);
    }
  });
});

test('a file in a part of a buffer is read', () => {
  const file = read('boosters/dart.ubj');
  const padded = new Uint8Array(file.length + 13);
  padded.set(file, 7);
  expect(loadBooster(padded.subarray(7, 7 + file.length)).numFeatures).toBe(load('boosters/dart.ubj').numFeatures);
});
