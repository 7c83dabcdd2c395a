/** Tensors: as nested arrays in JSON, and as NumPy's own files. */
import { EkibenError } from '@ekiben/spec';
import type { DType, Fault, Scalar, Tensor } from '@ekiben/spec';
import { cast, decodeNpy, encodeNpy, fromNested, isTensor, reshape, tensor, toNested } from '@ekiben/tensor';
import type { Nested } from '@ekiben/tensor';
import { readWhole } from './body.ts';
import type { Body, Descriptor } from './descriptor.ts';
import { DTYPE_SCHEMAS } from './dtype-schema.ts';
import { exampleFrom } from './example.ts';
import { refusedInput, refusedOutput } from './faults.ts';
import type { JsonSchema } from './json-schema.ts';
import { parseJson } from './json-text.ts';
import { DEFAULT_MAX_BYTES } from './limits.ts';
import { essenceOf, isJsonType, unsupportedType } from './media-type.ts';
import { naNToNull, nestedText, nullToNaN } from './ndarray-json.ts';

const NPY = 'application/x-npy';
const BINARY = 'application/octet-stream';

export interface NdarrayOptions<D extends DType = DType> {
  /** What the elements are. @default as they come: of JSON, float64, bool or string; of a file, its own */
  readonly dtype?: D | undefined;
  /**
   * Whether a tensor of another dtype is refused. Else it is cast as NumPy's `same_kind` has it (float64 to float32, integers to
   * floats, never floats to integers), and an integer that does not fit is refused. @default false
   */
  readonly enforceDtype?: boolean | undefined;
  /** Lengths per axis; -1 for one that is free. @default any */
  readonly shape?: readonly number[] | undefined;
  /** Whether a tensor of another shape is refused. Else it is reshaped, if it has as many elements. @default false */
  readonly enforceShape?: boolean | undefined;
  /** What `encode` makes, and what a body without `Content-Type` is. @default 'json' */
  readonly format?: 'json' | 'npy' | undefined;
  /** What the documentation fills in: nested arrays. @default made from dtype and shape */
  readonly example?: NdarrayWire<NoInfer<D>> | undefined;
  /** The largest body, in bytes, that is read. @default 16 MiB */
  readonly maxBytes?: number | undefined;
}

/** Nested arrays, as JSON has them: `null` stands for NaN. */
export type NdarrayWire<D extends DType = DType> = Nested<
  D extends 'int64' | 'uint64'
    ? number | bigint
    : D extends 'float16' | 'float32' | 'float64'
      ? number | null
      : Scalar<D>
>;

/**
 * A tensor, sent as nested JSON arrays or as a `.npy` file (`application/x-npy`, `application/octet-stream`), whichever the
 * `Content-Type` says. BentoML's `NumpyNdarray`.
 *
 * JSON has no NaN and no Infinity: NaN is `null` both ways, Infinity is written as `1e999`, which every JSON parser reads as it.
 * Integers of more than 53 bits are written exactly, and refused when they come as JSON, whose parser would round them: send them as
 * `.npy`.
 *
 * @example
 * ndarray({ dtype: 'float32', shape: [-1, 4] }) // the handler gets a Tensor<'float32'> of n rows
 */
export function ndarray<D extends DType = DType>(
  options: NdarrayOptions<D> & { readonly format: 'npy' },
): Descriptor<Uint8Array, Tensor<D>>;
export function ndarray<D extends DType = DType>(options?: NdarrayOptions<D>): Descriptor<NdarrayWire<D>, Tensor<D>>;
export function ndarray(options: NdarrayOptions = {}): Descriptor<unknown, Tensor> {
  const { dtype, format = 'json', maxBytes = DEFAULT_MAX_BYTES } = options;
  const mediaTypes = format === 'json' ? ['application/json', NPY, BINARY] : [NPY, BINARY, 'application/json'];
  const schema = nestedSchema(options);

  const isFloat = dtype === undefined || dtype.startsWith('float');
  const fromJson = (nested: unknown) =>
    asInput(() => {
      const given = fromNested(isFloat ? nullToNaN(nested) : nested, dtype);
      // JSON cannot say how long the rows are that are not there.
      const isEmpty = Array.isArray(nested) && nested.length === 0 && options.shape?.[0] === -1;
      return conform(
        isEmpty
          ? reshape(
              given,
              options.shape.map((length) => Math.max(length, 0)),
            )
          : given,
        options,
      );
    });
  const fromNpy = (bytes: Uint8Array) => asInput(() => conform(decodeNpy(bytes), options));
  const outgoing = (value: Tensor) => asOutput(() => conform(tensor(value.data, value.shape, value.dtype), options));

  const isNpy = (contentType: string | undefined): boolean => {
    const essence = essenceOf(contentType);
    if (essence === undefined) return format === 'npy';
    if (essence === NPY || essence === BINARY) return true;
    if (isJsonType(essence)) return false;
    throw unsupportedType(contentType, mediaTypes);
  };

  return {
    mediaTypes,
    contentType: mediaTypes[0] ?? NPY,
    maxBytes,
    checkType: (contentType) => void isNpy(contentType),
    decode(body: Body, contentType) {
      return readWhole(body, maxBytes, isNpy(contentType) ? fromNpy : (bytes) => fromJson(parseJson(bytes)));
    },
    parse(value) {
      if (value instanceof Uint8Array) return fromNpy(value);
      return isTensor(value) ? asInput(() => conform(value, options)) : fromJson(value);
    },
    encode(value) {
      const checked = outgoing(value);
      return format === 'npy' ? asOutput(() => encodeNpy(checked)) : nestedText(checked);
    },
    toWire(value) {
      const checked = outgoing(value);
      return format === 'npy' ? asOutput(() => encodeNpy(checked)) : naNToNull(toNested(checked));
    },
    jsonSchema: (_side, mediaType = mediaTypes[0] ?? NPY) => (isJsonType(mediaType) ? schema : BINARY_SCHEMA),
    get example() {
      return format === 'json' ? (options.example ?? exampleFrom(schema)) : undefined;
    },
    bentoml: { id: 'bentoml.io.NumpyNdarray', args: bentomlArgs(options) },
  };
}

/** A NumPy dtype of strings has a width. */
const bentomlArgs = ({ dtype, shape, enforceDtype = false, enforceShape = false }: NdarrayOptions) => ({
  dtype: dtype === undefined || dtype === 'string' ? null : dtype,
  shape: shape ?? null,
  enforce_dtype: enforceDtype,
  enforce_shape: enforceShape,
});

const BINARY_SCHEMA: JsonSchema = { type: 'string', format: 'binary' };

/** @throws what the tensor package does, or an EkibenError of this package */
function conform(given: Tensor, { dtype, enforceDtype = false, shape, enforceShape = false }: NdarrayOptions): Tensor {
  if (enforceDtype && dtype !== undefined && given.dtype !== dtype) {
    throw fault(`must be of ${dtype}, not of ${given.dtype}`);
  }
  const typed = dtype === undefined ? given : cast(given, dtype);
  if (shape === undefined || hasShape(typed, shape)) return typed;
  // With several free axes there is no telling what to reshape to.
  const isOpen = enforceShape || shape.filter((length) => length === -1).length > 1;
  if (isOpen) throw fault(`must have the shape [${shape.join(', ')}], not [${typed.shape.join(', ')}]`);
  return reshape(typed, shape);
}

const hasShape = (given: Tensor, shape: readonly number[]): boolean =>
  given.shape.length === shape.length && shape.every((length, axis) => length === -1 || length === given.shape[axis]);

const fault = (message: string) => new EkibenError('EKIBEN_TENSOR_VALUE', message);

const asInput = <T>(run: () => T): T => translated(run, refusedInput);
const asOutput = <T>(run: () => T): T => translated(run, refusedOutput);

/** Runs what the tensor package decides; its errors become those of a body. */
function translated<T>(run: () => T, refuse: (faults: readonly Fault[]) => EkibenError): T {
  try {
    return run();
  } catch (error) {
    if (!EkibenError.is(error) || !/^EKIBEN_(?:TENSOR|NPY)_/.test(error.code)) throw error;
    throw refuse(error.details?.errors ?? [{ pointer: '', message: error.message }]);
  }
}

/** Without a shape the depth is not known: it may be a single element, too. */
function nestedSchema({ dtype, shape }: NdarrayOptions): JsonSchema {
  const element = dtype === undefined ? {} : DTYPE_SCHEMAS[dtype];
  if (shape === undefined) {
    const example = [dtype === undefined ? 1 : exampleFrom(element)];
    const isNested = { description: 'Nested arrays', example };
    return dtype === undefined ? isNested : { ...isNested, anyOf: [{ type: 'array', items: {} }, element] };
  }
  const build = (axis: number): JsonSchema => {
    if (axis === shape.length) return element;
    const length = shape[axis];
    const isFixed = length !== undefined && length >= 0;
    return { type: 'array', items: build(axis + 1), ...(isFixed && { minItems: length, maxItems: length }) };
  };
  return build(0);
}
