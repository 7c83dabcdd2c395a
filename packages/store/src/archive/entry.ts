// One file or directory of an archive, whatever the format; and the rules by which a store accepts it.
import { EkibenError } from '@ekiben/spec';
import { ARCHIVE_LIMITS, NAME_MAX_BYTES, RATIO_COUNTS_FROM_BYTES, type ArchiveLimits } from '../limits.ts';

export interface ArchiveEntry {
  /** As the archive has it, not yet checked. */
  readonly path: string;
  /** `file`, `directory`, or what else the archive calls it. */
  readonly type: string;
  readonly executable: boolean;
  /** Empty for a directory. Must be read to its end before the next entry. */
  readonly body: AsyncIterable<Uint8Array>;
}

/** Counts and checks what comes out of one archive. */
export interface ArchiveGuard {
  /**
   * The entry's path, relative, with `/`, safe on every system; `''` for the archive's root.
   * @throws EKIBEN_ARCHIVE_ENTRY_REFUSED, EKIBEN_ARCHIVE_TOO_LARGE
   */
  admit(entry: Pick<ArchiveEntry, 'path' | 'type'>): string;
  /** Counts bytes of the archive itself. */
  packed(bytes: number): void;
  /**
   * Counts bytes that came out of it.
   * @throws EKIBEN_ARCHIVE_TOO_LARGE
   */
  unpacked(bytes: number): void;
}

export function createArchiveGuard(limits: ArchiveLimits = {}): ArchiveGuard {
  const maxBytes = limits.maxBytes ?? ARCHIVE_LIMITS.maxBytes;
  const maxEntries = limits.maxEntries ?? ARCHIVE_LIMITS.maxEntries;
  const maxDepth = limits.maxDepth ?? ARCHIVE_LIMITS.maxDepth;
  const maxRatio = limits.maxRatio ?? ARCHIVE_LIMITS.maxRatio;
  const seen: Seen = new Map();
  let entries = 0;
  let packed = 0;
  let unpacked = 0;

  return {
    admit({ path, type }) {
      if (++entries > maxEntries) throw tooLarge(`it has more than ${maxEntries} entries`, 'maxEntries');
      if (type !== 'file' && type !== 'directory') {
        throw refused(path, `it is a ${type}; only files and directories are read`);
      }
      const segments = safeSegments(path);
      if (segments.length > maxDepth) throw refused(path, `it lies deeper than ${maxDepth} directories`);
      if (segments.length === 0) {
        if (type === 'file') throw refused(path, 'it has no name');
        return '';
      }
      remember(seen, segments, type, path);
      return segments.join('/');
    },
    packed(bytes) {
      packed += bytes;
    },
    unpacked(bytes) {
      unpacked += bytes;
      if (unpacked > maxBytes) throw tooLarge(`it unpacks to more than ${maxBytes} bytes`, 'maxBytes');
      if (unpacked > RATIO_COUNTS_FROM_BYTES && unpacked > maxRatio * packed) {
        throw tooLarge(`it unpacks to more than ${maxRatio} times its size`, 'maxRatio');
      }
    },
  };
}

/** By the path in one case and one Unicode form. */
type Seen = Map<string, { readonly path: string; readonly type: string }>;

/** Refuses what would meet on a file system that folds case or Unicode normal forms. */
function remember(seen: Seen, segments: readonly string[], type: string, raw: string): void {
  for (let depth = 1; depth <= segments.length; depth++) {
    const path = segments.slice(0, depth).join('/');
    const last = depth === segments.length;
    const kind = last ? type : 'directory';
    const key = path.normalize('NFC').toLowerCase();
    const before = seen.get(key);
    if (before === undefined) {
      seen.set(key, { path, type: kind });
    } else if (before.path !== path) {
      throw refused(raw, `it differs from '${before.path}' only in capitals or in its Unicode form`);
    } else if (before.type !== kind) {
      throw refused(raw, `'${path}' is both a file and a directory`);
    } else if (last && kind === 'file') {
      throw refused(raw, 'the archive has it twice');
    }
  }
}

/** Windows reserves these names for devices, with any extension. */
const WINDOWS_DEVICE = /^(?:con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(?:\.|$)/i;
/** What Windows forbids, control characters, and what is left of bytes that are not UTF-8. */
const FORBIDDEN = /[<>:"|?*\p{Cc}\ufffd]/u;

function safeSegments(path: string): string[] {
  if (path.includes('\\')) throw refused(path, "it has a '\\'");
  if (path.startsWith('/')) throw refused(path, 'it is absolute');
  if (/^[a-z]:/i.test(path)) throw refused(path, 'it names a drive');
  const segments = path.split('/').filter((segment) => segment !== '' && segment !== '.');
  for (const segment of segments) {
    if (segment === '..') throw refused(path, "it climbs out of the archive by '..'");
    if (FORBIDDEN.test(segment)) throw refused(path, 'it has a character that is not allowed in a name on Windows');
    if (/[. ]$/.test(segment)) throw refused(path, `'${segment}' ends in a dot or space, which Windows drops`);
    if (WINDOWS_DEVICE.test(segment)) throw refused(path, `'${segment}' is the name of a device on Windows`);
    if (Buffer.byteLength(segment) > NAME_MAX_BYTES) {
      throw refused(path, `a name in it is longer than ${NAME_MAX_BYTES} bytes`);
    }
  }
  return segments;
}

function refused(path: string, why: string): EkibenError {
  const shown = JSON.stringify(path.length > 200 ? `${path.slice(0, 200)}…` : path);
  return new EkibenError('EKIBEN_ARCHIVE_ENTRY_REFUSED', `the entry ${shown} is refused: ${why}`);
}

function tooLarge(why: string, limit: keyof ArchiveLimits): EkibenError {
  return new EkibenError(
    'EKIBEN_ARCHIVE_TOO_LARGE',
    `the archive is refused: ${why}; if you trust it, raise the limit '${limit}'`,
    { details: { limit } },
  );
}
