/**
 * Frames: how bytes are cut into messages on a stream, and read back.
 *
 *     u32 length │ u8 kind │ u32 id │ body …        little-endian; `length` counts what follows it
 *
 * `id` names the call, so that many share one connection. Bytes that should be used in place (tensors) lie at offsets of the frame,
 * counted after `length`, that are multiples of 8.
 */
import { EkibenError } from '@ekiben/spec';
import { BLOCK_BYTES, MAX_FRAME_BYTES, ZERO_COPY_BYTES } from './limits.ts';
import { copyOf } from './small-copies.ts';

export const FRAME = {
  /** Both sides, first: value `Hello`. */
  hello: 1,
  /** Caller: see call-frames.ts. */
  call: 2,
  /** Worker: the value that the call returned. */
  result: 3,
  /** Worker: why there is no result. */
  error: 4,
  /** Caller: the answer is no longer wanted. */
  cancel: 5,
  /** Worker: one value of a stream. */
  item: 6,
  /** Worker: the stream is complete. */
  end: 7,
  /** Caller: u32, so many items were consumed. */
  credit: 8,
  /** Worker: it takes no new calls on this connection. */
  leaving: 9,
} as const;

const LENGTH_BYTES = 4;
const HEAD_BYTES = 5; // kind, id
const PADDING = new Uint8Array(8);

export function frameError(what: string): EkibenError {
  return new EkibenError('EKIBEN_FRAME_INVALID', `The other process sent a frame that cannot be read: ${what}.`);
}

/** Collects frames until they are taken for sending. Large byte arrays are not copied: they must stay as they are until sent. */
export class FrameWriter {
  #segments: Uint8Array[] = [];
  #segmentBytes = 0;
  // The block being filled: [start, at) is written and not yet among the segments.
  #block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
  #start = 0;
  #at = 0;
  // The open frame: where it began, to write its length there, or to forget it.
  #opened = { segments: 0, segmentBytes: 0, block: this.#block, start: 0, at: 0 };

  /** Bytes collected. */
  get pending(): number {
    return this.#segmentBytes + this.#at - this.#start;
  }

  open(kind: number, id: number): void {
    this.#reserve(LENGTH_BYTES + HEAD_BYTES);
    const opened = this.#opened;
    opened.segments = this.#segments.length;
    opened.segmentBytes = this.#segmentBytes;
    opened.block = this.#block;
    opened.start = this.#start;
    opened.at = this.#at;
    this.#at += LENGTH_BYTES;
    this.u8(kind);
    this.u32(id);
  }

  /** @throws EKIBEN_FRAME_TOO_LARGE; the frame is then forgotten. */
  close(): void {
    const length = this.#frameBytes();
    if (length > MAX_FRAME_BYTES) {
      this.abandon();
      throw new EkibenError(
        'EKIBEN_FRAME_TOO_LARGE',
        `A value of ${length} bytes cannot be sent to another process; the limit is ${MAX_FRAME_BYTES}. Send fewer rows at once.`,
      );
    }
    this.#opened.block.writeUInt32LE(length, this.#opened.at);
  }

  /** Forgets the open frame, whose value turned out not to be encodable. */
  abandon(): void {
    const { segments, segmentBytes, block, start, at } = this.#opened;
    this.#segments.length = segments;
    this.#segmentBytes = segmentBytes;
    this.#block = block;
    this.#start = start;
    this.#at = at;
  }

  /** Hands over everything collected. */
  take(): Uint8Array[] {
    this.#cut();
    const segments = this.#segments;
    this.#segments = [];
    this.#segmentBytes = 0;
    return segments;
  }

  u8(value: number): void {
    this.#reserve(1);
    this.#block[this.#at++] = value;
  }

  u32(value: number): void {
    this.#reserve(4);
    this.#at = this.#block.writeUInt32LE(value, this.#at);
  }

  f64(value: number): void {
    this.#reserve(8);
    this.#at = this.#block.writeDoubleLE(value, this.#at);
  }

  string(value: string): void {
    if (value.length > BLOCK_BYTES / 4) {
      const bytes = Buffer.from(value, 'utf8');
      this.u32(bytes.length);
      this.bytes(bytes);
      return;
    }
    this.#reserve(4 + value.length * 3);
    const written = this.#block.write(value, this.#at + 4, 'utf8');
    this.#block.writeUInt32LE(written, this.#at);
    this.#at += 4 + written;
  }

  bytes(value: Uint8Array): void {
    if (value.byteLength >= ZERO_COPY_BYTES) {
      this.#cut();
      this.#segments.push(value);
      this.#segmentBytes += value.byteLength;
      return;
    }
    this.#reserve(value.byteLength);
    this.#block.set(value, this.#at);
    this.#at += value.byteLength;
  }

  /** Pads to a multiple of 8 in the frame. */
  align(): void {
    const over = this.#frameBytes() % 8;
    if (over > 0) this.bytes(PADDING.subarray(over));
  }

  #frameBytes(): number {
    const { segmentBytes, start, at } = this.#opened;
    return this.pending - (segmentBytes + at - start) - LENGTH_BYTES;
  }

  #cut(): void {
    if (this.#at === this.#start) return;
    this.#segments.push(this.#block.subarray(this.#start, this.#at));
    this.#segmentBytes += this.#at - this.#start;
    this.#start = this.#at;
  }

  #reserve(bytes: number): void {
    if (this.#block.length - this.#at >= bytes) return;
    this.#cut();
    this.#block = Buffer.allocUnsafeSlow(Math.max(BLOCK_BYTES, bytes));
    this.#start = 0;
    this.#at = 0;
  }
}

/** Reads the body of one frame. Every method throws EKIBEN_FRAME_INVALID at the end of the frame. */
export class FrameBody {
  #bytes: Buffer;
  #at: number;
  readonly #origin: number;
  readonly #end: number;
  /** The buffer holds this frame alone, so that what is read from it may refer to it. */
  readonly #owned: boolean;

  constructor(bytes: Buffer, at: number, end: number, owned: boolean) {
    this.#bytes = bytes;
    this.#origin = at;
    this.#at = at + HEAD_BYTES;
    this.#end = end;
    this.#owned = owned;
  }

  get remaining(): number {
    return this.#end - this.#at;
  }

  u8(): number {
    return this.#bytes.readUInt8(this.#skip(1));
  }

  u32(): number {
    return this.#bytes.readUInt32LE(this.#skip(4));
  }

  f64(): number {
    return this.#bytes.readDoubleLE(this.#skip(8));
  }

  string(): string {
    const length = this.u32();
    const at = this.#skip(length);
    return this.#bytes.toString('utf8', at, at + length);
  }

  /** `length` bytes at an offset that suits any typed array: where they are if the frame owns its buffer, else a copy. */
  bytes(length: number): Uint8Array<ArrayBuffer> {
    const at = this.#skip(length);
    const byteOffset = this.#bytes.byteOffset + at;
    if (!this.#owned || byteOffset % 8 !== 0) return copyOf(this.#bytes, at, length);
    return new Uint8Array(this.#bytes.buffer as ArrayBuffer, byteOffset, length);
  }

  align(): void {
    const over = (this.#at - this.#origin) % 8;
    if (over > 0) this.#skip(8 - over);
  }

  end(): void {
    if (this.remaining > 0) throw frameError(`${this.remaining} bytes too many`);
  }

  #skip(length: number): number {
    const at = this.#at;
    if (!(length <= this.#end - at)) throw frameError('it ends too early');
    this.#at = at + length;
    return at;
  }
}

export type OnFrame = (kind: number, id: number, body: FrameBody) => void;

/** Cuts what arrives back into frames. */
export class FrameReader {
  readonly #onFrame: OnFrame;
  #limit: number;
  // A frame that did not arrive in one piece: its length first, then the rest of it.
  readonly #length = Buffer.alloc(LENGTH_BYTES);
  #lengthFilled = 0;
  #frame: Buffer | null = null;
  #frameFilled = 0;
  // What `target` handed out last: the frame under way, or a block that is used again and again.
  #intoFrame = false;
  #block: Buffer | null = null;
  #paused = false;
  /** What arrived and was not read because of a pause. */
  readonly #kept: Buffer[] = [];

  constructor(onFrame: OnFrame, limit: number = MAX_FRAME_BYTES) {
    this.#onFrame = onFrame;
    this.#limit = limit;
  }

  set limit(bytes: number) {
    this.#limit = bytes;
  }

  /** @throws EKIBEN_FRAME_INVALID, and whatever the consumer of frames throws; the connection is then of no more use. */
  push(chunk: Buffer): void {
    if (this.#paused) {
      this.#kept.push(Buffer.from(chunk)); // a copy: the chunk's memory may be read into again
      return;
    }
    let at = 0;
    while (at < chunk.length) {
      if (this.#frame !== null) at = this.#fill(this.#frame, chunk, at);
      else if (this.#lengthFilled > 0 || chunk.length - at < LENGTH_BYTES) at = this.#fillLength(chunk, at);
      else {
        const length = this.#checked(chunk.readUInt32LE(at));
        at += LENGTH_BYTES;
        if (chunk.length - at >= length) this.#emit(chunk, at, (at += length), false);
        else this.#frame = Buffer.allocUnsafeSlow(length);
      }
      if (this.#paused) {
        if (at < chunk.length) this.#kept.unshift(Buffer.from(chunk.subarray(at)));
        return;
      }
    }
  }

  /** Where the next bytes are best read to: into the large frame that is under way, so that they need not be copied there. */
  target(): Buffer {
    this.#intoFrame = this.#frame !== null;
    if (this.#frame !== null) return this.#frame.subarray(this.#frameFilled);
    return (this.#block ??= Buffer.allocUnsafeSlow(BLOCK_BYTES));
  }

  /** `length` bytes were read to the last `target()`. @throws as `push` does */
  received(length: number): void {
    if (this.#intoFrame && this.#frame !== null) this.#filled(this.#frame, length);
    else if (this.#block !== null) this.push(this.#block.subarray(0, length));
  }

  /** Emits no more frames, not even those that have arrived. */
  pause(): void {
    this.#paused = true;
  }

  /** Emits what was kept, until paused again. @throws as `push` does */
  resume(): void {
    this.#paused = false;
    for (let chunk = this.#kept.shift(); chunk !== undefined; chunk = this.#kept.shift()) {
      this.push(chunk);
      if (this.#paused) return;
    }
  }

  #fillLength(chunk: Buffer, at: number): number {
    const end = Math.min(chunk.length, at + LENGTH_BYTES - this.#lengthFilled);
    this.#lengthFilled += chunk.copy(this.#length, this.#lengthFilled, at, end);
    if (this.#lengthFilled === LENGTH_BYTES) {
      this.#lengthFilled = 0;
      this.#frame = Buffer.allocUnsafeSlow(this.#checked(this.#length.readUInt32LE(0)));
    }
    return end;
  }

  #fill(frame: Buffer, chunk: Buffer, at: number): number {
    const copied = chunk.copy(frame, this.#frameFilled, at);
    this.#filled(frame, copied);
    return at + copied;
  }

  #filled(frame: Buffer, length: number): void {
    this.#frameFilled += length;
    if (this.#frameFilled < frame.length) return;
    this.#frame = null;
    this.#frameFilled = 0;
    this.#emit(frame, 0, frame.length, true);
  }

  #emit(bytes: Buffer, at: number, end: number, owned: boolean): void {
    this.#onFrame(bytes.readUInt8(at), bytes.readUInt32LE(at + 1), new FrameBody(bytes, at, end, owned));
  }

  #checked(length: number): number {
    if (length < HEAD_BYTES || length > this.#limit) {
      throw frameError(`its length is given as ${length}, where ${HEAD_BYTES} to ${this.#limit} is possible`);
    }
    return length;
  }
}
