// xz: liblzma where lzma-native has a build for the platform, else WebAssembly, which only reads.
import { Readable } from 'node:stream';

export async function* readXz(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const { default: xz } = await import('xz-decompress');
  // Node's and the DOM's ReadableStream are the same thing with two types.
  const packed = Readable.toWeb(Readable.from(source, { objectMode: false })) as ReadableStream<Uint8Array>;
  yield* new xz.XzReadableStream(packed) as unknown as AsyncIterable<Uint8Array>;
}
