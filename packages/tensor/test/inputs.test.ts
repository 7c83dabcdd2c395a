import { describe, expect, test } from '@jest/globals';
import type { DType } from '@ekiben/spec';
import { exampleInputs, fromNested, matchInputs, requireValues, tensor, toNested } from '../src/index.ts';
import type { TensorInfo } from '../src/index.ts';

const CODE = 'EKIBEN_TEST_INPUT';
const x: TensorInfo = { name: 'x', dtype: 'float32', shape: ['batch', 2, null] };
const ids: TensorInfo = { name: 'ids', dtype: 'int64', shape: null };
const good = { x: tensor(new Float32Array(4), [1, 2, 2], 'float32'), ids: tensor([1n], [1], 'int64') };

const failure = (args: readonly unknown[], inputs: readonly TensorInfo[] = [x, ids]) => {
  try {
    return matchInputs(inputs, args, CODE);
  } catch (error) {
    return error;
  }
};

test('inputs come in the order of the model, whether they are named or not', () => {
  expect(matchInputs([x, ids], [{ ids: good.ids, x: good.x }], CODE)).toEqual([good.x, good.ids]);
  expect(matchInputs([x, ids], [good.x, good.ids], CODE)[0]).toBe(good.x);
});

describe('all that is wrong is named', () => {
  const wide = tensor(new Float32Array(3), [1, 3, 1], 'float32');
  test.each<[string, unknown[], string, string]>([
    ['an input that is missing', [good.x], '/ids', 'is missing: it must be a tensor of int64'],
    ['an input that there is not', [{ ...good, y: 1 }], '/y', 'is no input of the model, which has x, ids'],
    ['a wrong length', [{ ...good, x: wide }], '/x', 'must have the shape [batch, 2, ?], not [1, 3, 1]'],
    ['a wrong rank', [{ ...good, x: good.ids }], '/x', 'must have the shape [batch, 2, ?], not [1]'],
    ['a dtype that does not convert', [{ ...good, ids: good.x }], '/ids', 'must be a tensor of int64, not of float32'],
    ['what is no tensor', [{ ...good, ids: [1n] }], '/ids', 'must be a tensor of int64, not object'],
    ['null', [{ ...good, ids: null }], '/ids', 'must be a tensor of int64, not null'],
    ['nothing', [], '', 'takes one record of tensors by name, or up to 2 tensors in order'],
    ['null for all', [null], '', 'takes one record of tensors by name, or up to 2 tensors in order'],
    ['a number for all', [1], '', 'takes one record of tensors by name, or up to 2 tensors in order'],
    ['two records', [good, good], '', 'takes one record of tensors by name, or up to 2 tensors in order'],
    ['too many', [good.x, good.ids, good.ids], '', 'takes one record of tensors by name, or up to 2 tensors in order'],
  ])('%s', (_what, args, pointer, message) => {
    const name = pointer === '' ? '' : `${pointer.slice(1)} `;
    expect(failure(args)).toMatchObject({
      code: CODE,
      message: `input ${name}${message}`,
      details: { errors: [{ pointer, message }] },
    });
  });

  test('together', () => {
    expect(failure([{ 'a/b~c': good.x }])).toMatchObject({
      details: { errors: [{ pointer: '/x' }, { pointer: '/ids' }, { pointer: '/a~1b~0c' }] },
    });
  });
});

describe('numbers convert where nothing but digits is lost', () => {
  const info = (dtype: DType): TensorInfo => ({ name: 'x', dtype, shape: [null] });
  const numbers: readonly DType[] = [
    'float16',
    'float32',
    'float64',
    'int8',
    'int16',
    'int32',
    'int64',
    'uint8',
    'uint16',
    'uint32',
    'uint64',
  ];
  const targets: Readonly<Record<string, readonly DType[]>> = {
    float32: numbers,
    float64: numbers,
    int32: ['int8', 'int16', 'int32', 'uint8', 'uint16'],
    int64: ['int8', 'int16', 'int32', 'int64', 'uint8', 'uint16', 'uint32'],
    float16: ['float16'],
    int8: ['int8'],
    uint64: ['uint64'],
    bool: ['bool'],
    string: ['string'],
  };
  const example = (dtype: DType): unknown[] => {
    if (dtype === 'string') return ['a'];
    return dtype === 'bool' ? [true] : [0, 7, 100];
  };
  const pairs = Object.entries(targets).flatMap(([to, from]) =>
    [...numbers, 'bool' as const, 'string' as const].map((each) => [each, to as DType, from.includes(each)] as const),
  );
  test.each(pairs)('%s to %s: %s', (from, to, converts) => {
    const given = fromNested(example(from), from);
    const result = failure([given], [info(to)]);
    const wanted = converts ? [fromNested(example(from), to)] : expect.objectContaining({ code: CODE });
    expect(result).toEqual(wanted);
  });

  test('floats round', () => {
    const [converted] = matchInputs([info('float32')], [fromNested([0.1], 'float64')], CODE);
    expect(converted && toNested(converted)).toEqual([Math.fround(0.1)]);
  });
});

describe('an example of the inputs', () => {
  test('is one row of zeros', () => {
    const inputs: TensorInfo[] = [
      { name: 'x', dtype: 'float32', shape: ['batch', 2] },
      { name: 'fixed', dtype: 'int64', shape: [3] },
      { name: 'words', dtype: 'string', shape: [null] },
      { name: 'scalar', dtype: 'bool', shape: [] },
    ];
    expect(exampleInputs(inputs)).toEqual({
      x: fromNested([[0, 0]], 'float32'),
      fixed: fromNested([0, 0, 0], 'int64'),
      words: fromNested([''], 'string'),
      scalar: fromNested(false, 'bool'),
    });
  });

  test('is not made up where other lengths are open', () => {
    expect(exampleInputs([x])).toBe(null);
    expect(exampleInputs([ids])).toBe(null);
  });
});

test('a declaration that the model does not meet is an error that says what it has', () => {
  const found = [x, { name: 'y', dtype: null }];
  requireValues('input', found, { x: 'float32' }, CODE);
  const message = 'the model has no input y (int64); it has x (float32), y (of an unknown dtype)';
  expect(() => requireValues('input', found, { y: 'int64' }, CODE)).toThrow(
    expect.objectContaining({ code: CODE, message }),
  );
  expect(() => requireValues('output', [], { z: 'bool' }, CODE)).toThrow(
    'the model has no output z (bool); it has none',
  );
});
