// The formats of an archive: by content when reading, by name or by word when writing.
import { EkibenError } from '@ekiben/spec';

/** `gz`, `xz` and `bz2` are compressed tar. */
export type ArchiveFormat = 'tar' | 'gz' | 'xz' | 'bz2' | 'zip' | 'folder';

/** How many bytes {@link detectFormat} wants to see: a tar header. */
export const MAGIC_BYTES = 512;

const MAGIC: readonly (readonly [Exclude<ArchiveFormat, 'tar' | 'folder'>, readonly number[]])[] = [
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
export function detectFormat(start: Uint8Array): Exclude<ArchiveFormat, 'folder'> {
  for (const [format, magic] of MAGIC) {
    if (magic.every((byte, index) => start[index] === byte)) return format;
  }
  if (isTarHeader(start)) return 'tar';
  throw new EkibenError(
    'EKIBEN_ARCHIVE_FORMAT_UNKNOWN',
    start.length === 0 ? 'it is empty' : 'it is not an archive: it begins like none of tar, gz, xz, bz2 and zip',
  );
}

/** By its checksum, since the oldest form of tar has no magic. */
function isTarHeader(block: Uint8Array): boolean {
  if (block.length < MAGIC_BYTES) return false;
  const stated = parseInt(Buffer.from(block.subarray(148, 156)).toString('latin1').replaceAll('\0', ' ').trim(), 8);
  let sum = 8 * 0x20;
  for (const [index, byte] of block.subarray(0, MAGIC_BYTES).entries()) if (index < 148 || index >= 156) sum += byte;
  return stated === sum && sum > 8 * 0x20;
}

const SUFFIXES: readonly (readonly [ArchiveFormat, readonly string[]])[] = [
  ['xz', ['xz', 'txz']],
  ['gz', ['gz', 'tgz']],
  ['bz2', ['bz2', 'tbz', 'tbz2']],
  ['tar', ['tar']],
  ['zip', ['zip']],
];

/** By a file's name; undefined when it says nothing. `extension` is the native one of the store. */
export function formatOfName(name: string, extension: string): ArchiveFormat | undefined {
  const suffix = /\.([a-z0-9]+)$/i.exec(name)?.[1]?.toLowerCase();
  if (suffix === undefined) return undefined;
  if (suffix === extension) return 'xz';
  return SUFFIXES.find(([, suffixes]) => suffixes.includes(suffix))?.[0];
}

/**
 * By BentoML's words for formats: `tar`, `gz`, `xz`, `bz2`, `zip`, `folder`, the native extension, and `tar.gz` and the like.
 * @throws EKIBEN_ARCHIVE_FORMAT_UNKNOWN
 */
export function parseFormat(word: string, extension: string): ArchiveFormat {
  const short = word.toLowerCase().replace(/^tar\./, '');
  if (short === extension) return 'xz';
  const format = (['tar', 'gz', 'xz', 'bz2', 'zip', 'folder'] as const).find((each) => each === short);
  if (format !== undefined) return format;
  throw new EkibenError(
    'EKIBEN_ARCHIVE_FORMAT_UNKNOWN',
    `${JSON.stringify(word)} is not a format; use ${extension}, tar, gz, xz, bz2, zip or folder`,
  );
}

/** What a file of a format is called when only a directory was given. */
export function suffixOfFormat(format: ArchiveFormat): string {
  return { tar: '.tar', gz: '.tar.gz', xz: '.tar.xz', bz2: '.tar.bz2', zip: '.zip', folder: '' }[format];
}
