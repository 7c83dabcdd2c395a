/** A tensor in another dtype or shape. */
import { EkibenError } from '@ekiben/spec';
import type { DType, Tensor } from '@ekiben/spec';
import { allocate, isDType, store } from './elements.ts';
import { FaultList, refusal } from './faults.ts';
import { DenseTensor, product } from './tensor.ts';

/** NumPy's kinds, in the order in which one is cast to the next. */
const KINDS = ['bool', 'uint', 'int', 'float'];

const kindOf = (dtype: DType): string => dtype.replace(/\d+$/, '');

/** Whether NumPy's rule `same_kind` lets `from` become `to`: within a kind, or to a later one of bool, uint, int, float. */
export function canCast(from: DType, to: DType): boolean {
  if (from === to) return true;
  const [here, there] = [KINDS.indexOf(kindOf(from)), KINDS.indexOf(kindOf(to))];
  return here >= 0 && there >= here;
}

/**
 * The tensor with its elements as `dtype`, by NumPy's rule `same_kind`; the same tensor when it has that dtype. Floats round. Unlike
 * NumPy, an integer that does not fit is refused, not wrapped.
 *
 * @throws EKIBEN_TENSOR_DTYPE when the rule does not allow it
 * @throws EKIBEN_TENSOR_VALUE naming every element, to a bound, that does not fit
 */
export function cast<D extends DType>(tensor: Tensor, dtype: D): Tensor<D>;
export function cast(tensor: Tensor, dtype: DType): Tensor {
  const { data, dtype: from, shape } = tensor;
  if (from === dtype) return tensor;
  if (!isDType(dtype) || !canCast(from, dtype)) {
    throw new EkibenError('EKIBEN_TENSOR_DTYPE', `${from} is not cast to ${dtype}: it would not be of the same kind`);
  }
  const target = allocate(dtype, data.length);
  const faults = new FaultList();
  for (let i = 0; i < data.length && !faults.full; i++) {
    const element = elementFor(dtype, tensor.item(i));
    if (store(target, i, dtype, element)) continue;
    indexAt(i, shape).forEach((index, axis) => (faults.path[axis] = index));
    faults.add(shape.length, refusal(dtype, element));
  }
  faults.throwIfAny();
  return new DenseTensor(target, shape, dtype);
}

function elementFor(dtype: DType, element: number | bigint | boolean | string): unknown {
  if (typeof element === 'boolean') return Number(element);
  return typeof element === 'bigint' && dtype !== 'int64' && dtype !== 'uint64' ? Number(element) : element;
}

/** The index on each axis of a flat, row-major one. */
function indexAt(flat: number, shape: readonly number[]): number[] {
  const indices: number[] = [];
  for (let axis = shape.length - 1, rest = flat; axis >= 0; axis--) {
    indices[axis] = rest % shape[axis]!;
    rest = Math.floor(rest / shape[axis]!);
  }
  return indices;
}

/**
 * The same elements in another shape, over the same memory. One length may be -1: what is left.
 * @throws EKIBEN_TENSOR_SHAPE when the elements are too many or too few for it
 */
export function reshape<D extends DType>({ data, dtype, shape }: Tensor<D>, to: readonly number[]): DenseTensor<D> {
  const open = to.indexOf(-1);
  const known = product(to.filter((_, axis) => axis !== open));
  const lengths = open < 0 ? to : to.with(open, known === 0 ? 0 : data.length / known);
  const fits = product(lengths) === data.length && lengths.every((length) => Number.isSafeInteger(length));
  if (fits) return new DenseTensor(data, lengths, dtype);
  throw new EkibenError('EKIBEN_TENSOR_SHAPE', `shape [${shape.join(', ')}] does not become [${to.join(', ')}]`);
}
