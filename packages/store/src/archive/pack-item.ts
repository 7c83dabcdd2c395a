// What goes into an archive.

export interface PackItem {
  /** In the archive, with `/`. */
  readonly path: string;
  readonly type: 'file' | 'directory';
  /** Bytes; 0 for a directory. */
  readonly size: number;
  readonly executable: boolean;
  /** Of a file; opens it anew at each call. */
  body(): AsyncIterable<Uint8Array>;
}
