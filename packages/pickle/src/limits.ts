/**
 * What one pickle may cost. A pickle of few bytes can ask for much memory, so each bound is on something else than its
 * length.
 */
export interface PickleLimits {
  /** Length of the pickle. */
  readonly maxBytes: number;
  /**
   * Values made, memo look-ups included; 64 bytes of text or bytes that a call makes from values read before count as
   * one more. Above 16 million, V8 itself refuses a larger Map.
   */
  readonly maxNodes: number;
  /** Values that the pickle asks to remember for later. */
  readonly maxMemo: number;
  /** Containers and objects inside one another. */
  readonly maxDepth: number;
  /** Decimal digits of one integer. */
  readonly maxIntegerDigits: number;
}

/**
 * Vectorizers take kilobytes, the largest forests of scikit-learn some hundred megabytes; the nodes are held beside the
 * bytes.
 */
const MAX_BYTES = 256 * 1024 * 1024;

/**
 * A vocabulary of a million words makes three million values. The costliest, an empty dict of one byte, takes about 200
 * bytes: all of them about 1 GB, which fits Node's default heap.
 */
const MAX_NODES = 5_000_000;

/** Python remembers nearly every value it writes, so as many as there are nodes. */
const MAX_MEMO = MAX_NODES;

/**
 * Until Python 3.11 its own pickler gave up at 1,000; whoever walks the nodes by recursion has room for several
 * thousand.
 */
const MAX_DEPTH = 1_000;

/** What Python itself reads in decimal (`sys.int_info.default_max_str_digits`), because conversion is not linear. */
const MAX_INTEGER_DIGITS = 4_300;

export const defaultLimits: PickleLimits = {
  maxBytes: MAX_BYTES,
  maxNodes: MAX_NODES,
  maxMemo: MAX_MEMO,
  maxDepth: MAX_DEPTH,
  maxIntegerDigits: MAX_INTEGER_DIGITS,
};

/** Limits in place of the defaults. */
export type PickleLimitOptions = { readonly [K in keyof PickleLimits]?: PickleLimits[K] | undefined };

export function withDefaults(limits: PickleLimitOptions): PickleLimits {
  const given = Object.entries(limits).filter(([, limit]) => limit !== undefined);
  return { ...defaultLimits, ...Object.fromEntries(given) };
}
