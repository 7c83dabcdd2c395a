// Against files that NumPy wrote (fixtures/make-npy.py) and what it reads in them.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { decodeNpy, encodeNpy, tensor } from '../src/index.ts';
import { anyTensor, bits } from './arbitraries.ts';

const file = (name: string) => readFileSync(new URL(`fixtures/npy/${name}`, import.meta.url));
const { arrays } = JSON.parse(file('expected.json').toString()) as {
  arrays: Record<string, { dtype: string; shape: number[]; data: string[] }>;
};

/** A value as Python's `repr` writes it. */
function fromRepr(dtype: string, text: string): unknown {
  if (dtype === 'string') return text;
  if (dtype === 'bool') return text === 'True';
  if (dtype.endsWith('int64')) return BigInt(text);
  return Number(text.replace('inf', 'Infinity').replace('nan', 'NaN'));
}

describe.each(Object.entries(arrays))('%s.npy', (name, expected) => {
  const t = decodeNpy(file(`${name}.npy`));

  test('is read as NumPy reads it', () => {
    const items = Array.from({ length: t.data.length }, (_, i) => t.item(i));
    expect({ dtype: t.dtype, shape: t.shape }).toEqual({ dtype: expected.dtype, shape: expected.shape });
    expect(items).toEqual(expected.data.map((value) => fromRepr(expected.dtype, value)));
  });

  if (!/fortran|endian|version/.test(name)) {
    test('is written byte for byte as NumPy writes it', () => {
      expect(Buffer.compare(encodeNpy(t), file(`${name}.npy`))).toBe(0);
    });
  }
});

test('a file of 1 MiB shares the memory of its elements', () => {
  const bytes = encodeNpy(tensor(new Float32Array(2 ** 18).fill(0.5), [512, 512], 'float32'));
  const aligned = new Uint8Array(bytes.byteLength);
  aligned.set(bytes);
  const { data } = decodeNpy(aligned);
  expect((data as Float32Array).buffer).toBe(aligned.buffer);
  expect((data as Float32Array).length).toBe(2 ** 18);
});

test('elements that are not aligned are copied', () => {
  const bytes = encodeNpy(tensor([1, 2, 3], [3], 'float64'));
  const shifted = new Uint8Array(bytes.byteLength + 1).subarray(1);
  shifted.set(bytes);
  expect(decodeNpy(shifted).data).toEqual(new Float64Array([1, 2, 3]));
});

test('every tensor survives the round trip', () => {
  const writable = anyTensor.filter(
    ({ dtype, data }) => dtype !== 'string' || !(data as string[]).some((s) => s.endsWith('\0')),
  );
  fc.assert(fc.property(writable, (t) => expect(bits(decodeNpy(encodeNpy(t)))).toEqual(bits(t))));
});

describe('refuses', () => {
  test.each(['objects', 'records', 'complex', 'dates', 'byte-strings', 'float128'])('an array of %s', (name) => {
    expect(() => decodeNpy(file(`refused-${name}.npy`))).toThrow(
      expect.objectContaining({ code: 'EKIBEN_NPY_UNSUPPORTED' }),
    );
  });

  test('objects for the reason that they are a pickle', () => {
    expect(() => decodeNpy(file('refused-objects.npy'))).toThrow(/pickle/);
  });

  test('a file cut short anywhere, or with a byte left over', () => {
    const whole = file('float32.npy');
    for (let length = 0; length < whole.length; length++) {
      expect(() => decodeNpy(whole.subarray(0, length))).toThrow(
        expect.objectContaining({ code: 'EKIBEN_NPY_INVALID' }),
      );
    }
    expect(() => decodeNpy(Buffer.concat([whole, Buffer.alloc(1)]))).toThrow(/take 48 bytes of elements, it has 49/);
  });

  test.each([
    ['no dict', '[1, 2]'],
    ['an expression', "{'descr': __import__('os'), 'fortran_order': False, 'shape': (1,), }"],
    ['an unknown key', "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'x': 1, }"],
    ['a missing key', "{'descr': '<f4', 'shape': (1,), }"],
    ['a negative length', "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }"],
    ['a shape in quotes', "{'descr': '<f4', 'fortran_order': False, 'shape': '(1,)', }"],
    ['something behind it', "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), } + {}"],
    ['an unclosed shape', "{'descr': '<f4', 'fortran_order': False, 'shape': (1,"],
  ])('a header with %s', (_what, header) => {
    expect(() => decodeNpy(withHeader(header, 4))).toThrow(expect.objectContaining({ code: 'EKIBEN_NPY_INVALID' }));
  });

  test('a header beyond the limit, before reading it', () => {
    expect(() => decodeNpy(withHeader(' '.repeat(10_001), 4))).toThrow(/10001 bytes, more than 10000/);
  });

  test('shapes that ask for more than was sent', () => {
    const header = (shape: string, descr = '<f4') =>
      `{'descr': '${descr}', 'fortran_order': False, 'shape': ${shape}, }`;
    expect(() => decodeNpy(withHeader(header('(1000000000000,)'), 4))).toThrow(/take 4000000000000 bytes/);
    expect(() => decodeNpy(withHeader(header('(1000000000, 0)'), 0))).toThrow(/rows of nothing/);
    expect(() => decodeNpy(withHeader(header('(1000000000,)', '<U0'), 0))).toThrow(/<U0/);
  });

  test('a character beyond Unicode', () => {
    const header = "{'descr': '<U1', 'fortran_order': False, 'shape': (1,), }";
    const bytes = withHeader(header, 4);
    bytes.writeUInt32LE(0x110000, bytes.length - 4);
    expect(() => decodeNpy(bytes)).toThrow(/beyond Unicode/);
  });

  test('to write strings that NumPy could not read back', () => {
    expect(() => encodeNpy(tensor(['a\0'], [1], 'string'))).toThrow(/string 0 ends in NUL/);
  });

  test('to write strings of which one would widen all beyond reason', () => {
    const strings = ['x'.repeat(100_000), ...Array<string>(10_000).fill('')];
    expect(() => encodeNpy(tensor(strings, [strings.length], 'string'))).toThrow(/padded to 100000 characters/);
  });
});

test('accepts the header as Python 2 and other writers spell it', () => {
  const header = '{"shape": (2L, 1L), "descr": "<f4", "fortran_order": True}';
  expect(decodeNpy(withHeader(header, 8)).shape).toEqual([2, 1]);
});

test('mutated files give a tensor or a coded error', () => {
  const names = Object.keys(arrays);
  const mutation = fc.record({ at: fc.nat(), byte: fc.integer({ min: 0, max: 255 }) });
  fc.assert(
    fc.property(fc.constantFrom(...names), fc.array(mutation, { minLength: 1, maxLength: 4 }), (name, mutations) => {
      const bytes = file(`${name}.npy`);
      for (const { at, byte } of mutations) bytes[at % bytes.length] = byte;
      try {
        decodeNpy(bytes);
      } catch (error) {
        expect(error).toMatchObject({ code: expect.stringMatching(/^EKIBEN_(NPY|TENSOR)_/) });
      }
    }),
    { numRuns: 2000 },
  );
});

function withHeader(header: string, elementBytes: number): Buffer {
  const prefix = Buffer.from('\x93NUMPY\x01\x00\0\0', 'latin1');
  prefix.writeUInt16LE(header.length, 8);
  return Buffer.concat([prefix, Buffer.from(header, 'latin1'), Buffer.alloc(elementBytes)]);
}
