/** When a child that crashed is started again: a pure function of its crashes. */

export interface RestartPolicy {
  /** The delay after a first crash; each further one within the window doubles it. @default 100 */
  readonly initialDelayMs: number;
  /** @default 5000 */
  readonly maxDelayMs: number;
  /** With more crashes than this in the window the child stays down. @default 10 */
  readonly maxCrashes: number;
  /** Crashes longer ago are forgiven. @default 60000 */
  readonly windowMs: number;
}

export const DEFAULT_RESTART_POLICY: RestartPolicy = {
  initialDelayMs: 100,
  maxDelayMs: 5_000,
  maxCrashes: 10,
  windowMs: 60_000,
};

/**
 * @param crashes - their times, in ms of one clock
 * @returns ms to wait before the next start; `null`: it stays down
 */
export function restartDelay(crashes: readonly number[], now: number, policy: RestartPolicy): number | null {
  const recent = crashes.filter((time) => time > now - policy.windowMs).length;
  if (recent > policy.maxCrashes) return null;
  if (recent === 0) return 0;
  return Math.min(policy.initialDelayMs * 2 ** (recent - 1), policy.maxDelayMs);
}
