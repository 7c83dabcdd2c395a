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

/** Ends with the signal's reason, also while it waits for bytes that may never come. */
export async function* stoppable(
  source: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  if (signal === undefined) return yield* source;
  const iterator = source[Symbol.asyncIterator]();
  let stop = (): void => {};
  const abort = (): void => stop();
  signal.addEventListener('abort', abort);
  try {
    for (;;) {
      signal.throwIfAborted();
      const next = await new Promise<IteratorResult<Uint8Array>>((resolve, reject) => {
        stop = () => reject(signal.reason as Error);
        iterator.next().then(resolve, reject);
      });
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    signal.removeEventListener('abort', abort);
    // Not awaited: what hangs would hang here, too.
    iterator.return?.().catch(() => {});
  }
}

export async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/**
 * The same bytes in pieces of one size, but for the last; one empty piece when there are none.
 * @param take - gives a buffer of that size
 */
export async function* blocks(
  source: AsyncIterable<Uint8Array>,
  size: number,
  take: () => Uint8Array = () => new Uint8Array(size),
): AsyncGenerator<Uint8Array> {
  let block = take();
  let length = 0;
  let empty = true;
  for await (const chunk of source) {
    let rest = chunk;
    while (rest.length > 0) {
      const part = rest.subarray(0, size - length);
      block.set(part, length);
      length += part.length;
      rest = rest.subarray(part.length);
      if (length < size) break;
      yield block;
      empty = false;
      block = take();
      length = 0;
    }
  }
  if (length > 0 || empty) yield block.subarray(0, length);
}

/** Works on several pieces at once, and gives the results in order. */
export async function* inParallel<In, Out>(
  source: AsyncIterable<In>,
  atOnce: number,
  work: (piece: In) => Promise<Out>,
): AsyncGenerator<Out> {
  const running: Promise<Out>[] = [];
  for await (const piece of source) {
    const result = work(piece);
    // It is awaited in its turn, perhaps after another one has failed.
    result.catch(() => {});
    running.push(result);
    if (running.length >= atOnce) yield await (running.shift() as Promise<Out>);
  }
  for (const result of running) yield await result;
}
