import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { fromWire, tensor, tensorBytes, tensorHeader } from '../src/index.ts';
import type { TensorHeader } from '../src/index.ts';
import { anyTensor, bits } from './arbitraries.ts';

test('the bytes of numbers are their own memory, on both sides', () => {
  const sent = tensor(new Float64Array(32), [4, 8], 'float64');
  expect(tensorBytes(sent).buffer).toBe(sent.data.buffer);
  const bytes = new Uint8Array(256);
  expect(fromWire(tensorHeader(sent), bytes).data.buffer).toBe(bytes.buffer);
});

test('a part of a tensor sends its own elements only', () => {
  const part = tensor(new Float32Array([1, 2, 3, 4]).subarray(1, 3), [2], 'float32');
  expect(tensorBytes(part).byteLength).toBe(8);
  expect(fromWire(tensorHeader(part), tensorBytes(part)).data).toEqual(new Float32Array([2, 3]));
});

test('bytes that are not aligned are copied', () => {
  const frame = new Uint8Array(17);
  frame.set(tensorBytes(tensor([1.5, -2], [2], 'float64')), 1);
  const header: TensorHeader<'float64'> = { dtype: 'float64', shape: [2], byteLength: 16 };
  expect(fromWire(header, frame.subarray(1)).data).toEqual(new Float64Array([1.5, -2]));
});

test('every tensor survives, its header as JSON', () => {
  fc.assert(
    fc.property(anyTensor, (t) => {
      const header = JSON.parse(JSON.stringify(tensorHeader(t))) as TensorHeader;
      const bytes = tensorBytes(t);
      expect(header.byteLength).toBe(bytes.byteLength);
      expect(bits(fromWire(header, bytes))).toEqual(bits(t));
    }),
  );
});

describe('refuses', () => {
  const strings = tensorBytes(tensor(['ab', 'c'], [2], 'string'));
  const changed = (at: number, value: number) => {
    const bytes = Buffer.from(strings);
    bytes.writeUInt32LE(value, at);
    return bytes;
  };
  test.each<[what: string, header: unknown, bytes: Uint8Array, message: RegExp]>([
    [
      'another number of bytes than announced',
      { dtype: 'int8', shape: [2], byteLength: 2 },
      new Uint8Array(3),
      /2 bytes .* 3 came/,
    ],
    [
      'a shape of another size',
      { dtype: 'float32', shape: [2], byteLength: 4 },
      new Uint8Array(4),
      /takes 8 bytes, not 4/,
    ],
    [
      'a shape beyond memory',
      { dtype: 'float32', shape: [2 ** 52, 2 ** 52], byteLength: 4 },
      new Uint8Array(4),
      /takes/,
    ],
    ['an unknown dtype', { dtype: 'object', shape: [1], byteLength: 1 }, new Uint8Array(1), /no dtype/],
    ['a shape that is no array', { dtype: 'int8', shape: '1', byteLength: 1 }, new Uint8Array(1), /no shape/],
    ['lengths that are no numbers', { dtype: 'int8', shape: ['1'], byteLength: 1 }, new Uint8Array(1), /axis 0/],
    ['no header', null, new Uint8Array(1), /header/],
    ['too many strings', { dtype: 'string', shape: [10], byteLength: 14 }, strings, /too few for 10 strings/],
    ['a billion strings', { dtype: 'string', shape: [1e9], byteLength: 14 }, strings, /too few/],
    ['too few strings', { dtype: 'string', shape: [1], byteLength: 14 }, strings, /left over/],
    [
      'a string that ends behind the last byte',
      { dtype: 'string', shape: [2], byteLength: 14 },
      changed(4, 2 ** 31),
      /string 1 ends/,
    ],
  ])('%s', (_what, header, bytes, message) => {
    expect(() => fromWire(header as TensorHeader, bytes)).toThrow(
      expect.objectContaining({
        code: expect.stringMatching(/^EKIBEN_TENSOR_/),
        message: expect.stringMatching(message),
      }),
    );
  });
});
