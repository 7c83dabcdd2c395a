/** Nested arrays, as JSON has them, to tensors and back. */
import { EkibenError } from '@ekiben/spec';
import type { DType, Scalar, Tensor, TensorStorage } from '@ekiben/spec';
import { allocate, store, toScalar } from './elements.ts';
import { FaultList, refusal } from './faults.ts';
import { MAX_RANK } from './limits.ts';
import { DenseTensor, sizeOf } from './tensor.ts';

/** A scalar, or an array of equally long arrays of … scalars. */
export type Nested<T> = T | readonly Nested<T>[];

/**
 * A tensor of nested arrays. Without a dtype the first element decides: a number makes float64, a bigint int64, a boolean bool, a
 * string string; with no element at all it is float64. With a dtype every element has to fit it: nothing is parsed, cut or wrapped
 * (floats round).
 *
 * @throws EKIBEN_TENSOR_VALUE when an element does not fit or an array is not as long as its neighbours; `details.errors` names each,
 *   to a bound, by JSON pointer
 *
 * @example
 * fromNested([[1, 2, 3], [4, 5, 6]], 'float32').shape; // [2, 3]
 */
export function fromNested<D extends DType>(nested: unknown, dtype: D): DenseTensor<D>;
export function fromNested(nested: unknown, dtype?: DType): DenseTensor;
export function fromNested(nested: unknown, dtype?: DType): DenseTensor {
  const { shape, element } = probe(nested);
  // Before anything is allocated: by its first row alone a small body could ask for terabytes.
  checkRows(nested, shape);
  const type = dtype ?? dtypeOf(element);
  const data = allocate(type, sizeOf(shape));
  fill(data, nested, shape.length, type);
  return new DenseTensor(data, shape, type);
}

/** Nested arrays of what `item` returns: numbers for float16, bigints for int64 and uint64, booleans for bool. */
export function toNested<D extends DType>(tensor: Tensor<D>): Nested<Scalar<D>> {
  const { data, dtype, shape } = tensor;
  let index = 0;
  const build = (axis: number): Nested<Scalar<D>> => {
    if (axis === shape.length) return toScalar(dtype, data[index++]!);
    const row: Nested<Scalar<D>>[] = [];
    for (let i = 0; i < shape[axis]!; i++) row.push(build(axis + 1));
    return row;
  };
  return build(0);
}

/** Shape and first element along the first branch; `fill` holds every other branch to it. */
function probe(nested: unknown): { shape: number[]; element: unknown } {
  const shape: number[] = [];
  let element = nested;
  while (Array.isArray(element)) {
    shape.push(element.length);
    if (shape.length > MAX_RANK) {
      throw new EkibenError('EKIBEN_TENSOR_SHAPE', `arrays nest deeper than ${MAX_RANK} axes`);
    }
    element = element[0];
  }
  return { shape, element };
}

function dtypeOf(element: unknown): DType {
  if (typeof element === 'bigint') return 'int64';
  if (typeof element === 'boolean') return 'bool';
  return typeof element === 'string' ? 'string' : 'float64';
}

/** @throws EKIBEN_TENSOR_VALUE naming every array that is not as long as the first in its place */
function checkRows(nested: unknown, shape: readonly number[]): void {
  const faults = new FaultList();
  const walk = (value: unknown, axis: number): void => {
    if (!Array.isArray(value) || value.length !== shape[axis]) {
      faults.add(axis, refusal(`an array of ${shape[axis]}`, value));
    } else if (axis + 1 < shape.length) {
      for (let i = 0; i < value.length && !faults.full; i++) {
        faults.path[axis] = i;
        walk(value[i], axis + 1);
      }
    }
  };
  if (shape.length > 0) walk(nested, 0);
  faults.throwIfAny();
}

/** @throws EKIBEN_TENSOR_VALUE naming every element that does not fit */
function fill(data: TensorStorage[DType], nested: unknown, rank: number, dtype: DType): void {
  const faults = new FaultList();
  let stored = 0;
  const walk = (value: unknown, axis: number): void => {
    if (axis === rank) {
      if (!store(data, stored++, dtype, value)) faults.add(axis, refusal(dtype, value));
      return;
    }
    const row = value as readonly unknown[];
    for (let i = 0; i < row.length && !faults.full; i++) {
      faults.path[axis] = i;
      walk(row[i], axis + 1);
    }
  };
  walk(nested, 0);
  faults.throwIfAny();
}
