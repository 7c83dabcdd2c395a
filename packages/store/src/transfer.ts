// What imports and exports have in common.
import type { ObjectTransport } from './transport/transport.ts';

export interface TransferOptions {
  /** Stops the transfer; nothing is left of it. */
  readonly signal?: AbortSignal | undefined;
  /** Told of every piece: bytes so far, and in all where that is known. */
  readonly onProgress?: ((done: number, total: number | undefined) => void) | undefined;
  /** For `s3://`: what `s3()` of `@ekiben/store/s3` makes. @default `s3()`, configured by the SDK's own chain */
  readonly s3?: ObjectTransport | undefined;
}

/** Told of the length of every piece; throws when the transfer is to stop. */
export function watcher({ signal, onProgress }: TransferOptions, total: number | undefined): (bytes: number) => void {
  let done = 0;
  return (bytes) => {
    signal?.throwIfAborted();
    done += bytes;
    onProgress?.(done, total);
  };
}
