// What a batch of n rows costs: time = fixed + perRow · n, fitted online by least squares over the recent batches.

/** Batches left out of the fit: the first ones pay for JIT compilation, lazy loading and cold caches. */
const WARM_UP_BATCHES = 2;
/** Weight of a batch relative to the next one: the fit remembers about 1 / (1 - 0.98) = 50 batches. */
const MEMORY = 0.98;
/** Samples before outliers can be told from the rest. */
const SAMPLES_TO_JUDGE = 5;
/** A batch is believed to be slower than predicted by at most this many mean deviations… */
const TOLERANCE = 3;
/** …and a deviation is at least this share of the prediction, or a steady model could never be seen to change. */
const MIN_DEVIATION = 0.05;

/** A fitted line; times in milliseconds. */
export interface Cost {
  /** What a batch costs before its first row. */
  readonly fixed: number;
  readonly perRow: number;
}

/** The cost before anything was measured: nothing is refused and nothing waits on ignorance. */
export const unknownCost: Cost = { fixed: 0, perRow: 0 };

export function predict(cost: Cost, rows: number): number {
  return cost.fixed + cost.perRow * rows;
}

/**
 * Learns the cost of batches from those that ran.
 *
 * A disturbance (garbage collection, a busy neighbour) only ever makes a batch slower, so a sample above the prediction is clipped
 * and one below it is believed. A lasting change comes through, since clipped samples still widen the tolerance. While all batches
 * had one size the slope is unknown and taken as 0: the optimistic guess leads to larger batches, which then show the slope.
 */
export class CostModel {
  #cost = unknownCost;
  #seen = 0;
  #weight = 0;
  #meanRows = 0;
  #meanTime = 0;
  #varianceRows = 0;
  #covariance = 0;
  #deviation = 0;

  get cost(): Cost {
    return this.#cost;
  }

  /** Adds a batch of `rows` that took `ms`. */
  observe(rows: number, ms: number): void {
    this.#seen++;
    if (this.#seen <= WARM_UP_BATCHES) return;
    const time = this.#clip(rows, ms);
    this.#weight = this.#weight * MEMORY + 1;
    const aside = rows - this.#meanRows;
    this.#meanRows += aside / this.#weight;
    this.#meanTime += (time - this.#meanTime) / this.#weight;
    this.#varianceRows = this.#varianceRows * MEMORY + aside * (rows - this.#meanRows);
    this.#covariance = this.#covariance * MEMORY + aside * (time - this.#meanTime);
    this.#cost = this.#fit();
  }

  #clip(rows: number, ms: number): number {
    const expected = predict(this.#cost, rows);
    const deviation = Math.max(this.#deviation, MIN_DEVIATION * expected);
    const judged = this.#seen > WARM_UP_BATCHES + SAMPLES_TO_JUDGE;
    const time = judged ? Math.min(ms, expected + TOLERANCE * deviation) : ms;
    if (this.#seen > WARM_UP_BATCHES + 1) this.#deviation = 0.9 * deviation + 0.1 * Math.abs(time - expected);
    return time;
  }

  #fit(): Cost {
    // Relative to the size itself, or rounding errors of equal sizes would pass for a spread.
    const spread = this.#varianceRows > 1e-9 * this.#weight * this.#meanRows ** 2;
    const perRow = spread ? Math.max(0, this.#covariance / this.#varianceRows) : 0;
    const fixed = this.#meanTime - perRow * this.#meanRows;
    // A line below zero at the origin: everything seen is proportional to the rows.
    return fixed >= 0 ? { fixed, perRow } : { fixed: 0, perRow: this.#meanTime / this.#meanRows };
  }
}
