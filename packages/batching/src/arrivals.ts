// Whether company is coming: what recent calls say about the next ones. Consulted only where a deliberate wait is allowed.

/** Weight of the latest call in the averages, which so remember about 1 / 0.02 = 50. */
const WEIGHT = 0.02;

/** What is known about arrivals. Times in milliseconds, clipped at the time that is worth waiting for. */
export interface Arrivals {
  readonly lastAt: number;
  /** From one call to the next, on average. */
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

  /** A call came; later than `horizonMs` after the last event means that waiting for it would not have paid. */
  arrived(now: number, horizonMs: number): void {
    const gap = Math.min(now - this.lastAt, horizonMs);
    this.lastAt = now;
    this.awaited--;
    this.gapMs = average(Math.min(this.gapMs, horizonMs), gap);
    if (gap < horizonMs / 4) this.closeGapMs = average(this.closeGapMs, gap);
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
