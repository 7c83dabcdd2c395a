// What is read of a project is bounded; each limit says why.

/** A bentofile has some dozens of lines; a package.json that holds its keys may be long. */
export const BENTOFILE_MAX_BYTES = 1024 * 1024;

/** The deepest key of a bentofile is at 3; what package.json has beside it is seldom deeper than 6. */
export const BENTOFILE_MAX_DEPTH = 32;

/** Larger files are data; a key or a token stands in a small text. */
export const SECRET_SCAN_MAX_BYTES = 2 * 1024 * 1024;

/** `src` is code. More is a forgotten `exclude`, such as a data set or a folder of builds. */
export const MAX_INCLUDED_FILES = 20_000;
