// What a batch of n rows costs: time = fixed + perRow · n, fitted online by least squares over the recent batches.

/** Batches left out of the fit: the first ones pay for JIT compilation, lazy loading and cold caches. */
const WARM_UP_BATCHES = 2;
/** Weight of a batch relative to the next one: the fit remembers about 1 / (1 - 0.95) = 20 batches of each size. */
const MEMORY = 0.95;
/** The same for the mean deviation, which has to follow faster than what it guards. */
const DEVIATION_MEMORY = 0.9;
/** Batches before an outlier can be told from the rest. */
const BATCHES_TO_JUDGE = 5;
/** A batch is believed to be slower than predicted by at most this many mean deviations… */
const TOLERANCE = 3;
/** …and a mean deviation is at least this share of the prediction, or a steady model could never be seen to change. */
const MIN_DEVIATION = 0.05;
/** Faster is not measured but an artefact of the clock. */
const MIN_MS = 1e-6;
/** How many batches of the first size the initial guess, "rows are free", counts as. */
const PRIOR = 0.01;

/** A fitted line; times in milliseconds. */
export interface Cost {
  /** What a batch costs before its first row. */
  readonly fixed: number;
  readonly perRow: number;
  /** Standard error of `fixed`. */
  readonly doubt: number;
  /** Mean deviation of a batch from the line, as a share of its time. */
  readonly spread: number;
}

/** The cost before anything was measured: nobody is refused, and nothing waits, on ignorance. */
export const unknownCost: Cost = { fixed: 0, perRow: 0, doubt: Infinity, spread: 0 };

export function predict(cost: Cost, rows: number): number {
  return cost.fixed + cost.perRow * rows;
}

/**
 * Learns the cost of batches from those that ran.
 *
 * - Errors are relative: a batch of 10 ms that is 1 ms off counts as much as one of 100 ms that is 10 ms off.
 * - Disturbances (garbage collection, a busy neighbour) only ever make a batch slower, so a time above the prediction is clipped and
 *   one below is believed. A lasting change comes through, since clipped times still widen the tolerance.
 * - Forgetting is directional: a batch replaces what was known about batches of its size, not what larger or smaller ones taught.
 *   Otherwise an hour of single calls would leave nobody knowing what a full batch costs.
 * - While all batches had one size, rows are taken to be free. The optimistic guess leads to larger batches, which then teach better.
 */
export class CostModel {
  #cost = unknownCost;
  #seen = 0;
  /** Rows of the first batch; rows are counted in it, so that the sums below are of one magnitude. */
  #unit = 1;
  #deviation = 0;
  // Normal equations of the two unknowns: the weights of what was learnt, [[a, b], [b, c]], and the solution.
  #a = 0;
  #b = 0;
  #c = 0;
  #fixed = 0;
  #perUnit = 0;

  get cost(): Cost {
    return this.#cost;
  }

  /** Adds a batch of `rows` that took `ms`. */
  observe(rows: number, ms: number): void {
    this.#seen++;
    if (this.#seen <= WARM_UP_BATCHES || ms < MIN_MS) return;
    const scale = predict(this.#cost, rows) || this.#begin(rows, ms);
    const time = this.#clip(ms / scale);
    const x = 1 / scale;
    const y = rows / this.#unit / scale;
    this.#forget(x, y);
    this.#a += x * x;
    this.#b += x * y;
    this.#c += y * y;
    const error = time - (this.#fixed * x + this.#perUnit * y);
    const determinant = this.#a * this.#c - this.#b ** 2;
    this.#fixed += ((this.#c * x - this.#b * y) * error) / determinant;
    this.#perUnit += ((this.#a * y - this.#b * x) * error) / determinant;
    this.#cost = this.#line(determinant);
    this.#rescale(scale / predict(this.#cost, rows));
  }

  #begin(rows: number, ms: number): number {
    this.#unit = Math.max(1, rows);
    this.#c = PRIOR / ms ** 2;
    return ms;
  }

  #clip(time: number): number {
    const deviation = Math.max(this.#deviation, MIN_DEVIATION);
    const judged = this.#seen > WARM_UP_BATCHES + BATCHES_TO_JUDGE;
    const clipped = judged ? Math.min(time, 1 + TOLERANCE * deviation) : time;
    this.#deviation = DEVIATION_MEMORY * deviation + (1 - DEVIATION_MEMORY) * Math.abs(clipped - 1);
    return clipped;
  }

  /** Takes away a part of what is known in the direction (x, y), and only there. */
  #forget(x: number, y: number): void {
    const u = this.#a * x + this.#b * y;
    const v = this.#b * x + this.#c * y;
    const known = u * x + v * y;
    if (known <= 0) return;
    const part = (1 - MEMORY) / known;
    this.#a -= part * u * u;
    this.#b -= part * u * v;
    this.#c -= part * v * v;
  }

  /** When the prediction moves, weights move along, or batches from faster times would outweigh those of today. */
  #rescale(ratio: number): void {
    this.#a *= ratio * ratio;
    this.#b *= ratio * ratio;
    this.#c *= ratio * ratio;
  }

  /** The solution, or the best one that has neither a negative fixed part nor rows of negative cost. */
  #line(determinant: number): Cost {
    const spread = Math.max(this.#deviation, MIN_DEVIATION);
    const doubt = spread * Math.sqrt(this.#c / determinant);
    let fixed = this.#fixed;
    let perUnit = this.#perUnit;
    if (perUnit < 0) [fixed, perUnit] = [fixed + (this.#b / this.#a) * perUnit, 0];
    else if (fixed < 0) [fixed, perUnit] = [0, perUnit + (this.#b / this.#c) * fixed];
    return { fixed: Math.max(0, fixed), perRow: Math.max(0, perUnit) / this.#unit, doubt, spread };
  }
}
