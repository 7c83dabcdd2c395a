/** What is read of a configuration is bounded. */

/** A configuration of a hundred runners is nowhere near. */
export const MAX_BYTES = 1024 * 1024;

/** The deepest key is at 5. */
export const MAX_DEPTH = 20;
