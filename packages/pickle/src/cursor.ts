import { Problem } from './problem.ts';

/** A position in the bytes of a pickle; every read checks what remains before it takes or allocates anything. */
export class Cursor {
  offset = 0;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;

  constructor(bytes: Uint8Array) {
    // Not the bytes themselves: a Buffer's `slice` and `subarray` make Buffers, which are no plain data.
    this.#bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Moves past `length` bytes that must be there, and tells where they began. */
  #advance(length: number): number {
    const start = this.offset;
    this.require(length);
    this.offset += length;
    return start;
  }

  require(length: number): void {
    const missing = length - (this.#bytes.length - this.offset);
    if (missing > 0)
      throw new Problem('TRUNCATED', `it ends too early, ${missing} byte${missing === 1 ? '' : 's'} short`);
  }

  uint8(): number {
    return this.#view.getUint8(this.#advance(1));
  }

  uint16(): number {
    return this.#view.getUint16(this.#advance(2), true);
  }

  int32(): number {
    return this.#view.getInt32(this.#advance(4), true);
  }

  uint32(): number {
    return this.#view.getUint32(this.#advance(4), true);
  }

  /** A length of 8 bytes. Beyond 2^53 it is rounded, and then longer than any input. */
  uint64(): number {
    return Number(this.#view.getBigUint64(this.#advance(8), true));
  }

  /** Big-endian, unlike everything else in a pickle. */
  float64(): number {
    return this.#view.getFloat64(this.#advance(8), false);
  }

  /** A view, not a copy. */
  bytes(length: number): Uint8Array {
    const start = this.#advance(length);
    return this.#bytes.subarray(start, start + length);
  }

  /** The bytes up to the next newline, which is passed over. */
  line(): Uint8Array {
    const end = this.#bytes.indexOf(0x0a, this.offset);
    if (end === -1) throw new Problem('TRUNCATED', 'it ends too early, within a line');
    const line = this.bytes(end - this.offset);
    this.offset++;
    return line;
  }
}
