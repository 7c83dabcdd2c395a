// The parts of packages without types that are used here.

declare module 'unbzip2-stream/lib/bit_iterator.js' {
  export interface BitReader {
    (bits: number | null): number;
    readonly bytesRead: number;
  }
  export default function bitIterator(nextBuffer: () => Uint8Array): BitReader;
}

declare module 'unbzip2-stream/lib/bzip2.js' {
  import type { BitReader } from 'unbzip2-stream/lib/bit_iterator.js';
  const bzip2: {
    /** The block size in units of 100,000 bytes. */
    header(bits: BitReader): number;
    /** The checksum so far, or null at the end of a stream. */
    decompress(
      bits: BitReader,
      byte: (byte: number) => void,
      buffer: Int32Array,
      size: number,
      crc: number | null,
    ): number | null;
  };
  export default bzip2;
}

declare module 'bzip2-wasm' {
  export default class BZip2 {
    init(): Promise<void>;
    compress(bytes: Uint8Array, blockSize: number, maxBytes: number): Uint8Array;
  }
}
