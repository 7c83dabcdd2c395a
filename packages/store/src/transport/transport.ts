// How bytes come from and go to a place.

export interface ByteSource {
  readonly body: AsyncIterable<Uint8Array>;
  /** Bytes, if the place says so beforehand. */
  readonly size?: number | undefined;
}

/** Object storage. `@ekiben/store/s3` makes one. */
export interface ObjectTransport {
  read(bucket: string, key: string, signal?: AbortSignal): Promise<ByteSource>;
  /** The object appears only when `body` has come to its end. `sizeHint` is an upper bound of its bytes. */
  write(
    bucket: string,
    key: string,
    body: AsyncIterable<Uint8Array>,
    sizeHint: number,
    signal?: AbortSignal,
  ): Promise<void>;
}
