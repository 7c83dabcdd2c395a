/** Elements of numeric dtypes as bytes, in either byte order. Both `.npy` and the frames of runners hold them so. */
import type { TensorStorage } from '@ekiben/spec';
import { storageClass } from './elements.ts';
import type { NumericDType, TypedArray } from './elements.ts';

export type ByteOrder = 'little' | 'big';

const hostOrder: ByteOrder = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1 ? 'little' : 'big';

/**
 * The elements in `bytes`: the same memory when it is aligned and in the host's byte order, else a copy.
 * The length of `bytes` has to be a multiple of the element's width.
 */
export function elementsOf<D extends NumericDType>(bytes: Uint8Array, dtype: D, order: ByteOrder): TensorStorage[D];
export function elementsOf(bytes: Uint8Array, dtype: NumericDType, order: ByteOrder): TypedArray {
  const Storage = storageClass(dtype);
  const width = Storage.BYTES_PER_ELEMENT;
  const swap = width > 1 && order !== hostOrder;
  const { buffer, byteOffset, length } = swap || bytes.byteOffset % width !== 0 ? new Uint8Array(bytes) : bytes;
  if (swap) swapBytes(new Uint8Array(buffer, byteOffset, length), width);
  return new Storage(buffer, byteOffset, length / width);
}

/** The bytes of the elements: the same memory when that has the order asked for, else a copy. */
export function bytesOf(data: TypedArray, order: ByteOrder): Uint8Array {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const width = data.BYTES_PER_ELEMENT;
  return width === 1 || order === hostOrder ? bytes : swapBytes(new Uint8Array(bytes), width);
}

function swapBytes(bytes: Uint8Array, width: number): Uint8Array {
  for (let from = 0; from < bytes.length; from += width) bytes.subarray(from, from + width).reverse();
  return bytes;
}
