// The formats of an archive: by content when reading, by name when writing.
import { EkibenError } from '@ekiben/spec';

export type ArchiveFormat = 'tar' | 'gz' | 'xz' | 'bz2' | 'zip' | 'folder';

/** How many bytes {@link detectFormat} wants to see: a tar header. */
export const MAGIC_BYTES = 512;

const MAGIC: readonly [ArchiveFormat, readonly number[]][] = [
  ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
  ['gz', [0x1f, 0x8b]],
  ['bz2', [0x42, 0x5a, 0x68]],
  ['zip', [0x50, 0x4b, 0x03, 0x04]],
  ['zip', [0x50, 0x4b, 0x05, 0x06]],
];

/**
 * By its first bytes, whatever its name says.
 * @throws EKIBEN_ARCHIVE_FORMAT_UNKNOWN
 */
export function detectFormat(start: Uint8Array): ArchiveFormat {
  for (const [format, magic] of MAGIC) {
    if (magic.every((byte, index) => start[index] === byte)) return format;
  }
  if (isTarHeader(start)) return 'tar';
  throw new EkibenError(
    'EKIBEN_ARCHIVE_FORMAT_UNKNOWN',
    start.length === 0
      ? 'the archive is empty'
      : 'this is not an archive: its first bytes are of no format known here (tar, gz, xz, bz2, zip)',
  );
}

/** By its checksum, since the oldest form of tar has no magic. */
function isTarHeader(block: Uint8Array): boolean {
  if (block.length < MAGIC_BYTES) return false;
  let sum = 8 * 0x20;
  for (const [index, byte] of block.subarray(0, MAGIC_BYTES).entries()) if (index < 148 || index >= 156) sum += byte;
  const stated = parseInt(Buffer.from(block.subarray(148, 156)).toString('latin1').replaceAll('\0', ' ').trim(), 8);
  return stated === sum && sum > 8 * 0x20;
}
