import { EkibenError } from '@ekiben/spec';
import type { DType, Scalar, Tensor, TensorStorage } from '@ekiben/spec';
import { allocate, storageClass, store, toScalar } from './elements.ts';
import { FaultList, refusal } from './faults.ts';
import { MAX_EMPTY_ROWS, MAX_RANK } from './limits.ts';

/**
 * The {@link Tensor} of this package. It keeps the `data` and `shape` it is given, uncopied: treat both as read-only from then on.
 *
 * @throws EKIBEN_TENSOR_DTYPE when `data` is not the storage of `dtype` (see `TensorStorage`)
 * @throws EKIBEN_TENSOR_SHAPE when `shape` is no shape, or multiplied out is not the length of `data`
 * @throws EKIBEN_TENSOR_VALUE when an element of a `bool` is neither 0 nor 1, or one of a `string` no string
 */
export class DenseTensor<D extends DType = DType> implements Tensor<D> {
  readonly dtype: D;
  readonly shape: readonly number[];
  readonly data: TensorStorage[D];

  constructor(data: TensorStorage[D], shape: readonly number[], dtype: D) {
    checkStorage(data, dtype);
    const size = sizeOf(shape);
    if (size !== data.length) throw shapeError(shape, `holds ${size} elements, but the data has ${data.length}`);
    this.dtype = dtype;
    this.shape = shape;
    this.data = data;
  }

  item(index: number): Scalar<D> {
    const stored = this.data[index];
    if (stored === undefined) {
      const detail = `no element ${index} in a tensor of ${this.data.length} elements`;
      throw new EkibenError('EKIBEN_INDEX_OUT_OF_RANGE', detail);
    }
    return toScalar(this.dtype, stored);
  }
}

/**
 * A tensor of `data`: either the storage of `dtype` (`Float32Array` for float32, raw half bits in a `Uint16Array` for float16 …),
 * which is kept and not copied, or a flat array of elements as `item` returns them, which is converted.
 *
 * @throws EKIBEN_TENSOR_VALUE naming every element (to a bound) that `dtype` cannot hold, and what {@link DenseTensor} throws
 *
 * @example
 * tensor(new Float32Array([1, 2, 3, 4, 5, 6]), [2, 3], 'float32');
 * tensor([1n, 2n], [2], 'int64');
 */
export function tensor<D extends DType>(
  data: TensorStorage[D] | readonly Scalar<D>[],
  shape: readonly number[],
  dtype: D,
): DenseTensor<D> {
  const storage = Array.isArray(data) && dtype !== 'string' ? convert(data, dtype) : (data as TensorStorage[D]);
  return new DenseTensor(storage, shape, dtype);
}

/** By shape, not by class: {@link Tensor} is an interface, and another copy of this package makes tensors too. */
export function isTensor(value: unknown): value is Tensor {
  const candidate = value as Partial<Tensor> | null;
  return (
    typeof candidate === 'object' &&
    candidate !== null &&
    typeof candidate.dtype === 'string' &&
    typeof candidate.item === 'function' &&
    Array.isArray(candidate.shape)
  );
}

/** How many elements a shape holds. @throws EKIBEN_TENSOR_SHAPE */
export function sizeOf(shape: readonly number[]): number {
  if (shape.length > MAX_RANK) {
    throw new EkibenError('EKIBEN_TENSOR_SHAPE', `a tensor has at most ${MAX_RANK} axes, not ${shape.length}`);
  }
  let size = 1;
  for (let axis = 0; axis < shape.length; axis++) {
    const length = shape[axis]!;
    if (!Number.isSafeInteger(length) || length < 0) {
      throw new EkibenError('EKIBEN_TENSOR_SHAPE', `axis ${axis} has length ${length}, which is no whole number >= 0`);
    }
    if (length === 0 && size > MAX_EMPTY_ROWS) {
      throw shapeError(shape, `has more than ${MAX_EMPTY_ROWS} rows of nothing`);
    }
    size *= length;
  }
  return size;
}

const shapeError = (shape: readonly number[], fault: string) =>
  new EkibenError('EKIBEN_TENSOR_SHAPE', `shape [${shape.join(', ')}] ${fault}`);

/** Of lengths that are part of a checked shape. */
export const product = (lengths: readonly number[]): number => lengths.reduce((size, length) => size * length, 1);

function checkStorage(data: unknown, dtype: DType): void {
  if (dtype === 'string') {
    if (!Array.isArray(data)) throw wrongStorage(dtype, 'an array of strings');
    refuseElement(
      data.findIndex((element) => typeof element !== 'string'),
      'no string',
    );
    return;
  }
  const expected = storageClass(dtype);
  if (!(data instanceof expected)) throw wrongStorage(dtype, expected.name);
  if (dtype === 'bool')
    refuseElement(
      (data as Uint8Array).findIndex((byte) => byte > 1),
      'neither 0 nor 1',
    );
}

function refuseElement(index: number, fault: string): void {
  if (index >= 0) throw new EkibenError('EKIBEN_TENSOR_VALUE', `element ${index} is ${fault}`);
}

function wrongStorage(dtype: DType, expected: string): EkibenError {
  return new EkibenError('EKIBEN_TENSOR_DTYPE', `the data of a ${dtype} tensor is ${expected}`);
}

function convert<D extends DType>(values: readonly unknown[], dtype: D): TensorStorage[D] {
  const data = allocate(dtype, values.length);
  const faults = new FaultList();
  for (let i = 0; i < values.length && !faults.full; i++) {
    faults.path[0] = i;
    if (!store(data, i, dtype, values[i])) faults.add(1, refusal(dtype, values[i]));
  }
  faults.throwIfAny();
  return data;
}
