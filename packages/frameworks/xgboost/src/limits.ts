/** Levels of a model document. XGBoost's own have ten; each level is a call on the stack while it is read. */
export const MAX_DEPTH = 64;

/**
 * Values of a model document that are not elements of a typed array. Two bytes of a hostile file become some 50 of memory; a tree
 * has about 30 such values, so that this leaves room for some 280,000 trees.
 */
export const MAX_VALUES = 2 ** 23;
