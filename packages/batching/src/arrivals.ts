// What recent calls say about the next ones: how many come, and whether company is near.

/** Weight of the latest call in the averages, which so remember about 1 / 0.02 = 50. */
const WEIGHT = 0.02;
/** Gaps above this are silence, and say nothing about the calls that came before and after. */
const SILENCE_MS = 1_000;
/** Calls come close together when one follows the other within this share of the time that is worth waiting for. */
const CLOSE = 1 / 4;

/** What is known about arrivals; times in milliseconds. */
export interface Arrivals {
  readonly lastAt: number;
  /** From one call to the next, on average; a gap counts as no more than what is worth waiting for. */
  readonly gapMs: number;
  /** The same among calls that come close together. */
  readonly closeGapMs: number;
  /** When the last batch was answered. */
  readonly answeredAt: number;
  /** From an answered batch to a call after it, on average: short where callers wait for an answer before they call again. */
  readonly returnMs: number;
  /** Calls of the answered batch that have not been followed by a new one. */
  readonly awaited: number;
}

export class ArrivalModel implements Arrivals {
  lastAt = -Infinity;
  gapMs = Infinity;
  closeGapMs = 0;
  answeredAt = -Infinity;
  returnMs = Infinity;
  awaited = 0;
  #rows = 0;
  #spacingMs = SILENCE_MS;

  /** Rows that come in a millisecond. */
  get rowsPerMs(): number {
    return this.#rows / this.#spacingMs;
  }

  /** A call of `rows` came. Waiting for it would have paid within `horizonMs` of the last event; 0: nobody knows. */
  arrived(now: number, rows: number, horizonMs: number): void {
    const gap = now - this.lastAt;
    this.lastAt = now;
    this.awaited--;
    this.#rows = average(this.#rows, rows);
    this.#spacingMs = average(this.#spacingMs, Math.min(gap, SILENCE_MS));
    if (horizonMs === 0) return;
    this.gapMs = average(Math.min(this.gapMs, horizonMs), Math.min(gap, horizonMs));
    if (gap < CLOSE * horizonMs) this.closeGapMs = average(this.closeGapMs, gap);
    this.returnMs = average(Math.min(this.returnMs, horizonMs), Math.min(now - this.answeredAt, horizonMs));
  }

  /** A batch of so many calls was answered. */
  answered(now: number, calls: number): void {
    this.answeredAt = now;
    this.awaited = calls;
  }
}

function average(before: number, value: number): number {
  return before + WEIGHT * (value - before);
}
