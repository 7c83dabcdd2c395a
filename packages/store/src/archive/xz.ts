// xz: liblzma where lzma-native has a build for the platform; elsewhere WebAssembly, which only reads.
import { EkibenError } from '@ekiben/spec';
import type * as LzmaNative from 'lzma-native';
import { XZ_DECODER_MAX_BYTES } from '../limits.ts';
import { CHUNK_BYTES, through, toReadable } from './through.ts';

type Preset = NonNullable<LzmaNative.LzmaOptions['preset']>;

export async function* readXz(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const lzma = await loadLzma();
  if (lzma === undefined) return yield* readXzPortably(source);
  yield* through(source, lzma.createStream('streamDecoder', { memlimit: XZ_DECODER_MAX_BYTES, bufsize: CHUNK_BYTES }));
}

/** @throws EKIBEN_XZ_UNAVAILABLE where lzma-native has no build */
export async function* writeXz(source: AsyncIterable<Uint8Array>, preset: number): AsyncGenerator<Uint8Array> {
  const lzma = await loadLzma();
  if (lzma === undefined) {
    throw new EkibenError(
      'EKIBEN_XZ_UNAVAILABLE',
      'the package lzma-native, which writes xz, is not installed or has no build for this platform; export as tar.gz instead: `--format gz`',
    );
  }
  // The check that the `xz` program takes too.
  const options = { preset: preset as Preset, check: 'CHECK_CRC64', bufsize: CHUNK_BYTES } as const;
  yield* through(source, lzma.createStream('easyEncoder', options));
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
  const { Readable } = await import('node:stream');
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
