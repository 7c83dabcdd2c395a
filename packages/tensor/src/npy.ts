/** NumPy's file format for one array. https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html */
import { EkibenError } from '@ekiben/spec';
import type { DType, Tensor, TensorStorage } from '@ekiben/spec';
import { bytesOf, elementsOf } from './bytes.ts';
import type { ByteOrder } from './bytes.ts';
import { allocate } from './elements.ts';
import type { NumericDType, TypedArray } from './elements.ts';
import { MAX_NPY_HEADER_BYTES } from './limits.ts';
import { formatNpyHeader, parseNpyHeader } from './npy-header.ts';
import type { NpyHeader } from './npy-header.ts';
import { BYTES_PER_CHARACTER, decodeUtf32, encodeUtf32 } from './npy-strings.ts';
import { DenseTensor, product, sizeOf } from './tensor.ts';

const MAGIC = Buffer.from('\x93NUMPY', 'latin1');

/** NumPy starts the elements at a multiple of this; it is what lets decoding share memory. */
const ALIGNMENT = 64;

/** Kind and width in NumPy's type strings. */
const typeStrings: { readonly [D in NumericDType]: string } = {
  float16: 'f2',
  float32: 'f4',
  float64: 'f8',
  int8: 'i1',
  int16: 'i2',
  int32: 'i4',
  int64: 'i8',
  uint8: 'u1',
  uint16: 'u2',
  uint32: 'u4',
  uint64: 'u8',
  bool: 'b1',
};
const numericDTypes = new Map(Object.entries(typeStrings).map(([dtype, name]) => [name, dtype as NumericDType]));

/**
 * The bytes of a `.npy` file as `np.save` writes it: version 1.0, C order, little-endian. Strings become `<U…`, as wide as the
 * longest.
 *
 * @throws EKIBEN_NPY_UNSUPPORTED for strings that end in NUL, or whose padding would make the file enormous
 */
export function encodeNpy({ data, shape, dtype }: Tensor): Uint8Array {
  if (isStrings(data)) {
    const { bytes, width } = encodeUtf32(data);
    return assemble({ descr: `<U${width}`, fortranOrder: false, shape }, bytes);
  }
  const name = typeStrings[dtype as NumericDType];
  const descr = `${name.endsWith('1') ? '|' : '<'}${name}`;
  return assemble({ descr, fortranOrder: false, shape }, bytesOf(data, 'little'));
}

/**
 * The tensor in a `.npy` file of version 1.0 to 3.0, in C or Fortran order, of either byte order. It shares the memory of `bytes`
 * when those are C order, in the host's byte order and aligned; else the elements are copied.
 *
 * @throws EKIBEN_NPY_INVALID when it is no such file, or one cut short or with bytes left over
 * @throws EKIBEN_NPY_UNSUPPORTED when its elements are no dtype of ours: objects (a pickle inside), records, complex numbers, dates …
 * @throws EKIBEN_TENSOR_SHAPE, EKIBEN_TENSOR_VALUE
 */
export function decodeNpy(bytes: Uint8Array): DenseTensor {
  const { header, body } = disassemble(bytes);
  const { kind, width, order } = parseDescr(header.descr);
  const dtype = kind === 'U' ? 'string' : numericDTypes.get(`${kind}${width}`);
  if (dtype === undefined || width === 0) throw unsupported(header.descr);
  const elementBytes = dtype === 'string' ? width * BYTES_PER_CHARACTER : width;
  const expected = sizeOf(header.shape) * elementBytes;
  if (body.byteLength !== expected) {
    throw invalid(`its shape and dtype take ${expected} bytes of elements, it has ${body.byteLength}`);
  }
  const data = dtype === 'string' ? decodeUtf32(body, width, order) : elementsOf(body, dtype, order);
  return new DenseTensor<DType>(
    header.fortranOrder ? toRowMajor(data, header.shape, dtype) : data,
    header.shape,
    dtype,
  );
}

function assemble(header: NpyHeader, elements: Uint8Array): Uint8Array {
  const text = formatNpyHeader(header);
  const prefix = MAGIC.length + 4;
  const start = Math.ceil((prefix + text.length + 1) / ALIGNMENT) * ALIGNMENT;
  const bytes = Buffer.alloc(start + elements.byteLength, ' ');
  MAGIC.copy(bytes);
  bytes.writeUInt16LE(0x0001, MAGIC.length); // version 1.0
  bytes.writeUInt16LE(start - prefix, MAGIC.length + 2);
  bytes.write(text, prefix, 'latin1');
  bytes.write('\n', start - 1, 'latin1');
  bytes.set(elements, start);
  return bytes;
}

function disassemble(bytes: Uint8Array): { readonly header: NpyHeader; readonly body: Uint8Array } {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (!buffer.subarray(0, MAGIC.length).equals(MAGIC)) throw invalid('it does not begin as a .npy file');
  const major = buffer[MAGIC.length] ?? 0;
  if (major < 1 || major > 3) throw invalid(`its version is ${major}.x, not 1.0, 2.0 or 3.0`);
  const lengthBytes = major === 1 ? 2 : 4;
  const from = MAGIC.length + 2 + lengthBytes;
  if (buffer.length < from) throw invalid('its header is cut short');
  const headerBytes = buffer.readUIntLE(from - lengthBytes, lengthBytes);
  if (headerBytes > MAX_NPY_HEADER_BYTES) {
    throw invalid(`its header has ${headerBytes} bytes, more than ${MAX_NPY_HEADER_BYTES}`);
  }
  const to = from + headerBytes;
  if (buffer.length < to) throw invalid('its header is cut short');
  const header = parseNpyHeader(buffer.toString(major === 3 ? 'utf8' : 'latin1', from, to));
  return { header, body: bytes.subarray(to) };
}

function parseDescr(descr: string): { readonly kind: string; readonly width: number; readonly order: ByteOrder } {
  const match = /^([<>|])([A-Za-z])(\d{1,9})$/.exec(descr);
  if (match === null) throw unsupported(descr);
  return { kind: match[2]!, width: Number(match[3]), order: match[1] === '>' ? 'big' : 'little' };
}

/** Elements whose first axis varies fastest, to elements whose last axis does. */
function toRowMajor<D extends DType>(data: TensorStorage[D], shape: readonly number[], dtype: D): TensorStorage[D] {
  if (shape.length < 2) return data;
  const target = allocate(dtype, data.length);
  const index = shape.map(() => 0);
  const strides = shape.map((_, axis) => product(shape.slice(0, axis)));
  for (let to = 0, from = 0; to < data.length; to++) {
    (target as unknown[])[to] = data[from];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      from -= strides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
  return target;
}

const isStrings = (data: readonly string[] | TypedArray): data is readonly string[] => Array.isArray(data);

const invalid = (detail: string) => new EkibenError('EKIBEN_NPY_INVALID', `not a .npy file: ${detail}`);

function unsupported(descr: string): EkibenError {
  const why = descr.endsWith('O') ? 'Python objects, a pickle, which is never read' : 'no dtype of a tensor';
  return new EkibenError('EKIBEN_NPY_UNSUPPORTED', `the elements of this .npy file are ${descr.slice(0, 50)}: ${why}`);
}
