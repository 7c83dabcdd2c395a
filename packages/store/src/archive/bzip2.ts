// bzip2, block by block in both directions, so that memory stays small whatever the archive claims.
import type BZip2 from 'bzip2-wasm';
import { corruptArchive } from './errors.ts';
import { blocks } from './through.ts';

/** A block of level 9, packed, plus the reader's own margin: what must be there before a block can be read. */
const LOOK_AHEAD_BYTES = 925_000;

/** The longest that the format lets a block become: runs of 4 to 259 equal bytes are stored in 5. */
const PIECE_BYTES = 1024 * 1024;

/** @throws EKIBEN_ARCHIVE_CORRUPT */
export async function* readBzip2(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  // unbzip2-stream itself unpacks all that it holds at once, which a bomb turns into gigabytes; its parts can be asked for a block.
  const { default: bzip2 } = await import('unbzip2-stream/lib/bzip2.js');
  const { default: bitReader } = await import('unbzip2-stream/lib/bit_iterator.js');
  const iterator = source[Symbol.asyncIterator]();
  const waiting: Uint8Array[] = [];
  let received = 0;
  let ended = false;
  const receive = async (): Promise<void> => {
    const next = await iterator.next();
    if (next.done === true) ended = true;
    else if (next.value.length > 0) {
      waiting.push(next.value);
      received += next.value.length;
    }
  };

  try {
    while (waiting.length === 0 && !ended) await receive();
    const bits = bitReader(() => {
      const chunk = waiting.shift();
      if (chunk === undefined) throw corruptArchive('it ends early');
      return chunk;
    });
    let level = 0;
    let crc: number | null = 0;
    for (;;) {
      while (!ended && received - bits.bytesRead < LOOK_AHEAD_BYTES) await receive();
      if (bits.bytesRead >= received) break;
      if (level === 0) {
        level = bzip2.header(bits);
        crc = 0;
        continue;
      }
      const pieces = new Pieces();
      const size = level * 100_000;
      crc = bzip2.decompress(bits, (byte) => pieces.push(byte), new Int32Array(size), size, crc);
      if (crc === null) level = 0;
      else yield* pieces.all();
    }
    if (level !== 0) throw corruptArchive('it ends early');
  } catch (cause) {
    throw corruptArchive(cause);
  } finally {
    await iterator.return?.();
  }
}

/** Bytes that come one by one. */
class Pieces {
  readonly #full: Uint8Array[] = [];
  #piece = new Uint8Array(PIECE_BYTES);
  #length = 0;

  push(byte: number): void {
    if (this.#length === PIECE_BYTES) {
      this.#full.push(this.#piece);
      this.#piece = new Uint8Array(PIECE_BYTES);
      this.#length = 0;
    }
    this.#piece[this.#length++] = byte;
  }

  *all(): Generator<Uint8Array> {
    yield* this.#full;
    yield this.#piece.subarray(0, this.#length);
  }
}

/** Every block becomes a bzip2 stream of its own; `bzip2 -d` and Python's bz2 read them one after the other. */
export async function* writeBzip2(source: AsyncIterable<Uint8Array>, level: number): AsyncGenerator<Uint8Array> {
  const codec = await (starting ??= startCodec());
  for await (const block of blocks(source, level * 100_000)) {
    // What bzip2 promises never to exceed.
    yield codec.compress(block, level, Math.ceil(block.length * 1.01) + 600);
  }
}

let starting: Promise<BZip2> | undefined;

async function startCodec(): Promise<BZip2> {
  const { default: Codec } = await import('bzip2-wasm');
  const codec = new Codec();
  // Its start sets two globals that would make other packages believe that they run as CommonJS.
  const globals = globalThis as { __dirname?: unknown; require?: unknown };
  const before = { __dirname: globals.__dirname, require: globals.require };
  await codec.init();
  for (const name of ['__dirname', 'require'] as const) {
    if (before[name] === undefined) delete globals[name];
    else globals[name] = before[name];
  }
  return codec;
}
