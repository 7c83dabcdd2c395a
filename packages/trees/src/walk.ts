// Evaluates a forest: one row at a time four trees in step, many rows a tree at a time four rows in step. A single walk would
// wait for memory at each node; four that do not depend on each other overlap. See forest.ts for the layout.
import type { Forest } from './forest.ts';

/** Rows spread at once: their lanes should stay in the first-level cache while all trees go over them. */
const BLOCK_ROWS = 64;

/** Floats of the lanes of a block, so that rows of many features take blocks of fewer rows. */
const BLOCK_LANES = 2 ** 14;

const LARGEST_FLOAT32 = (2 - 2 ** -23) * 2 ** 127;

export function addMargins(
  forest: Forest,
  rows: Float32Array | Float64Array,
  numRows: number,
  out: Float32Array,
  begin: number,
  end: number,
): void {
  const numFeatures = forest.numFeatures;
  const block = Math.min(numRows, Math.max(1, Math.min(BLOCK_ROWS, Math.floor(BLOCK_LANES / (2 * numFeatures)))));
  for (let row = 0; row < numRows; row += block) {
    const count = Math.min(block, numRows - row);
    const lanes = spread(forest, rows, row, count);
    for (let r = 0; r < count; r++)
      addRow(forest, lanes, r * 2 * numFeatures, out, (row + r) * forest.numOutputs, begin, end);
  }
}

export function leafNodes(
  forest: Forest,
  rows: Float32Array | Float64Array,
  numRows: number,
  begin: number,
  end: number,
): Int32Array {
  const out = new Int32Array(numRows * (end - begin));
  let i = 0;
  for (let row = 0; row < numRows; row++) {
    const lanes = spread(forest, rows, row, 1);
    for (let t = begin; t < end; t++) out[i++] = forest.ids[leaf(forest, lanes, 0, t) >> 2]!;
  }
  return out;
}

/** Spreads rows to lanes x and -x. */
export function spread(forest: Forest, rows: Float32Array | Float64Array, first: number, count: number): Float32Array {
  const start = first * forest.numFeatures;
  const length = count * forest.numFeatures;
  if (forest.lanes.length < 2 * length) forest.lanes = new Float32Array(2 * length);
  const lanes = forest.lanes;
  for (let i = 0; i < length; i++) {
    const x = Math.fround(rows[start + i]!);
    lanes[2 * i] = x;
    // The minimum keeps -Infinity below the threshold that stands for "not missing" (see `below` in flatten.ts).
    lanes[2 * i + 1] = Math.min(-x, LARGEST_FLOAT32);
  }
  return lanes;
}

/** Offset of the leaf that a spread row reaches in a tree. */
export function leaf(forest: Forest, lanes: Float32Array, base: number, tree: number): number {
  const { nodes, floats } = forest;
  let n = forest.roots[tree]!;
  for (let step = forest.depths[tree]!; step > 0; step--) {
    const lane = nodes[n]!;
    const second = lane >= 0 ? lanes[base + lane]! < floats[n + 1]! : testCategory(forest, lanes, base, ~lane);
    n = nodes[n + 2]! + (second ? 4 : 0);
  }
  return n;
}

function addRow(
  forest: Forest,
  lanes: Float32Array,
  base: number,
  out: Float32Array,
  at: number,
  begin: number,
  end: number,
): void {
  for (let t = begin; t < end; t++) {
    const n = leaf(forest, lanes, base, t);
    if (forest.vectorLeaf) {
      const from = forest.nodes[n + 3]!;
      for (let k = 0; k < forest.numOutputs; k++) out[at + k]! += forest.leafVectors[from + k]!;
    } else {
      out[at + forest.outputs[t]!]! += forest.floats[n + 3]!;
    }
  }
}

/** Whether the walk goes to the second child of a node that tests for categories. */
function testCategory(forest: Forest, lanes: Float32Array, base: number, set: number): boolean {
  const { sets, bits } = forest;
  const x = lanes[base + sets[set]!]!;
  if (Number.isNaN(x)) return false;
  const word = Math.floor(x / 32);
  const goesRight = x >= 0 && word < sets[set + 2]! && ((bits[sets[set + 1]! + word]! >>> (x & 31)) & 1) === 1;
  return goesRight === (sets[set + 3]! === 1);
}
