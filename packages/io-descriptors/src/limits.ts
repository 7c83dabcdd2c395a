/** Bounds on bodies, and on what an answer says about a bad one. */

/**
 * Default of `json`'s `maxBytes`, 16 MiB: some 90,000 credit applications, or five images of 3 × 224 × 224 as nested arrays. Parsing
 * so much holds the event loop for about a tenth of a second.
 */
export const DEFAULT_MAX_JSON_BYTES = 16 * 1024 * 1024;

/** Enough to see what is wrong; a body with a million bad elements must not become an answer with a million faults. */
export const MAX_FAULTS = 100;

/** Characters of input (a key, a bad value) that one pointer or message may repeat: it ends up in answers and logs. */
export const MAX_ECHO = 200;

/**
 * UTF-16 units of malformed JSON in which the place is looked for: that reads token by token, five times as long as `JSON.parse` took,
 * and a bad body should not cost more than a good one.
 */
export const MAX_LOCATED_LENGTH = 2 ** 20;
