/**
 * Nodes of a forest. Node offsets are int32 and count words of four to a node. The largest forests in use have tens of millions.
 */
export const MAX_NODES = 2 ** 28;

/** Features of a row. A row takes eight bytes a feature while it is evaluated; hashed text features reach a few million. */
export const MAX_FEATURES = 2 ** 24;

/** Outputs of a forest: classes or targets. A row's result has as many values; extreme classification stays under a million. */
export const MAX_OUTPUTS = 2 ** 20;

/** Categories are whole numbers that float32 holds exactly; XGBoost sends anything from 2^24 on to the left. */
export const MAX_CATEGORY = 2 ** 24;

/**
 * 32-bit words in all category sets of a forest. A set is a bitset up to its largest category, so a few bytes of a hostile file
 * could ask for 2 MiB each; real sets have at most some thousand categories.
 */
export const MAX_CATEGORY_WORDS = 2 ** 24;

/**
 * Depth of a tree whose contributions can be computed. TreeSHAP recurses once a level and goes over its path at each, so
 * that a leaf costs the square of its depth. Trees are seldom deeper than 50.
 */
export const MAX_SHAP_DEPTH = 500;
