// The arguments of a call, checked against the model, as a runtime takes them.
import { EkibenError } from '@ekiben/spec';
import type { DType, Fault, Tensor } from '@ekiben/spec';
import { float16ToNumber } from '@ekiben/tensor';
import type { Tensor as OrtTensor } from 'onnxruntime-node';
import type { Dim } from './proto.ts';
import type { Runtime } from './runtime.ts';

/** An input or an output of a model. */
export interface OnnxValueInfo<D extends DType | 'maps' = DType> {
  readonly name: string;
  readonly dtype: D;
  /** A number is fixed, a string names a length that is the same wherever the name stands, null is any; null for all: unknown. */
  readonly shape: readonly Dim[] | null;
}

export type Feeds = Record<string, OrtTensor>;
type Inputs = Readonly<Record<string, Tensor | undefined>>;

/**
 * @param args - tensors in the model's order of inputs, or one record of them by name
 * @throws EKIBEN_ONNX_INPUT naming all that is wrong
 */
export function toFeeds(
  inputs: readonly OnnxValueInfo[],
  args: readonly unknown[],
  OrtTensor: Runtime['Tensor'],
): Feeds {
  const [first] = args;
  const byName = isTensor(first) ? null : (first as Inputs);
  if (typeof first !== 'object' || first === null || args.length > (byName === null ? inputs.length : 1)) {
    throw invalid([{ pointer: '', message: `takes one record of tensors by name, or up to ${inputs.length} tensors` }]);
  }
  const feeds: Feeds = {};
  let faults: Fault[] | null = null;
  for (let i = 0; i < inputs.length; i++) {
    const info = inputs[i] as OnnxValueInfo;
    const value = byName === null ? (args[i] as Tensor | undefined) : byName[info.name];
    const fault = faultOf(info, value);
    if (fault !== null) (faults ??= []).push({ pointer: pointerTo(info.name), message: fault });
    else if (value !== undefined) {
      const data = value.dtype === info.dtype ? value.data : cast(value, info.dtype);
      feeds[info.name] = new OrtTensor(info.dtype, data, value.shape);
    }
  }
  if (byName !== null) {
    for (const name in byName) {
      if (Object.hasOwn(feeds, name) || inputs.some((info) => info.name === name)) continue;
      const message = `is no input of the model: it has ${inputs.map((info) => info.name).join(', ')}`;
      (faults ??= []).push({ pointer: pointerTo(name), message });
    }
  }
  if (faults !== null) throw invalid(faults);
  return feeds;
}

function isTensor(value: unknown): value is Tensor {
  return typeof value === 'object' && value !== null && typeof (value as Tensor).dtype === 'string' && 'data' in value;
}

function faultOf({ name, dtype, shape }: OnnxValueInfo, value: unknown): string | null {
  if (value === undefined) return `is missing: the model takes ${dtype}${shapeText(shape)} as '${name}'`;
  if (!isTensor(value)) return `must be a tensor of ${dtype}${shapeText(shape)}, not ${typeof value}`;
  if (value.dtype !== dtype && !isCastable(value.dtype, dtype)) {
    return `must be a tensor of ${dtype}, not of ${value.dtype}`;
  }
  if (shape === null) return null;
  let fits = value.shape.length === shape.length;
  for (let axis = 0; fits && axis < shape.length; axis++) {
    const length = shape[axis];
    fits = typeof length !== 'number' || length === value.shape[axis];
  }
  return fits ? null : `must have the shape ${shapeText(shape)}, not ${shapeText(value.shape)}`;
}

const shapeText = (shape: readonly Dim[] | null): string =>
  shape === null ? '' : `[${shape.map((length) => length ?? '?').join(', ')}]`;

const SMALL_INTEGERS: ReadonlySet<DType> = new Set(['int8', 'int16', 'int32', 'uint8', 'uint16', 'uint32']);

/** Floats take any number, rounding it, as BentoML's runner does; int64 takes the smaller integers. */
function isCastable(from: DType, to: DType): boolean {
  if (to === 'float32' || to === 'float64') return from !== 'string' && from !== 'bool';
  return to === 'int64' && SMALL_INTEGERS.has(from);
}

function cast({ data, dtype }: Tensor, to: DType): Float32Array | Float64Array | BigInt64Array {
  const numbers = data as ArrayLike<number>;
  if (to === 'int64') return BigInt64Array.from(Array.from(numbers, BigInt));
  const FloatArray = to === 'float32' ? Float32Array : Float64Array;
  if (dtype === 'float16') return FloatArray.from(Array.from(numbers, float16ToNumber));
  if (dtype === 'int64' || dtype === 'uint64') return FloatArray.from(Array.from(numbers, Number));
  return new FloatArray(numbers);
}

const pointerTo = (name: string): string => `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;

function invalid(errors: readonly Fault[]): EkibenError {
  const message = errors.map((fault) => `input ${fault.pointer.slice(1)} ${fault.message}`).join('; ');
  return new EkibenError('EKIBEN_ONNX_INPUT', message, { details: { errors } });
}
