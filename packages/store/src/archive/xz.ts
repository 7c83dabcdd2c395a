// xz: liblzma where lzma-native has a build for the platform; elsewhere WebAssembly, which only reads.
import { availableParallelism } from 'node:os';
import { Readable } from 'node:stream';
import { EkibenError } from '@ekiben/spec';
import type * as LzmaNative from 'lzma-native';
import { XZ_DECODER_MAX_BYTES } from '../limits.ts';
import { blocks, CHUNK_BYTES, inParallel, once, through, toReadable } from './through.ts';

type Preset = NonNullable<LzmaNative.LzmaOptions['preset']>;

export async function* readXz(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const lzma = await loadLzma();
  if (lzma === undefined) return yield* readXzPortably(source);
  yield* through(source, lzma.createStream('streamDecoder', { memlimit: XZ_DECODER_MAX_BYTES, bufsize: CHUNK_BYTES }));
}

/**
 * Presets that take little memory work on several blocks at once, each a stream of its own, which every reader of xz puts together:
 * lzma-native has one thread for a stream, and half the speed of `xz`. The preset alone decides, so that the same content makes the
 * same archive on every machine. MiB of dictionary and of memory, from xz(1).
 */
const PARALLEL_PRESETS: Readonly<Record<number, { readonly dictionary: number; readonly memory: number }>> = {
  1: { dictionary: 1, memory: 9 },
  2: { dictionary: 2, memory: 17 },
};

/** As `xz` cuts its blocks for several threads: larger ones compress hardly better. */
const BLOCK_DICTIONARIES = 3;
const MIB = 1024 ** 2;
/** For all blocks at once, beside what the rest of an export takes. */
const PARALLEL_MEMORY_MIB = 48;

/**
 * @param level - 0 to 9; 0 is written as 1
 * @throws EKIBEN_XZ_UNAVAILABLE where lzma-native has no build
 */
export async function* writeXz(source: AsyncIterable<Uint8Array>, level: number): AsyncGenerator<Uint8Array> {
  const lzma = await loadLzma();
  if (lzma === undefined) {
    throw new EkibenError(
      'EKIBEN_XZ_UNAVAILABLE',
      'the package lzma-native, which writes xz, is not installed or has no build for this platform; export as tar.gz instead: `--format gz`',
    );
  }
  // lzma-native takes 0 for its default, 6. The check is the one that `xz` takes, too.
  const preset = Math.max(1, level);
  const options = { preset: preset as Preset, check: 'CHECK_CRC64', bufsize: CHUNK_BYTES } as const;
  const encode = (bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> =>
    through(bytes, lzma.createStream('easyEncoder', options));
  const parallel = PARALLEL_PRESETS[preset];
  if (parallel === undefined) return yield* encode(source);
  const block = parallel.dictionary * BLOCK_DICTIONARIES;
  const atOnce = Math.min(availableParallelism(), Math.floor(PARALLEL_MEMORY_MIB / (parallel.memory + block)));
  const size = block * MIB;
  const spare: Uint8Array[] = [];
  const pieces = blocks(source, size, () => spare.pop() ?? new Uint8Array(size));
  const encoded = inParallel(pieces, atOnce, async (bytes) => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of encode(once(bytes))) chunks.push(chunk);
    // Left to the garbage collector, blocks would pile up faster than it looks.
    if (bytes.length === size) spare.push(bytes);
    return chunks;
  });
  for await (const chunks of encoded) yield* chunks;
}

async function loadLzma(): Promise<typeof LzmaNative | undefined> {
  try {
    const { default: lzma } = (await import('lzma-native')) as unknown as { default: typeof LzmaNative };
    return lzma;
  } catch {
    return undefined;
  }
}

/** All but archives with SHA-256 as their check, which `xz` writes only when asked. */
export async function* readXzPortably(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const { default: xz } = await import('xz-decompress');
  // Node's and the DOM's ReadableStream are one thing with two types.
  const packed = Readable.toWeb(toReadable(source)) as ReadableStream<Uint8Array>;
  try {
    yield* new xz.XzReadableStream(packed) as unknown as AsyncIterable<Uint8Array>;
  } catch (error) {
    throw Object.assign(new Error(explainXzEmbedded(error)), { cause: error });
  }
}

/** xz-decompress passes on the numbers of xz-embedded's `enum xz_ret`. */
function explainXzEmbedded(error: unknown): string {
  const message = String((error as { message?: unknown } | null)?.message ?? error);
  switch (/error code (\d+)/.exec(message)?.[1]) {
    case '6':
      return 'it uses a feature of xz, such as the check SHA-256, that needs the package lzma-native';
    case '7':
      return 'its data is corrupt';
    case '8':
      return 'it ends early';
    default:
      return message;
  }
}
