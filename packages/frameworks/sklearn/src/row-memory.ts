/**
 * Memory for a few rows, cut from larger pieces, as node does for small Buffers. A typed array of more than 64 bytes is otherwise a
 * `malloc` and one more thing for the garbage collector to free, which costs more than vectorizing a row into it.
 */

const PIECE_BYTES = 16 * 1024;

/** Larger ones have memory of their own: little is wasted at the end of a piece, and a tensor that is kept keeps little else. */
const MAX_CUT_BYTES = PIECE_BYTES / 16;

/** What a cut may have to start at. */
const ALIGNMENT = Float64Array.BYTES_PER_ELEMENT;

let piece = new ArrayBuffer(0);
let used = 0;

/** Zeros. */
export const float64s = (length: number): Float64Array => zeros(Float64Array, length);

/** Zeros. */
export const float32s = (length: number): Float32Array => zeros(Float32Array, length);

interface FloatArrayClass<Floats> {
  readonly BYTES_PER_ELEMENT: number;
  new (length: number): Floats;
  new (buffer: ArrayBuffer, byteOffset: number, length: number): Floats;
}

function zeros<Floats>(FloatArray: FloatArrayClass<Floats>, length: number): Floats {
  const bytes = Math.ceil((length * FloatArray.BYTES_PER_ELEMENT) / ALIGNMENT) * ALIGNMENT;
  if (bytes > MAX_CUT_BYTES) return new FloatArray(length);
  if (used + bytes > piece.byteLength) {
    piece = new ArrayBuffer(PIECE_BYTES);
    used = 0;
  }
  const start = used;
  used += bytes;
  return new FloatArray(piece, start, length);
}
