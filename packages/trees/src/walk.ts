// Evaluates a forest of the layout that flatten.ts draws. A walk down a tree waits for memory at every node, so four go in step:
// for one row four trees, for many rows four rows down one tree after the other, whose nodes stay in the cache meanwhile.
import { ANY_VALUE, STRIDE } from './flatten.ts';
import type { FlatForest } from './flatten.ts';

/** Rows that are spread and taken through all trees together. */
const BLOCK_ROWS = 64;

/** Lanes of a block: 64 KiB, so that wide rows come in smaller blocks which still fit the caches. */
const BLOCK_LANES = 2 ** 14;

const f32 = Math.fround;

export function addMargins(
  forest: FlatForest,
  rows: Float32Array | Float64Array,
  numRows: number,
  out: Float32Array,
  begin: number,
  end: number,
): void {
  const width = 2 * forest.numFeatures;
  const blockRows = Math.max(1, Math.min(BLOCK_ROWS, Math.floor(BLOCK_LANES / width)));
  const plain = !forest.vectorLeaf && forest.sets.length === 0;
  for (let row = 0; row < numRows; row += blockRows) {
    const count = Math.min(blockRows, numRows - row);
    const lanes = spread(forest, rows, row, count);
    if (plain && count >= 4) {
      addBlock(forest, lanes, count, out, row * forest.numOutputs, begin, end);
    } else {
      const add = plain ? addRow : addRowOfAnyKind;
      for (let r = 0; r < count; r++) add(forest, lanes, r * width, out, (row + r) * forest.numOutputs, begin, end);
    }
  }
}

export function leafNodes(
  forest: FlatForest,
  rows: Float32Array | Float64Array,
  numRows: number,
  begin: number,
  end: number,
): Int32Array {
  const out = new Int32Array(numRows * (end - begin));
  let i = 0;
  for (let row = 0; row < numRows; row++) {
    const lanes = spread(forest, rows, row, 1);
    for (let t = begin; t < end; t++) out[i++] = forest.ids[leafOfAnyKind(forest, lanes, 0, t) >> 2]!;
  }
  return out;
}

/** Spreads rows to their lanes, x and -x for each feature. */
export function spread(
  forest: FlatForest,
  rows: Float32Array | Float64Array,
  first: number,
  count: number,
): Float32Array {
  const length = count * forest.numFeatures;
  if (forest.lanes.length < 2 * length) forest.lanes = new Float32Array(2 * length);
  const lanes = forest.lanes;
  const start = first * forest.numFeatures;
  for (let i = 0; i < length; i++) {
    const x = f32(rows[start + i]!);
    lanes[2 * i] = x;
    lanes[2 * i + 1] = -x;
  }
  return lanes;
}

/** A step from a node that compares. The outcome is a number and no branch, which half the time would be mispredicted. */
function compare(nodes: Int32Array, floats: Float32Array, lanes: Float32Array, base: number, n: number): number {
  return (nodes[n + 2]! + (+(lanes[base + nodes[n]!]! < floats[n + 1]!) << 2)) | 0;
}

function leaf(
  nodes: Int32Array,
  floats: Float32Array,
  lanes: Float32Array,
  base: number,
  root: number,
  depth: number,
): number {
  let n = root;
  for (let step = depth; step > 0; step--) n = compare(nodes, floats, lanes, base, n);
  return n;
}

/** Adds the trees to the outputs of one row; four trees in step, as far as the deepest of them goes. */
function addRow(
  forest: FlatForest,
  lanes: Float32Array,
  base: number,
  out: Float32Array,
  at: number,
  begin: number,
  end: number,
): void {
  const { nodes, floats, roots, depths, outputs } = forest;
  const isSingle = forest.numOutputs === 1;
  let sum = out[at]!;
  let t = begin;
  for (; t + 4 <= end; t += 4) {
    let a = roots[t]!;
    let b = roots[t + 1]!;
    let c = roots[t + 2]!;
    let d = roots[t + 3]!;
    const depth = Math.max(depths[t]!, depths[t + 1]!, depths[t + 2]!, depths[t + 3]!);
    for (let step = depth; step > 0; step--) {
      a = compare(nodes, floats, lanes, base, a);
      b = compare(nodes, floats, lanes, base, b);
      c = compare(nodes, floats, lanes, base, c);
      d = compare(nodes, floats, lanes, base, d);
    }
    if (isSingle) {
      sum = f32(f32(f32(f32(sum + floats[a + 3]!) + floats[b + 3]!) + floats[c + 3]!) + floats[d + 3]!);
    } else {
      out[at + outputs[t]!]! += floats[a + 3]!;
      out[at + outputs[t + 1]!]! += floats[b + 3]!;
      out[at + outputs[t + 2]!]! += floats[c + 3]!;
      out[at + outputs[t + 3]!]! += floats[d + 3]!;
    }
  }
  if (isSingle) out[at] = sum;
  for (; t < end; t++) {
    out[at + outputs[t]!]! += floats[leaf(nodes, floats, lanes, base, roots[t]!, depths[t]!) + 3]!;
  }
}

/** Adds the trees to the outputs of a block of rows; four rows in step. */
function addBlock(
  forest: FlatForest,
  lanes: Float32Array,
  count: number,
  out: Float32Array,
  start: number,
  begin: number,
  end: number,
): void {
  const { nodes, floats, roots, depths, outputs, numOutputs } = forest;
  const width = 2 * forest.numFeatures;
  for (let t = begin; t < end; t++) {
    const root = roots[t]!;
    const depth = depths[t]!;
    let at = start + outputs[t]!;
    let base = 0;
    let row = 0;
    for (; row + 4 <= count; row += 4) {
      let a = root;
      let b = root;
      let c = root;
      let d = root;
      for (let step = depth; step > 0; step--) {
        a = compare(nodes, floats, lanes, base, a);
        b = compare(nodes, floats, lanes, base + width, b);
        c = compare(nodes, floats, lanes, base + 2 * width, c);
        d = compare(nodes, floats, lanes, base + 3 * width, d);
      }
      out[at]! += floats[a + 3]!;
      out[at + numOutputs]! += floats[b + 3]!;
      out[at + 2 * numOutputs]! += floats[c + 3]!;
      out[at + 3 * numOutputs]! += floats[d + 3]!;
      at += 4 * numOutputs;
      base += 4 * width;
    }
    for (; row < count; row++) {
      out[at]! += floats[leaf(nodes, floats, lanes, base, root, depth) + 3]!;
      at += numOutputs;
      base += width;
    }
  }
}

/** As `addRow`, where leaves are vectors or nodes test for categories. */
function addRowOfAnyKind(
  forest: FlatForest,
  lanes: Float32Array,
  base: number,
  out: Float32Array,
  at: number,
  begin: number,
  end: number,
): void {
  for (let t = begin; t < end; t++) {
    const n = leafOfAnyKind(forest, lanes, base, t);
    if (forest.vectorLeaf) {
      const from = forest.nodes[n + 3]!;
      for (let k = 0; k < forest.numOutputs; k++) out[at + k]! += forest.leafVectors[from + k]!;
    } else {
      out[at + forest.outputs[t]!]! += forest.floats[n + 3]!;
    }
  }
}

function leafOfAnyKind(forest: FlatForest, lanes: Float32Array, base: number, tree: number): number {
  let n = forest.roots[tree]!;
  for (let step = forest.depths[tree]!; step > 0; step--) n = next(forest, lanes, base, n);
  return n;
}

/** A step from a node of any kind. */
export function next(forest: FlatForest, lanes: Float32Array, base: number, n: number): number {
  const { nodes, floats } = forest;
  const lane = nodes[n]!;
  if (lane >= 0) return compare(nodes, floats, lanes, base, n);
  return nodes[n + 2]! + (goesSecond(forest, lanes, base, ~lane) ? STRIDE : 0);
}

/** Whether a walk goes to the second child of a node that does not compare. */
function goesSecond(forest: FlatForest, lanes: Float32Array, base: number, set: number): boolean {
  const { sets, bits } = forest;
  const x = lanes[base + sets[set]!]!;
  if (Number.isNaN(x)) return false;
  const length = sets[set + 2]!;
  if (length === ANY_VALUE) return true;
  const word = Math.floor(x / 32);
  const isKnown = x >= 0 && word < length;
  if (!isKnown && forest.unknownIsMissing) return false;
  const goesRight = isKnown && ((bits[sets[set + 1]! + word]! >>> (x & 31)) & 1) === 1;
  return goesRight === (sets[set + 3]! === 1);
}
