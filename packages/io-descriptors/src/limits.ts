/** Bounds on bodies, and on what an answer says about a bad one. */

/**
 * Default of `json`'s `maxBytes`, 16 MiB: some 90,000 credit applications, or five images of 3 × 224 × 224 as nested arrays. Parsing
 * so much holds the event loop for about a tenth of a second.
 */
export const DEFAULT_MAX_JSON_BYTES = 16 * 1024 * 1024;

/**
 * Default of `maxBytes` elsewhere, 16 MiB: 28 images of 3 × 224 × 224 as float32, some 100,000 rows of a table, a photograph from any
 * camera. The body is held in memory as a whole.
 */
export const DEFAULT_MAX_BYTES = 16 * 1024 * 1024;

/** Default of `text`'s `maxBytes`, 1 MiB: a novel. */
export const DEFAULT_MAX_TEXT_BYTES = 1024 * 1024;

/** Default of `file`'s `maxBytes`, 64 MiB: a scanned book or some minutes of sound, still held in memory as a whole. */
export const DEFAULT_MAX_FILE_BYTES = 64 * 1024 * 1024;

/** Default of `maxBytes` where a file streams, 1 GiB: no memory is at stake, but whoever stores it should mean to. */
export const DEFAULT_MAX_STREAM_BYTES = 1024 ** 3;

/**
 * Cells of a table, 16 Mi: as many as a body of the default size can spell out. Rows in JSON need not have the same columns, so that a
 * short body can ask for a table as wide as it is long.
 */
export const MAX_CELLS = 2 ** 24;

/** Default of `multipart`'s `maxParts`: a page of photographs, and each part costs a parser of headers. */
export const DEFAULT_MAX_PARTS = 100;

/** Default of `ndjson`'s `maxLineBytes`, 1 MiB: a line is held as a whole, and parsed in one go. */
export const DEFAULT_MAX_LINE_BYTES = 1024 * 1024;

/**
 * Default of `image`'s `maxPixels`, 32 Mi: more than most cameras take, and 96 MiB once unpacked. A file of some kilobytes can claim
 * billions.
 */
export const DEFAULT_MAX_PIXELS = 2 ** 25;

/** Decoding the largest image takes about a second of a core; what takes this long is made to. */
export const MAX_IMAGE_SECONDS = 10;

/** Bytes of a Parquet file after decompression, 256 MiB: the cells that are taken, at 16 bytes each. */
export const MAX_UNPACKED_BYTES = 2 ** 28;

/** Heap of a process that reads Parquet: as many cells as are taken, each a boxed number in an array, twice. */
export const MAX_PARQUET_HEAP_MB = 1024;

/** The largest table that is taken is read in about five seconds of a core. */
export const MAX_PARQUET_MS = 10_000;

/** Processes that read Parquet at once: one that is stuck in a hostile file leaves one to the others. */
export const MAX_PARQUET_READERS = 2;

/** Enough to see what is wrong; a body with a million bad elements must not become an answer with a million faults. */
export const MAX_FAULTS = 100;

/** Characters of input (a key, a bad value) that one pointer or message may repeat: it ends up in answers and logs. */
export const MAX_ECHO = 200;

/**
 * UTF-16 units of malformed JSON in which the place is looked for: that reads token by token, five times as long as `JSON.parse` took,
 * and a bad body should not cost more than a good one.
 */
export const MAX_LOCATED_LENGTH = 2 ** 20;
