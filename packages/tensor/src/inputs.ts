/** What a model takes: the arguments of a call, and what a program declares, held to it. */
import { EkibenError, pointerTo } from '@ekiben/spec';
import type { Dim, DType, ErrorCode, Fault, Floats, Tensor, TensorInfo } from '@ekiben/spec';
import { allocate } from './elements.ts';
import { float16ToNumber } from './float16.ts';
import { DenseTensor, isTensor, sizeOf } from './tensor.ts';

type Named = Readonly<Record<string, unknown>>;

/** What {@link matchInputs} takes for an input of dtype `D`; any tensor where the dtype is not known. */
export type AcceptedTensor<D extends DType> = [DType] extends [D]
  ? Tensor
  : D extends 'float32' | 'float64'
    ? Floats
    : Tensor<D>;

/**
 * The tensors for a model's inputs, in their order. An input of float32 or float64 takes any numbers, rounding them, and int32 and int64
 * take integers of fewer bits; these are converted.
 *
 * @param args - tensors in the order of the inputs, or one record of them by name
 * @param code - of the error that names, by JSON pointer, everything that is wrong
 */
export function matchInputs(inputs: readonly TensorInfo[], args: readonly unknown[], code: ErrorCode): Tensor[] {
  const [first] = args;
  const named = isTensor(first) ? null : (first as Named);
  if (typeof first !== 'object' || first === null || args.length > (named === null ? inputs.length : 1)) {
    const message = `takes one record of tensors by name, or up to ${inputs.length} tensors in order`;
    throw wrong(code, [{ pointer: '', message }]);
  }
  // Every call passes here: nothing is said, nor made to be said, before something is wrong.
  const tensors: Tensor[] = [];
  for (let i = 0; i < inputs.length; i++) {
    const { name, dtype, shape } = inputs[i]!;
    const value = named === null ? args[i] : named[name];
    if (!isTensor(value) || !hasShape(value, shape)) break;
    if (value.dtype === dtype) tensors.push(value);
    else if (isConvertible(value.dtype, dtype)) tensors.push(convert(value, dtype));
    else break;
  }
  if (tensors.length === inputs.length && (named === null || keysOf(named) === inputs.length)) return tensors;
  throw wrong(code, faultsOf(inputs, args, named));
}

function keysOf(record: Named): number {
  let keys = 0;
  for (const _ in record) keys++;
  return keys;
}

function hasShape(tensor: Tensor, shape: readonly Dim[] | null): boolean {
  if (shape === null) return true;
  const given = tensor.shape;
  if (given.length !== shape.length) return false;
  for (let axis = 0; axis < shape.length; axis++) {
    const length = shape[axis];
    if (typeof length === 'number' && length !== given[axis]) return false;
  }
  return true;
}

function faultsOf(inputs: readonly TensorInfo[], args: readonly unknown[], named: Named | null): readonly Fault[] {
  const faults: Fault[] = [];
  for (const [i, info] of inputs.entries()) {
    const message = faultOf(info, named === null ? args[i] : named[info.name]);
    if (message !== null) faults.push({ pointer: pointerTo(info.name), message });
  }
  for (const name in named) {
    if (inputs.some((info) => info.name === name)) continue;
    const message = `is no input of the model, which has ${inputs.map((info) => info.name).join(', ')}`;
    faults.push({ pointer: pointerTo(name), message });
  }
  return faults;
}

function faultOf({ dtype, shape }: TensorInfo, value: unknown): string | null {
  const wanted = `${dtype}${shape === null ? '' : shapeText(shape)}`;
  if (value === undefined) return `is missing: it must be a tensor of ${wanted}`;
  if (!isTensor(value)) return `must be a tensor of ${wanted}, not ${value === null ? 'null' : typeof value}`;
  if (value.dtype !== dtype && !isConvertible(value.dtype, dtype)) {
    return `must be a tensor of ${dtype}, not of ${value.dtype}`;
  }
  return hasShape(value, shape) ? null : `must have the shape ${shapeText(shape ?? [])}, not ${shapeText(value.shape)}`;
}

/**
 * Holds the inputs or outputs of a model to what a program declares of them: dtypes by name.
 *
 * @param kind - `input` or `output`
 * @param code - of the error that says what the model has instead
 */
export function requireValues(
  kind: string,
  found: readonly { readonly name: string; readonly dtype: string | null }[],
  declared: Readonly<Record<string, string>>,
  code: ErrorCode,
): void {
  for (const [name, dtype] of Object.entries(declared)) {
    if (found.some((info) => info.name === name && info.dtype === dtype)) continue;
    const has = found.map((info) => `${info.name} (${info.dtype ?? 'of an unknown dtype'})`).join(', ') || 'none';
    throw new EkibenError(code, `the model has no ${kind} ${name} (${dtype}); it has ${has}`);
  }
}

/**
 * One row of zeros for each input, such as warming up takes; null when lengths other than that of the batch are open, since a call of
 * the shortest would say little of what others cost.
 */
export function exampleInputs(inputs: readonly TensorInfo[]): Readonly<Record<string, Tensor>> | null {
  const example: Record<string, Tensor> = {};
  for (const { name, dtype, shape } of inputs) {
    if (shape === null) return null;
    const lengths = shape.map((length, axis) => (axis === 0 && typeof length !== 'number' ? 1 : length));
    if (!lengths.every((length) => typeof length === 'number')) return null;
    example[name] = new DenseTensor(allocate(dtype, sizeOf(lengths)), lengths, dtype);
  }
  return example;
}

const shapeText = (shape: readonly Dim[]): string => `[${shape.map((length) => length ?? '?').join(', ')}]`;

const WIDENS: { readonly [D in DType]?: ReadonlySet<DType> } = {
  int32: new Set(['int8', 'int16', 'uint8', 'uint16']),
  int64: new Set(['int8', 'int16', 'int32', 'uint8', 'uint16', 'uint32']),
};

function isConvertible(from: DType, to: DType): boolean {
  if (to === 'float32' || to === 'float64') return from !== 'string' && from !== 'bool';
  return WIDENS[to]?.has(from) ?? false;
}

function convert(tensor: Tensor, to: DType): Tensor {
  const { data, dtype, shape } = tensor;
  if (dtype === to) return tensor;
  const numbers = data as ArrayLike<number>;
  if (to === 'int64') return new DenseTensor(BigInt64Array.from(Array.from(numbers, BigInt)), shape, to);
  if (to === 'int32') return new DenseTensor(Int32Array.from(numbers), shape, to);
  if (to === 'float64') return new DenseTensor(Float64Array.from(toNumbers(numbers, dtype)), shape, to);
  return new DenseTensor(Float32Array.from(toNumbers(numbers, dtype)), shape, 'float32');
}

function toNumbers(stored: ArrayLike<number>, dtype: DType): ArrayLike<number> {
  if (dtype === 'float16') return Array.from(stored, float16ToNumber);
  return dtype === 'int64' || dtype === 'uint64' ? Array.from(stored, Number) : stored;
}

function wrong(code: ErrorCode, errors: readonly Fault[]): EkibenError {
  const texts = errors.map(({ pointer, message }) => `input ${pointer === '' ? '' : `${pointer.slice(1)} `}${message}`);
  return new EkibenError(code, texts.join('; '), { details: { errors } });
}
