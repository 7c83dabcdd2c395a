import { EkibenError } from '@ekiben/spec';
import type { Floats } from '@ekiben/spec';

/** Checked input: `count` rows of `width` features, row-major. */
export interface Rows {
  readonly count: number;
  readonly width: number;
  readonly data: Float32Array | Float64Array;
}

/**
 * @param missing - a number that stands for NaN
 * @throws EKIBEN_XGBOOST_INPUT when the tensor is not `[n, width]` of float32 or float64
 */
export function rowsOf(tensor: Floats, width: number, missing: number | undefined): Rows {
  const { dtype, shape, data } = tensor;
  if (dtype !== 'float32' && dtype !== 'float64') throw inputFault(`rows are float32 or float64, not ${String(dtype)}`);
  const [count, columns] = shape;
  if (count === undefined || columns !== width || shape.length !== 2) {
    const hint = shape.length === 1 ? `; one row has the shape [1, ${width}]` : '';
    throw inputFault(`rows have the shape [n, ${width}], one column a feature, not [${shape.join(', ')}]${hint}`);
  }
  return { count, width, data: missing === undefined ? data : withMissing(data, Math.fround(missing)) };
}

function withMissing(data: Float32Array | Float64Array, missing: number): Float32Array {
  return Float32Array.from(data).map((x) => (x === missing ? NaN : x));
}

/** @throws EKIBEN_XGBOOST_INPUT when a value is infinite, or too large for float32 */
export function refuseInfinite(rows: Rows): void {
  const { data, width } = rows;
  for (let i = 0; i < data.length; i++) {
    const x = Math.fround(data[i] ?? NaN);
    if (x === Infinity || x === -Infinity) {
      const place = `row ${Math.floor(i / width)}, column ${i % width}`;
      throw inputFault(`${place}: ${data[i]} is infinite in float32; a missing value is NaN`);
    }
  }
}

function inputFault(message: string): EkibenError {
  return new EkibenError('EKIBEN_XGBOOST_INPUT', message);
}
