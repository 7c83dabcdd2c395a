// What is read from files that others wrote is bounded; each limit says why.

/** BentoML's manifests are below 10 kB; one with thousands of labels is still far below this. */
export const MANIFEST_MAX_BYTES = 1024 * 1024;

/** Values in a manifest, YAML aliases written out: stops a small file whose aliases multiply to billions. */
export const MANIFEST_MAX_VALUES = 100_000;

/** Collections inside collections; metadata is rarely deeper than 5. */
export const MANIFEST_MAX_DEPTH = 32;

/** What an archive may hold. All of them can be set at `import`, for the rare model that needs more. */
export interface ArchiveLimits {
  /** Bytes of all files unpacked. @default 256 GiB: above the largest open models in half precision on one machine */
  readonly maxBytes?: number | undefined;
  /** Files and directories. @default 100,000: a sharded checkpoint has hundreds, a bento with its packages some thousands */
  readonly maxEntries?: number | undefined;
  /** Directories inside directories. @default 32 */
  readonly maxDepth?: number | undefined;
  /**
   * Unpacked bytes per packed byte, once 64 MiB are unpacked. Weights hardly shrink; a bomb reaches 1,000 (gzip) and more.
   * @default 200
   */
  readonly maxRatio?: number | undefined;
}

export const ARCHIVE_LIMITS = {
  maxBytes: 256 * 1024 ** 3,
  maxEntries: 100_000,
  maxDepth: 32,
  maxRatio: 200,
} as const satisfies ArchiveLimits;

/** Small archives of sparse data may shrink a lot and harm nobody. */
export const RATIO_COUNTS_FROM_BYTES = 64 * 1024 ** 2;

/** What most file systems allow for one name, in bytes. */
export const NAME_MAX_BYTES = 255;

/** The dictionary of an xz archive decides what unpacking needs; `xz -9` needs 65 MiB, `--lzma2=dict=1536MiB` would need that. */
export const XZ_DECODER_MAX_BYTES = 256 * 1024 ** 2;

/** xz and bzip2 do a megabyte or ten a second; from here on waiting for the last percents is not worth it unasked. */
export const LARGE_BYTES = 256 * 1024 ** 2;
