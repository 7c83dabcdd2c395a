// The linear booster (src/gbm/gblinear.cc), in float32 as there. A missing value adds nothing.
import type { Rows } from './rows.ts';

const f32 = Math.fround;

export interface LinearBooster {
  readonly name: 'gblinear';
  /** `[numFeatures + 1, numOutputs]`, the last row being the bias. */
  readonly weights: Float32Array;
}

/** `[rows, numOutputs]` */
export function linearMargins(booster: LinearBooster, rows: Rows, baseMargins: Float32Array): Float32Array {
  const parts = linearContributions(booster, rows, baseMargins);
  const numOutputs = baseMargins.length;
  const columns = rows.width + 1;
  // The sum starts from the bias, which stands last.
  return Float32Array.from({ length: rows.count * numOutputs }, (_, i) => {
    const bias = parts[i * columns + rows.width] ?? 0;
    return parts.subarray(i * columns, i * columns + rows.width).reduce((sum, part) => f32(sum + part), bias);
  });
}

/** What each feature adds: `[rows, numOutputs, numFeatures + 1]`, the bias last. */
export function linearContributions(booster: LinearBooster, rows: Rows, baseMargins: Float32Array): Float32Array {
  const numOutputs = baseMargins.length;
  const baseMargin = baseMargins[0] ?? 0; // XGBoost takes the first for all outputs
  const columns = rows.width + 1;
  const parts = new Float32Array(rows.count * numOutputs * columns);
  const weight = (feature: number, output: number): number => booster.weights[feature * numOutputs + output] ?? 0;
  for (let row = 0; row < rows.count; row++) {
    for (let output = 0; output < numOutputs; output++) {
      const at = (row * numOutputs + output) * columns;
      for (let feature = 0; feature < rows.width; feature++) {
        const x = f32(rows.data[row * rows.width + feature] ?? NaN);
        parts[at + feature] = Number.isNaN(x) ? 0 : x * weight(feature, output);
      }
      parts[at + rows.width] = weight(rows.width, output) + baseMargin;
    }
  }
  return parts;
}
