/**
 * Values in frames: tensors and typed arrays as their raw bytes, and what JSON has besides bigint, undefined, NaN and Date. One tag
 * byte, then:
 *
 *     null undefined false true     nothing
 *     number  f64                   date   f64, milliseconds since 1970
 *     string  u32 bytes, UTF-8      bigint string of its hexadecimal digits, with sign
 *     array   u32 count, values     record u32 count, (string, value)…
 *     typed   u8 array type, u32 bytes, padding, bytes
 *     tensor  u8 dtype, u8 axes, u32 length of each axis, u32 bytes, padding, bytes as @ekiben/tensor has them on the wire
 *
 * Instances of other classes, functions and symbols are refused by name and place: a class cannot be rebuilt without executing what
 * the other side says.
 */
import { EkibenError, pointerTo } from '@ekiben/spec';
import type { DType, Tensor } from '@ekiben/spec';
import { fromWire, isTensor, tensorBytes } from '@ekiben/tensor';
import { frameError } from './frames.ts';
import type { FrameBody, FrameWriter } from './frames.ts';
import { MAX_TENSOR_AXES, MAX_VALUE_DEPTH } from './limits.ts';

const TAG = {
  null: 0,
  undefined: 1,
  false: 2,
  true: 3,
  number: 4,
  string: 5,
  bigint: 6,
  date: 7,
  array: 8,
  record: 9,
  typed: 10,
  tensor: 11,
} as const;

const ARRAY_TYPES = [
  Uint8Array,
  Int8Array,
  Uint16Array,
  Int16Array,
  Uint32Array,
  Int32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
] as const;

type TypedArray = InstanceType<(typeof ARRAY_TYPES)[number]>;

/** The place in this list is a dtype's number. */
const DTYPES: readonly DType[] = [
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
  'bool',
  'string',
];

/**
 * @param what - names the value in the error, such as `argument 1 of predict`
 * @throws EKIBEN_VALUE_NOT_TRANSFERABLE naming the place inside the value as a JSON pointer
 */
export function writeValue(to: FrameWriter, value: unknown, what: string): void {
  try {
    write(to, value, 0);
  } catch (error) {
    if (!(error instanceof Unsendable)) throw error;
    const pointer = pointerTo(...error.path);
    throw new EkibenError(
      'EKIBEN_VALUE_NOT_TRANSFERABLE',
      `${what}${pointer === '' ? '' : ` at ${pointer}`} is ${error.message}, which cannot go to another process. ` +
        'Tensors, plain records and arrays, typed arrays, strings, numbers, bigints, booleans, dates, null and undefined can.',
      { details: { pointer } },
    );
  }
}

class Unsendable extends Error {
  readonly path: (string | number)[] = [];
}

function write(to: FrameWriter, value: unknown, depth: number): void {
  switch (typeof value) {
    case 'number':
      to.u8(TAG.number);
      return to.f64(value);
    case 'string':
      to.u8(TAG.string);
      return to.string(value);
    case 'boolean':
      return to.u8(value ? TAG.true : TAG.false);
    case 'undefined':
      return to.u8(TAG.undefined);
    case 'bigint':
      to.u8(TAG.bigint);
      return to.string(value.toString(16));
    case 'object':
      return value === null ? to.u8(TAG.null) : writeObject(to, value, depth);
    default:
      throw new Unsendable(`a ${typeof value}`);
  }
}

function writeObject(to: FrameWriter, value: object, depth: number): void {
  if (isTensor(value)) return writeTensor(to, value);
  if (depth === MAX_VALUE_DEPTH) throw new Unsendable(`nested deeper than ${MAX_VALUE_DEPTH} levels`);
  if (Array.isArray(value)) {
    to.u8(TAG.array);
    to.u32(value.length);
    for (let i = 0; i < value.length; i++) writeMember(to, i, value[i], depth);
  } else if (ArrayBuffer.isView(value)) {
    writeTyped(to, value);
  } else if (value instanceof Date) {
    to.u8(TAG.date);
    to.f64(value.getTime());
  } else if (isRecord(value)) {
    const keys = Object.keys(value);
    to.u8(TAG.record);
    to.u32(keys.length);
    for (const key of keys) {
      to.string(key);
      writeMember(to, key, (value as Readonly<Record<string, unknown>>)[key], depth);
    }
  } else {
    throw new Unsendable(`an instance of ${value.constructor?.name || 'a class without a name'}`);
  }
}

function writeMember(to: FrameWriter, key: string | number, value: unknown, depth: number): void {
  try {
    write(to, value, depth + 1);
  } catch (error) {
    if (error instanceof Unsendable) error.path.unshift(key);
    throw error;
  }
}

function writeTyped(to: FrameWriter, value: ArrayBufferView): void {
  const type = ARRAY_TYPES.findIndex((Type) => value instanceof Type);
  if (type < 0) throw new Unsendable(`a ${value.constructor.name}`);
  to.u8(TAG.typed);
  to.u8(type);
  to.u32(value.byteLength);
  to.align();
  to.bytes(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
}

function writeTensor(to: FrameWriter, value: Tensor): void {
  const { dtype, shape } = value;
  const number = DTYPES.indexOf(dtype);
  if (number < 0) throw new Unsendable(`a tensor of dtype ${dtype}`);
  if (shape.length > MAX_TENSOR_AXES) throw new Unsendable(`a tensor with more than ${MAX_TENSOR_AXES} axes`);
  const bytes = tensorBytes(value);
  to.u8(TAG.tensor);
  to.u8(number);
  to.u8(shape.length);
  for (const length of shape) to.u32(length);
  to.u32(bytes.byteLength);
  to.align();
  to.bytes(bytes);
}

/** Made by a literal, `Object.create(null)` or `JSON.parse`, of this realm or another. */
function isRecord(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** @throws EKIBEN_FRAME_INVALID */
export function readValue(from: FrameBody, depth = 0): unknown {
  const tag = from.u8();
  switch (tag) {
    case TAG.null:
      return null;
    case TAG.undefined:
      return undefined;
    case TAG.false:
      return false;
    case TAG.true:
      return true;
    case TAG.number:
      return from.f64();
    case TAG.string:
      return from.string();
    case TAG.bigint:
      return readBigint(from.string());
    case TAG.date:
      return new Date(from.f64());
    case TAG.array:
      return readArray(from, depth);
    case TAG.record:
      return readRecord(from, depth);
    case TAG.typed:
      return readTyped(from);
    case TAG.tensor:
      return readTensor(from);
    default:
      throw frameError(`there is no kind of value ${tag}`);
  }
}

function readBigint(hex: string): bigint {
  if (!/^-?[0-9a-f]+$/.test(hex)) throw frameError('a bigint has no hexadecimal digits');
  return hex.startsWith('-') ? -BigInt(`0x${hex.slice(1)}`) : BigInt(`0x${hex}`);
}

function readArray(from: FrameBody, depth: number): unknown[] {
  const count = countOf(from, depth);
  const values: unknown[] = [];
  for (let i = 0; i < count; i++) values.push(readValue(from, depth + 1));
  return values;
}

function readRecord(from: FrameBody, depth: number): Record<string, unknown> {
  const count = countOf(from, depth);
  const record: Record<string, unknown> = {};
  for (let i = 0; i < count; i++) {
    const key = from.string();
    const value = readValue(from, depth + 1);
    if (key !== '__proto__') record[key] = value;
    else Object.defineProperty(record, key, { value, enumerable: true, configurable: true, writable: true });
  }
  return record;
}

/** Each member takes a byte at least, so that a count beyond the frame is seen before anything is made for it. */
function countOf(from: FrameBody, depth: number): number {
  if (depth >= MAX_VALUE_DEPTH) throw frameError(`its values nest deeper than ${MAX_VALUE_DEPTH} levels`);
  const count = from.u32();
  if (count > from.remaining) throw frameError(`it announces ${count} members, which it cannot hold`);
  return count;
}

function readTyped(from: FrameBody): TypedArray {
  const Type = ARRAY_TYPES[from.u8()];
  if (Type === undefined) throw frameError('there is no such type of array');
  const length = from.u32();
  if (length % Type.BYTES_PER_ELEMENT !== 0)
    throw frameError(`${length} bytes are not whole elements of a ${Type.name}`);
  from.align();
  const { buffer, byteOffset } = from.bytes(length);
  return new Type(buffer, byteOffset, length / Type.BYTES_PER_ELEMENT);
}

function readTensor(from: FrameBody): Tensor {
  const dtype = DTYPES[from.u8()];
  if (dtype === undefined) throw frameError('there is no such dtype');
  const axes = from.u8();
  if (axes > MAX_TENSOR_AXES) throw frameError(`a tensor has ${axes} axes, where ${MAX_TENSOR_AXES} are possible`);
  const shape: number[] = [];
  for (let axis = 0; axis < axes; axis++) shape.push(from.u32());
  const byteLength = from.u32();
  from.align();
  return fromWire({ dtype, shape, byteLength }, from.bytes(byteLength));
}
