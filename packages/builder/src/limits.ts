// What is read of a project is bounded; each limit says why.

/** A bentofile has some dozens of lines; a package.json that holds its keys may be long. */
export const BENTOFILE_MAX_BYTES = 1024 * 1024;

/** The deepest key of a bentofile is at 3; what package.json has beside it is seldom deeper than 6. */
export const BENTOFILE_MAX_DEPTH = 32;

/** One anchor that is used in every section, some times over. */
export const BENTOFILE_MAX_ALIASES = 100;

/** Larger files are data; a key or a token stands in a small text. */
export const SECRET_SCAN_MAX_BYTES = 2 * 1024 * 1024;

/** `src` is code. More is a forgotten `exclude`, such as a data set or a folder of builds. */
export const MAX_INCLUDED_FILES = 20_000;

/** Larger files of a project or a model are copied by the system, which may share their blocks, and do not go through memory. */
export const COPIED_FROM_BYTES = 4 * 1024 * 1024;

/** A bundle has some megabytes; more services than these are seldom built in turn. */
export const MAX_KEPT_BUNDLES = 16;

/** Of modules and folders in the packages of a project: more take longer to look at than making the bundle anew. */
export const MAX_LISTED_NAMES = 20_000;
