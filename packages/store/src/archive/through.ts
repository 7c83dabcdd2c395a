// Glue between async iterables, which the store is written in, and Node's streams, which codecs are.
import { Readable, type Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/** Large enough that the cost per chunk does not show, small enough that a handful of them is nothing. */
export const CHUNK_BYTES = 256 * 1024;

/** `source` through a transform stream, with back-pressure; stopping early destroys both. */
export async function* through(source: AsyncIterable<Uint8Array>, transform: Duplex): AsyncGenerator<Uint8Array> {
  const feeding = pipeline(toReadable(source), transform);
  // A failure also comes out of the loop below; here it would be an unhandled rejection.
  feeding.catch(() => {});
  yield* transform as AsyncIterable<Uint8Array>;
  await feeding;
}

export function toReadable(source: AsyncIterable<Uint8Array>): Readable {
  return source instanceof Readable ? source : Readable.from(source, { objectMode: false, highWaterMark: CHUNK_BYTES });
}

/** Calls `tell` with the length of every chunk; it may throw. */
export async function* counted(
  source: AsyncIterable<Uint8Array>,
  tell: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) {
    tell(chunk.length);
    yield chunk;
  }
}
