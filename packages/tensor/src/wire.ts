/**
 * Tensors between processes: a small JSON-safe header and the raw bytes, which travel beside it in a frame.
 * Numbers are little-endian. Strings are one uint32 per string, its length in UTF-16 units, then their UTF-16 units one after
 * another: no string is changed by the trip (UTF-8 has no lone surrogates), and the length is known without encoding anything.
 */
import { EkibenError } from '@ekiben/spec';
import type { DType, Tensor } from '@ekiben/spec';
import { bytesOf, elementsOf } from './bytes.ts';
import { isDType, storageClass } from './elements.ts';
import { DenseTensor, sizeOf } from './tensor.ts';

/** What a frame says about a tensor whose bytes follow. */
export interface TensorHeader<D extends DType = DType> {
  readonly dtype: D;
  readonly shape: readonly number[];
  readonly byteLength: number;
}

export function tensorHeader<D extends DType>({ dtype, shape, data }: Tensor<D>): TensorHeader<D> {
  return { dtype, shape, byteLength: isStrings(data) ? stringsLength(data) : data.byteLength };
}

/** The raw bytes, `tensorHeader(tensor).byteLength` of them: the tensor's own memory, strings aside. */
export function tensorBytes({ data }: Tensor): Uint8Array {
  return isStrings(data) ? encodeStrings(data) : bytesOf(data, 'little');
}

/**
 * The tensor of a header and its bytes. It shares their memory when they are aligned to the element's width; else they are copied.
 *
 * @throws EKIBEN_TENSOR_WIRE when header and bytes, which come from another process, contradict each other or themselves
 */
export function fromWire<D extends DType>(header: TensorHeader<D>, bytes: Uint8Array): DenseTensor<D>;
export function fromWire(header: TensorHeader | null, bytes: Uint8Array): DenseTensor {
  const { dtype, shape, byteLength } = (header ?? {}) as Partial<TensorHeader>;
  if (!isDType(dtype) || !Array.isArray(shape)) throw wireError('the header names no dtype or no shape');
  if (byteLength !== bytes.byteLength) throw wireError(`${byteLength} bytes were announced, ${bytes.byteLength} came`);
  const size = sizeOf(shape);
  if (dtype === 'string') return new DenseTensor(decodeStrings(bytes, size), shape, dtype);
  const expected = size * storageClass(dtype).BYTES_PER_ELEMENT;
  if (expected !== byteLength) {
    throw wireError(`${dtype}[${shape.join(', ')}] takes ${expected} bytes, not ${byteLength}`);
  }
  return new DenseTensor(elementsOf(bytes, dtype, 'little'), shape, dtype);
}

const LENGTH_BYTES = 4;

const stringsLength = (strings: readonly string[]): number =>
  strings.reduce((sum, string) => sum + LENGTH_BYTES + 2 * string.length, 0);

function encodeStrings(strings: readonly string[]): Uint8Array {
  const bytes = Buffer.allocUnsafe(stringsLength(strings));
  let offset = strings.length * LENGTH_BYTES;
  strings.forEach((string, i) => {
    bytes.writeUInt32LE(string.length, i * LENGTH_BYTES);
    offset += bytes.write(string, offset, 'utf16le');
  });
  return bytes;
}

function decodeStrings(bytes: Uint8Array, count: number): string[] {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let offset = count * LENGTH_BYTES;
  if (offset > buffer.length) throw wireError(`${buffer.length} bytes are too few for ${count} strings`);
  const strings = Array.from({ length: count }, (_, i) => {
    const end = offset + 2 * buffer.readUInt32LE(i * LENGTH_BYTES);
    if (end > buffer.length) throw wireError(`string ${i} ends behind the last byte`);
    const string = buffer.toString('utf16le', offset, end);
    offset = end;
    return string;
  });
  if (offset !== buffer.length) throw wireError(`${buffer.length - offset} bytes are left over`);
  return strings;
}

const isStrings = (data: Tensor['data']): data is readonly string[] => Array.isArray(data);

const wireError = (detail: string) => new EkibenError('EKIBEN_TENSOR_WIRE', `not a tensor on the wire: ${detail}`);
