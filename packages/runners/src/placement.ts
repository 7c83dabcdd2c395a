/** Where a runner whose placement is `auto` computes: its measured cost against that of a hop to another process. */

/** What a hop adds to a small call, in ms of CPU time of both processes (`pnpm bench runners`). */
const HOP_MS = 0.1;

/** A call that takes less than half a hop is clearly cheaper here. */
const CLEARLY_CHEAPER_MS = HOP_MS / 2;

/** One that takes twenty times as long as a hop would hold up every other request of this process. */
const CLEARLY_DEARER_MS = HOP_MS * 20;

export interface Placement {
  readonly place: 'embedded' | 'process';
  /** For people. */
  readonly reason: string;
}

/**
 * @param warmUpMs - what a call takes, null if unknown
 * @param canSpawn - whether a process can be started at all
 */
export function choosePlacement(declared: Placement['place'], warmUpMs: number | null, canSpawn: boolean): Placement {
  const { place, reason } = byCost(declared, warmUpMs);
  if (place === 'embedded' || canSpawn) return { place, reason };
  return { place: 'embedded', reason: `${reason}; but which module to load in a process is not known` };
}

function byCost(declared: Placement['place'], warmUpMs: number | null): Placement {
  if (warmUpMs === null) return { place: declared, reason: 'declared; the framework has no warm-up to measure' };
  const measured = `a call took ${warmUpMs.toPrecision(2)} ms, a hop takes about ${HOP_MS} ms`;
  if (warmUpMs <= CLEARLY_CHEAPER_MS) return { place: 'embedded', reason: measured };
  if (warmUpMs >= CLEARLY_DEARER_MS) return { place: 'process', reason: measured };
  return { place: declared, reason: `declared; ${measured}` };
}
