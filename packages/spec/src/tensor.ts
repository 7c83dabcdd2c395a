/** Element types of a {@link Tensor}, named as NumPy names them. */
export type DType =
  | 'float16'
  | 'float32'
  | 'float64'
  | 'int8'
  | 'int16'
  | 'int32'
  | 'int64'
  | 'uint8'
  | 'uint16'
  | 'uint32'
  | 'uint64'
  | 'bool'
  | 'string';

/** What one element of a tensor of dtype `D` is in JavaScript. */
export type Scalar<D extends DType> = D extends 'int64' | 'uint64'
  ? bigint
  : D extends 'bool'
    ? boolean
    : D extends 'string'
      ? string
      : number;

/**
 * The flat storage of each dtype. `float16` holds the raw IEEE 754 half bits (Node 20 has no Float16Array); `bool` holds 0 and 1.
 */
export interface TensorStorage {
  readonly float16: Uint16Array;
  readonly float32: Float32Array;
  readonly float64: Float64Array;
  readonly int8: Int8Array;
  readonly int16: Int16Array;
  readonly int32: Int32Array;
  readonly int64: BigInt64Array;
  readonly uint8: Uint8Array;
  readonly uint16: Uint16Array;
  readonly uint32: Uint32Array;
  readonly uint64: BigUint64Array;
  readonly bool: Uint8Array;
  readonly string: readonly string[];
}

/** An n-dimensional array: row-major elements and their shape. `@ekiben/tensor` makes them; adapters read `data`. */
export interface Tensor<D extends DType = DType> {
  readonly dtype: D;
  /** Lengths per axis; `[]` is a scalar. */
  readonly shape: readonly number[];
  /** The elements, row-major, `shape` multiplied out in length. Shared, not copied: treat as read-only. */
  readonly data: TensorStorage[D];
  /**
   * The element at a flat, row-major index.
   * @throws EKIBEN_INDEX_OUT_OF_RANGE
   */
  item(index: number): Scalar<D>;
}

/** A length of a shape: fixed, or open and called by a name that stands for one length wherever it stands, or any. */
export type Dim = number | string | null;

/** An input or an output of a model. */
export interface TensorInfo<D extends DType = DType> {
  readonly name: string;
  readonly dtype: D;
  /** Null: nothing is known of it. */
  readonly shape: readonly Dim[] | null;
}

/** What tree models take: rows of float32 or float64. */
export type Floats = Tensor<'float32'> | Tensor<'float64'>;
