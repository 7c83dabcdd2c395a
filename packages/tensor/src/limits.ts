/** Bounds on what a stranger's shape, header or elements may ask for. */

/** NumPy's own limit (64 since NumPy 2); it also bounds the recursion over nested arrays. */
export const MAX_RANK = 64;

/** A tensor of shape [n, 0] takes no bytes, yet n steps to join and n arrays as nested arrays. Real ones are empty batches, [0, n]. */
export const MAX_EMPTY_ROWS = 2 ** 20;

/** NumPy's `max_header_size` for files it does not trust; a plain array's header needs about 100 bytes. */
export const MAX_NPY_HEADER_BYTES = 10_000;

/** Every string of a `.npy` file is as wide as the longest, so that one long string among many short ones asks for terabytes. */
export const MAX_NPY_STRING_BYTES = 2 ** 31;

/** Enough to see what is wrong; a body with a million bad elements must not become an answer with a million faults. */
export const MAX_FAULTS = 100;
