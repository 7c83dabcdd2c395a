import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { DType, Tensor } from '@ekiben/spec';
import { decodeNpy, encodeNpy, tensor } from '@ekiben/tensor';
import { ndarray } from '../src/index.ts';
import { bytes, thrownBy } from './thrown.ts';

const JSON_TYPE = 'application/json';
const NPY = 'application/x-npy';
const floats = ndarray({ dtype: 'float32', shape: [-1, 2] });

describe('a body', () => {
  test('of nested arrays becomes a tensor, without a promise', () => {
    expect(floats.decode(bytes('[[1, 2.5], [3, 4]]'), JSON_TYPE)).toEqual(tensor([1, 2.5, 3, 4], [2, 2], 'float32'));
  });

  test.each([NPY, 'application/octet-stream', 'Application/X-NPY; q=1'])('of %s is a .npy file', (type) => {
    const sent = tensor([1, 2], [1, 2], 'float32');
    expect(floats.decode(encodeNpy(sent), type)).toEqual(sent);
  });

  test('of a .npy file keeps the memory of the body', () => {
    const body = Buffer.from(encodeNpy(tensor(new Float32Array(2 ** 18), [2 ** 18], 'float32')));
    const { data } = ndarray({ dtype: 'float32' }).decode(body, NPY) as Tensor<'float32'>;
    expect(data.buffer).toBe(body.buffer);
  });

  test('may come in pieces', async () => {
    const pieces = (async function* () {
      yield bytes('[[1,');
      yield bytes('2]]');
    })();
    expect(await floats.decode(pieces, undefined)).toEqual(tensor([1, 2], [1, 2], 'float32'));
  });

  test('without a type is what encode makes', () => {
    const npy = ndarray({ dtype: 'int8', format: 'npy' });
    expect(npy.decode(encodeNpy(tensor([1], [1], 'int8')), undefined)).toEqual(tensor([1], [1], 'int8'));
    expect(npy.mediaTypes[0]).toBe(NPY);
  });

  test('without a dtype is what its first element is', () => {
    const any = ndarray();
    expect(any.decode(bytes('[[1], [2]]'), undefined)).toEqual(tensor([1, 2], [2, 1], 'float64'));
    expect(any.decode(bytes('["a"]'), undefined)).toEqual(tensor(['a'], [1], 'string'));
    expect(any.decode(bytes('true'), undefined)).toEqual(tensor([true], [], 'bool'));
    expect(any.decode(bytes('[null, 1]'), undefined)).toEqual(tensor([NaN, 1], [2], 'float64'));
  });
});

describe('the dtype', () => {
  const npy = (dtype: DType, ...data: number[]) => encodeNpy(tensor(data, [data.length], dtype));

  test('is cast within its kind', () => {
    expect(ndarray({ dtype: 'float32' }).decode(npy('float64', 0.1), NPY)).toEqual(tensor([0.1], [1], 'float32'));
    expect(ndarray({ dtype: 'float16' }).decode(npy('int32', 7), NPY)).toEqual(tensor([7], [1], 'float16'));
    expect(ndarray({ dtype: 'int8' }).decode(npy('int32', 7), NPY)).toEqual(tensor([7], [1], 'int8'));
  });

  test.each([
    ['floats to integers', ndarray({ dtype: 'int32' }), npy('float64', 1), 'float64 is not cast to int32'],
    ['a number that does not fit', ndarray({ dtype: 'int8' }), npy('int32', 300), '/0 expected int8, got 300'],
    ['any other', ndarray({ dtype: 'float32', enforceDtype: true }), npy('float64', 1), 'of float32, not of float64'],
  ])('is not cast: %s', async (_what, descriptor, body, message) => {
    const error = await thrownBy(() => descriptor.decode(body, NPY));
    expect(error.code).toBe('EKIBEN_INVALID_INPUT');
    expect(error.message).toContain(message);
  });
});

describe('the shape', () => {
  test('is made to fit, where the elements allow it', () => {
    expect(floats.decode(bytes('[1, 2, 3, 4]'), undefined)).toEqual(tensor([1, 2, 3, 4], [2, 2], 'float32'));
    expect(floats.decode(bytes('[]'), undefined)).toEqual(tensor([], [0, 2], 'float32'));
  });

  test.each([
    [ndarray({ shape: [-1, 2] }), '[1, 2, 3]', 'shape [3] does not become [-1, 2]'],
    [ndarray({ shape: [-1, 2], enforceShape: true }), '[1, 2]', 'must have the shape [-1, 2], not [2]'],
    [ndarray({ shape: [-1, -1] }), '[1, 2]', 'must have the shape [-1, -1], not [2]'],
  ])('%#. is refused where they do not', async (descriptor, body, message) => {
    const error = await thrownBy(() => descriptor.decode(bytes(body), undefined));
    expect(error.details?.errors).toEqual([{ pointer: '', message }]);
  });
});

describe('refused with the place:', () => {
  test.each([
    ['a text among numbers', '[[1, "2"]]', '/0/1', 'expected float32, got string'],
    ['a row that is too short', '[[1, 2], [3]]', '/1', 'expected an array of 2, got an array of 1'],
    ['an object', '{"0": 1}', '', 'expected float32, got object'],
    ['a null as a row', '[[1, 2], null]', '/1', 'expected an array of 2, got null'],
    ['null', 'null', '', 'expected float32, got null'],
  ])('%s', async (_what, body, pointer, message) => {
    const error = await thrownBy(() => floats.decode(bytes(body), JSON_TYPE));
    expect(error).toMatchObject({ code: 'EKIBEN_INVALID_INPUT', details: { errors: [{ pointer, message }] } });
  });

  test('an integer that JSON has rounded', async () => {
    const error = await thrownBy(() => ndarray({ dtype: 'int64' }).decode(bytes('[9007199254740993]'), undefined));
    expect(error.details?.errors?.[0]?.message).toBe('expected int64, got 9007199254740992');
  });

  test('what is no .npy file, or one of another kind of elements', async () => {
    expect((await thrownBy(() => floats.decode(bytes('[[1,2]]'), NPY))).message).toContain('not a .npy file');
    const pickled = encodeNpy(tensor([1], [1], 'float64'));
    Buffer.from(pickled.buffer, pickled.byteOffset).write('|O8', pickled.indexOf(60));
    expect((await thrownBy(() => floats.decode(pickled, NPY))).message).toMatch(/\|O8/);
  });

  test('nesting beyond 64 axes', async () => {
    const body = bytes(`${'['.repeat(100)}1${']'.repeat(100)}`);
    expect((await thrownBy(() => ndarray().decode(body, undefined))).code).toBe('EKIBEN_INVALID_INPUT');
  });
});

test('malformed JSON, other types and long bodies have their own codes', async () => {
  expect((await thrownBy(() => floats.decode(bytes('[1,'), undefined))).code).toBe('EKIBEN_MALFORMED_JSON');
  expect((await thrownBy(() => floats.decode(bytes('1,2'), 'text/csv'))).code).toBe('EKIBEN_UNSUPPORTED_MEDIA_TYPE');
  expect((await thrownBy(() => floats.decode(bytes('1,2'), 'nonsense'))).code).toBe('EKIBEN_UNSUPPORTED_MEDIA_TYPE');
  const small = ndarray({ maxBytes: 3 });
  expect((await thrownBy(() => small.decode(bytes('[1]  '), undefined))).code).toBe('EKIBEN_BODY_TOO_LARGE');
});

describe('output', () => {
  test('is JSON, or a .npy file', () => {
    const value = tensor([1.5, -2], [1, 2], 'float32');
    expect(floats.encode(value)).toBe('[[1.5,-2]]');
    expect(floats.contentType).toBe(JSON_TYPE);
    const npy = ndarray({ dtype: 'float32', format: 'npy' });
    expect(decodeNpy(npy.encode(value) as Uint8Array)).toEqual(value);
    expect(npy.contentType).toBe(NPY);
  });

  test('has NaN as null, Infinity as a number too large, and integers exactly', () => {
    const odd = ndarray({ dtype: 'float64' });
    expect(odd.encode(tensor([NaN, Infinity, -Infinity, -0], [4], 'float64'))).toBe('[null,1e999,-1e999,-0.0]');
    expect(ndarray({ dtype: 'int64' }).encode(tensor([2n ** 63n - 1n], [1], 'int64'))).toBe('[9223372036854775807]');
  });

  test('is cast and shaped like input, and is the fault of the server where it cannot be', async () => {
    expect(floats.encode(tensor([1, 2], [2], 'float64') as unknown as Tensor<'float32'>)).toBe('[[1,2]]');
    const error = await thrownBy(() => floats.encode(tensor([1], [1], 'float32')));
    expect(error.code).toBe('EKIBEN_INVALID_OUTPUT');
  });

  test('of a call without bytes is what the client would get', async () => {
    const odd = ndarray({ dtype: 'float64' });
    expect(await odd.toWire(tensor([NaN, 1], [2], 'float64'))).toEqual([null, 1]);
    expect(odd.parse([null, 1])).toEqual(tensor([NaN, 1], [2], 'float64'));
    expect(odd.parse(tensor([1], [1], 'float32'))).toEqual(tensor([1], [1], 'float64'));
  });
});

test('there and back is the same tensor, in both formats', () => {
  const element: { [D in DType]?: fc.Arbitrary<number | bigint | boolean | string> } = {
    float64: fc.double(),
    float32: fc.float(),
    int32: fc.integer(),
    int64: fc.maxSafeInteger().map(BigInt),
    bool: fc.boolean(),
    string: fc.string({ unit: 'binary' }).filter((text) => !text.endsWith('\0')),
  };
  fc.assert(
    fc.property(
      fc
        .constantFrom(...(Object.keys(element) as DType[]))
        .chain((dtype) =>
          fc
            .tuple(fc.nat({ max: 3 }), fc.nat({ max: 3 }))
            .chain(([n, m]) =>
              fc
                .array(element[dtype] ?? fc.constant(0), { minLength: n * m, maxLength: n * m })
                .map((data) => tensor(data as never, [n, m], dtype)),
            ),
        ),
      (t) => {
        for (const format of ['json', 'npy'] as const) {
          const descriptor = ndarray({ dtype: t.dtype, shape: t.shape, format });
          const encoded = descriptor.encode(t);
          const body = typeof encoded === 'string' ? bytes(encoded) : (encoded as Uint8Array);
          expect(descriptor.decode(body, descriptor.contentType)).toEqual(t);
        }
      },
    ),
  );
});

test('an empty array is a batch of no rows, however long these are', () => {
  const rows = ndarray({ dtype: 'float32', shape: [-1, 4], enforceShape: true });
  expect(rows.parse([])).toEqual(tensor([], [0, 4], 'float32'));
  expect(() => ndarray({ shape: [2, 4], enforceShape: true }).parse([])).toThrow('must have the shape [2, 4]');
});

test('the documentation says dtype and shape', () => {
  expect(ndarray({ dtype: 'uint8', shape: [-1, 2], enforceShape: true }).jsonSchema('input')).toEqual({
    type: 'array',
    items: { type: 'array', items: { type: 'integer', minimum: 0, maximum: 255 }, minItems: 2, maxItems: 2 },
  });
  expect(floats.jsonSchema('input', NPY)).toEqual({ type: 'string', format: 'binary' });
  expect(floats.example).toEqual([[1, 1]]);
  expect(ndarray().example).toEqual([1]);
  expect(ndarray({ dtype: 'float32', example: [[1, 2]] }).example).toEqual([[1, 2]]);
});
