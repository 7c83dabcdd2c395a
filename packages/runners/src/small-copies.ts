/**
 * Copies of bytes that arrived, small ones cut from larger pieces of memory: an ArrayBuffer for each is a `malloc` and one more thing for
 * the garbage collector to free, which costs more than all the rest of a small call.
 */

const PIECE_BYTES = 16 << 10;

/** Larger ones have memory of their own: little is wasted at the end of a piece, and a tensor that is kept keeps little else. */
const MAX_CUT_BYTES = PIECE_BYTES / 16;

let piece = new Uint8Array(0);
let used = 0;

/** `length` bytes of `source` from `at`, at an offset that suits any typed array. */
export function copyOf(source: Buffer, at: number, length: number): Uint8Array<ArrayBuffer> {
  if (length > MAX_CUT_BYTES) {
    const start = source.byteOffset + at;
    return new Uint8Array((source.buffer as ArrayBuffer).slice(start, start + length));
  }
  const own = cut(length);
  source.copy(own, 0, at, at + length);
  return own;
}

function cut(length: number): Uint8Array<ArrayBuffer> {
  if (used + length > piece.length) {
    piece = new Uint8Array(PIECE_BYTES);
    used = 0;
  }
  const start = used;
  used += (length + 7) & ~7;
  return new Uint8Array(piece.buffer, start, length);
}
