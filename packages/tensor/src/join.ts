/** Joining tensors along an axis, and cutting them apart again: what a batch does to its calls. */
import { EkibenError } from '@ekiben/spec';
import type { DType, Tensor, TensorStorage } from '@ekiben/spec';
import { allocate } from './elements.ts';
import { DenseTensor, product } from './tensor.ts';

/**
 * The tensors one after another along `axis`; their other lengths and their dtypes have to agree. A negative axis counts from the
 * last. One tensor alone is returned as it is.
 *
 * @throws EKIBEN_TENSOR_MISMATCH naming the tensor that does not fit
 */
export function concat<D extends DType>(tensors: readonly Tensor<D>[], axis = 0): Tensor<D> {
  const first = tensors[0];
  if (first === undefined) throw new EkibenError('EKIBEN_TENSOR_MISMATCH', 'there are no tensors to join');
  const along = axisOf(first.shape, axis);
  if (tensors.length === 1) return first;

  let length = 0;
  for (let i = 0; i < tensors.length; i++) {
    checkJoins(first, tensors[i]!, along, i);
    length += tensors[i]!.shape[along]!;
  }
  const shape = first.shape.with(along, length);
  const outer = product(shape.slice(0, along));
  const inner = product(shape.slice(along + 1));
  const data = allocate(first.dtype, product(shape));
  let offset = 0;
  for (const part of tensors) {
    const run = part.shape[along]! * inner;
    for (let i = 0; i < outer; i++) copy(part.data, i * run, run, data, i * length * inner + offset);
    offset += run;
  }
  return new DenseTensor(data, shape, first.dtype);
}

/**
 * Cuts a tensor along `axis` into parts of the given lengths, which have to add up to its length there. Along axis 0 the parts are
 * views of the same memory (arrays of strings are copied), along others copies. A negative axis counts from the last.
 *
 * @throws EKIBEN_TENSOR_MISMATCH
 */
export function split<D extends DType>(tensor: Tensor<D>, sizes: readonly number[], axis = 0): DenseTensor<D>[] {
  const { shape, dtype, data } = tensor;
  const along = axisOf(shape, axis);
  const length = shape[along]!;
  const total = sizes.reduce((sum, size) => sum + size, 0);
  if (total !== length || !sizes.every((size) => Number.isInteger(size) && size >= 0)) {
    const detail = `parts of [${sizes.join(', ')}] cannot be cut from axis ${along} of length ${length}`;
    throw new EkibenError('EKIBEN_TENSOR_MISMATCH', detail);
  }
  const outer = product(shape.slice(0, along));
  const inner = product(shape.slice(along + 1));
  let offset = 0;
  return sizes.map((size) => {
    const run = size * inner;
    const part = shape.with(along, size);
    const from = offset;
    offset += run;
    if (along === 0) return new DenseTensor(view(data, from, from + run), part, dtype);
    const copied = allocate(dtype, product(part));
    for (let i = 0; i < outer; i++) copy(data, i * length * inner + from, run, copied, i * run);
    return new DenseTensor(copied, part, dtype);
  });
}

function axisOf(shape: readonly number[], axis: number): number {
  const along = axis < 0 ? axis + shape.length : axis;
  if (Number.isInteger(along) && along >= 0 && along < shape.length) return along;
  throw new EkibenError('EKIBEN_TENSOR_MISMATCH', `a tensor of shape [${shape.join(', ')}] has no axis ${axis}`);
}

function checkJoins(first: Tensor, other: Tensor, along: number, index: number): void {
  const agrees =
    other.dtype === first.dtype &&
    other.shape.length === first.shape.length &&
    other.shape.every((length, axis) => axis === along || length === first.shape[axis]);
  if (agrees) return;
  const [left, right] = [first, other].map(({ dtype, shape }) => `${dtype}[${shape.join(', ')}]`);
  throw new EkibenError(
    'EKIBEN_TENSOR_MISMATCH',
    `tensor ${index}, ${right}, does not join ${left} along axis ${along}`,
  );
}

function view<D extends DType>(data: TensorStorage[D], from: number, to: number): TensorStorage[D];
function view(data: TensorStorage[DType], from: number, to: number): TensorStorage[DType] {
  return isArray(data) ? data.slice(from, to) : data.subarray(from, to);
}

/** Below this many elements a loop beats the call of `set`. */
const SHORT_RUN = 32;

function copy<D extends DType>(
  source: TensorStorage[D],
  from: number,
  count: number,
  target: TensorStorage[D],
  at: number,
) {
  if (isArray(source) || count < SHORT_RUN) {
    for (let i = 0; i < count; i++) (target as unknown[])[at + i] = source[from + i];
  } else {
    (target as Float64Array).set((source as Float64Array).subarray(from, from + count), at);
  }
}

const isArray = (data: TensorStorage[DType]): data is readonly string[] => Array.isArray(data);
