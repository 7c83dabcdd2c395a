/** What each dtype's elements are: their width, their storage, and how JavaScript values get in and out. */
import { EkibenError } from '@ekiben/spec';
import type { DType, Scalar, TensorStorage } from '@ekiben/spec';
import { float16ToNumber, numberToFloat16 } from './float16.ts';

export type NumericDType = Exclude<DType, 'string'>;
export type TypedArray = TensorStorage[NumericDType];

type TypedArrayConstructor = {
  readonly BYTES_PER_ELEMENT: number;
  new (length: number): TypedArray;
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): TypedArray;
};

const storageClasses: ReadonlyMap<unknown, TypedArrayConstructor> = new Map<NumericDType, TypedArrayConstructor>([
  ['float16', Uint16Array],
  ['float32', Float32Array],
  ['float64', Float64Array],
  ['int8', Int8Array],
  ['int16', Int16Array],
  ['int32', Int32Array],
  ['int64', BigInt64Array],
  ['uint8', Uint8Array],
  ['uint16', Uint16Array],
  ['uint32', Uint32Array],
  ['uint64', BigUint64Array],
  ['bool', Uint8Array],
]);

export const isDType = (name: unknown): name is DType => name === 'string' || storageClasses.has(name);

/** The typed array of a dtype; `string` has none, it is kept in an array. @throws EKIBEN_TENSOR_DTYPE when there is no such dtype */
export function storageClass(dtype: NumericDType): TypedArrayConstructor {
  const found = storageClasses.get(dtype);
  if (found !== undefined) return found;
  const known = [...storageClasses.keys(), 'string'].join(', ');
  throw new EkibenError('EKIBEN_TENSOR_DTYPE', `there is no dtype ${String(dtype).slice(0, 50)}, only ${known}`);
}

export function allocate<D extends DType>(dtype: D, length: number): TensorStorage[D];
export function allocate(dtype: DType, length: number): TensorStorage[DType] {
  return dtype === 'string' ? Array.from<string>({ length }).fill('') : new (storageClass(dtype))(length);
}

/** An element as stored, such as half bits, as the value that `item` gives. */
export function toScalar<D extends DType>(dtype: D, stored: number | bigint | string): Scalar<D>;
export function toScalar(dtype: DType, stored: number | bigint | string): Scalar<DType> {
  if (dtype === 'bool') return stored !== 0;
  if (dtype === 'float16') return float16ToNumber(stored as number);
  return stored;
}

type Range = readonly [low: number, high: number];

const integerRange: { readonly [D in 'int8' | 'int16' | 'int32' | 'uint8' | 'uint16' | 'uint32']: Range } = {
  int8: [-(2 ** 7), 2 ** 7 - 1],
  int16: [-(2 ** 15), 2 ** 15 - 1],
  int32: [-(2 ** 31), 2 ** 31 - 1],
  uint8: [0, 2 ** 8 - 1],
  uint16: [0, 2 ** 16 - 1],
  uint32: [0, 2 ** 32 - 1],
};

const isWithin = (value: unknown, [low, high]: Range): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= low && value <= high;

const wrap64 = (dtype: 'int64' | 'uint64', value: bigint): bigint =>
  dtype === 'int64' ? BigInt.asIntN(64, value) : BigInt.asUintN(64, value);

/**
 * A JavaScript value as an element is stored, or `undefined` when the dtype cannot hold it: nothing is wrapped, cut or parsed.
 * Floats round, as floats do; int64 and uint64 take safe integers besides bigints.
 */
function toStored(dtype: DType, value: unknown): number | bigint | string | undefined {
  switch (dtype) {
    case 'float32':
    case 'float64':
      return typeof value === 'number' ? value : undefined;
    case 'float16':
      return typeof value === 'number' ? numberToFloat16(value) : undefined;
    case 'bool':
      return typeof value === 'boolean' ? Number(value) : undefined;
    case 'string':
      return typeof value === 'string' ? value : undefined;
    case 'int64':
    case 'uint64': {
      const integer = Number.isSafeInteger(value) ? BigInt(value as number) : value;
      return typeof integer === 'bigint' && wrap64(dtype, integer) === integer ? integer : undefined;
    }
    default:
      return isWithin(value, integerRange[dtype]) ? value : undefined;
  }
}

/** Puts a JavaScript value into the storage of `dtype`; false when it does not fit. */
export function store(storage: TensorStorage[DType], index: number, dtype: DType, value: unknown): boolean {
  const stored = toStored(dtype, value);
  if (stored === undefined) return false;
  (storage as { [index: number]: number | bigint | string })[index] = stored;
  return true;
}
