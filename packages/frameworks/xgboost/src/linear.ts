// The linear booster (src/gbm/gblinear.cc), in float32 as there. A missing value adds nothing.

const f32 = Math.fround;

/** `weights` is `[numFeatures + 1, numOutputs]`, the bias last. */
export function linearMargins(
  weights: Float32Array,
  rows: Float32Array | Float64Array,
  numFeatures: number,
  numOutputs: number,
  baseMargins: Float32Array,
): Float32Array {
  const numRows = rows.length / numFeatures;
  const margins = new Float32Array(numRows * numOutputs);
  for (let row = 0; row < numRows; row++) {
    for (let k = 0; k < numOutputs; k++) {
      let sum = f32(weights[numFeatures * numOutputs + k]! + baseMargins[0]!);
      for (let i = 0; i < numFeatures; i++) {
        const x = f32(rows[row * numFeatures + i]!);
        if (!Number.isNaN(x)) sum = f32(sum + f32(x * weights[i * numOutputs + k]!));
      }
      margins[row * numOutputs + k] = sum;
    }
  }
  return margins;
}

/** `[rows, numOutputs, numFeatures + 1]`, the bias last. */
export function linearContributions(
  weights: Float32Array,
  rows: Float32Array | Float64Array,
  numFeatures: number,
  numOutputs: number,
  baseMargins: Float32Array,
): Float32Array {
  const numRows = rows.length / numFeatures;
  const contributions = new Float32Array(numRows * numOutputs * (numFeatures + 1));
  let at = 0;
  for (let row = 0; row < numRows; row++) {
    for (let k = 0; k < numOutputs; k++) {
      for (let i = 0; i < numFeatures; i++) {
        const x = f32(rows[row * numFeatures + i]!);
        contributions[at++] = Number.isNaN(x) ? 0 : x * weights[i * numOutputs + k]!;
      }
      contributions[at++] = weights[numFeatures * numOutputs + k]! + baseMargins[0]!;
    }
  }
  return contributions;
}
