/** Nested arrays, as JSON has them, to tensors and back. */
import { EkibenError } from '@ekiben/spec';
import type { DType, Fault, Scalar, Tensor, TensorStorage } from '@ekiben/spec';
import { allocate, refusal, store, toScalar, unfit } from './elements.ts';
import { MAX_FAULTS, MAX_RANK } from './limits.ts';
import { DenseTensor, product, sizeOf } from './tensor.ts';

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
export function fromNested<D extends DType>(nested: Nested<Scalar<D>>, dtype: D): DenseTensor<D>;
export function fromNested(nested: unknown, dtype?: DType): DenseTensor;
export function fromNested(nested: unknown, dtype?: DType): DenseTensor {
  const { shape, element } = probe(nested);
  const type = dtype ?? dtypeOf(element);
  const storage = allocate(type, sizeOf(shape));
  const faults = fill(nested, shape, type, storage);
  if (faults.length > 0) throw unfit(faults);
  return new DenseTensor(storage, shape, type);
}

/** Nested arrays of what `item` returns: numbers for float16, bigints for int64 and uint64, booleans for bool. */
export function toNested<D extends DType>(tensor: Tensor<D>): Nested<Scalar<D>> {
  let index = 0;
  const build = (axis: number): Nested<Scalar<D>> => {
    if (axis === tensor.shape.length) return toScalar(tensor.dtype, tensor.data[index++]!);
    return Array.from({ length: tensor.shape[axis]! }, () => build(axis + 1));
  };
  return build(0);
}

/** Shape and first element along the first branch; `fill` holds every other branch to it. */
function probe(nested: unknown): { shape: number[]; element: unknown } {
  const shape: number[] = [];
  let element = nested;
  while (Array.isArray(element)) {
    shape.push(element.length);
    if (shape.length > MAX_RANK)
      throw new EkibenError('EKIBEN_TENSOR_SHAPE', `arrays nest deeper than ${MAX_RANK} axes`);
    element = element[0];
  }
  return { shape, element };
}

function dtypeOf(element: unknown): DType {
  if (typeof element === 'bigint') return 'int64';
  if (typeof element === 'boolean') return 'bool';
  return typeof element === 'string' ? 'string' : 'float64';
}

/** Stores the elements; returns what does not fit. */
function fill(nested: unknown, shape: readonly number[], dtype: DType, storage: TensorStorage[DType]): Fault[] {
  const faults: Fault[] = [];
  const path: number[] = [];
  const report = (message: string) => faults.push({ pointer: path.map((index) => `/${index}`).join(''), message });
  let stored = 0;
  const walk = (value: unknown, axis: number): void => {
    if (axis === shape.length) {
      if (!store(storage, stored++, dtype, value)) report(refusal(dtype, value));
      return;
    }
    if (!Array.isArray(value) || value.length !== shape[axis]) {
      const got = Array.isArray(value) ? `one of ${value.length}` : 'none';
      report(`expected an array of ${shape[axis]}, got ${got}`);
      stored += product(shape.slice(axis));
      return;
    }
    for (let i = 0; i < value.length && faults.length < MAX_FAULTS; i++) {
      path[axis] = i;
      walk(value[i], axis + 1);
    }
    path.length = axis;
  };
  walk(nested, 0);
  return faults;
}
