// What goes into an archive.

export interface PackItem {
  /** In the archive, with `/`. */
  readonly path: string;
  readonly type: 'file' | 'directory';
  /** Bytes, which `body` keeps to; 0 for a directory. */
  readonly size: number;
  readonly executable: boolean;
  /**
   * Of a file; opens it anew at each call.
   * @param scratch - what to read through: each piece then holds only until the next one is asked for
   */
  body(scratch?: Uint8Array): AsyncIterable<Uint8Array>;
}
