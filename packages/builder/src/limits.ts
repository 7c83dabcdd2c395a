// What is read of a project is bounded; each limit says why.

/** A bentofile has some dozens of lines; a package.json that holds its keys may be long. */
export const BENTOFILE_MAX_BYTES = 1024 * 1024;

/** The deepest key of a bentofile is at 3; what package.json has beside it is seldom deeper than 6. */
export const BENTOFILE_MAX_DEPTH = 32;
