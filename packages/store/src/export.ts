// Writes an item as an archive, to wherever it is asked for.
import { join, resolve } from 'node:path';
import { EkibenError } from '@ekiben/spec';
import { readChunks, walk } from './archive/folder.ts';
import { formatOfName, parseFormat, suffixOfFormat, type ArchiveFormat } from './archive/format.ts';
import type { PackItem } from './archive/pack-item.ts';
import { writeArchive } from './archive/write.ts';
import { counted } from './archive/through.ts';
import { isDirectory, isSpecialFile, writeNewFile, makeDirectory } from './files.ts';
import { LARGE_BYTES } from './limits.ts';
import { watcher, type TransferOptions } from './transfer.ts';
import { writeLocalFile, writeLocalFolder, writeStandardOutput } from './transport/local.ts';
import { parseLocation, showLocation, type Location } from './transport/location.ts';
import { defaultObjectTransport } from './transport/objects.ts';

export interface ExportOptions extends TransferOptions {
  /** `tar`, `gz`, `xz`, `bz2`, `zip`, `folder` or the native extension. @default by the name, else the native one, a tar.xz */
  readonly format?: string | undefined;
  /** How hard to compress, 0 to 9. @default 6; 1 from {@link LARGE_BYTES} on */
  readonly level?: number | undefined;
}

export interface Exported {
  /** `name:version` */
  readonly tag: string;
  /** Where it went: a path or an address; `-` for the standard output. */
  readonly location: string;
  readonly format: ArchiveFormat;
  /** Of the compression that was used. */
  readonly level: number;
  /** Bytes of the files that went into it. */
  readonly size: number;
}

const DEFAULT_LEVEL = 6;
const FAST_LEVEL = 1;

/** What is to be exported. */
export interface ExportSource {
  readonly tag: string;
  readonly name: string;
  readonly version: string;
  readonly creationTime: string;
  readonly items: readonly PackItem[];
  /** Of native archives: `bentomodel` or `bento`. */
  readonly extension: string;
}

/**
 * @param to - a path, a directory, `-` or `s3://bucket/key`. @default `name-version.<extension>` in the working directory
 * @throws EKIBEN_ARCHIVE_FORMAT_UNKNOWN, EKIBEN_LEVEL_INVALID, EKIBEN_LOCATION_INVALID, EKIBEN_PATH_NOT_FOUND, EKIBEN_PATH_EXISTS,
 *   EKIBEN_DISK_FULL, EKIBEN_XZ_UNAVAILABLE
 */
export async function exportItem(source: ExportSource, to: string, options: ExportOptions): Promise<Exported> {
  const size = source.items.reduce((sum, item) => sum + item.size, 0);
  const level = requireLevel(options.level ?? (size >= LARGE_BYTES ? FAST_LEVEL : DEFAULT_LEVEL));
  const { location, format } = await decideTarget(source, to, options.format);
  const items = watched(source.items, watcher(options, size));
  if (format === 'folder') {
    if (location.kind !== 'file') throw invalidFolder(location);
    await writeLocalFolder(location.path, (dir) => writeItems(items, dir));
  } else {
    const mtime = new Date(source.creationTime);
    await send(
      location,
      writeArchive(items, { format, level, mtime, oneByOne: location.kind === 'file' }),
      size,
      options,
    );
  }
  return { tag: source.tag, location: showLocation(location), format, level, size };
}

type Target = Exclude<Location, { readonly kind: 'https' }>;

/** Directories get a file named after the tag; a name that says no format gets the native extension, as in BentoML. */
async function decideTarget(
  { name, version, extension }: ExportSource,
  to: string,
  word: string | undefined,
): Promise<{ readonly location: Target; readonly format: ArchiveFormat }> {
  const asked = word === undefined ? undefined : parseFormat(word, extension);
  const native = asked === undefined || word === extension;
  const file = `${name}-${version}${native ? `.${extension}` : suffixOfFormat(asked)}`;
  const location = parseLocation(to === '' ? '.' : to);
  switch (location.kind) {
    case 'https':
      throw new EkibenError(
        'EKIBEN_LOCATION_INVALID',
        'https:// can only be imported from; export to a path or to s3://',
      );
    case 'standard':
      return { location, format: asked ?? 'xz' };
    case 's3': {
      const key = location.key === '' || location.key.endsWith('/') ? `${location.key}${file}` : location.key;
      const format = asked ?? formatOfName(key, extension) ?? 'xz';
      return { location: { ...location, key }, format };
    }
    case 'file': {
      const inside = to === '' || /[\\/]$/.test(to) || (asked !== 'folder' && (await isDirectory(location.path)));
      const path = inside ? join(location.path, file) : location.path;
      const format = asked ?? formatOfName(path, extension) ?? ((await isSpecialFile(path)) ? 'xz' : undefined);
      if (format !== undefined) return { location: { kind: 'file', path: resolve(path) }, format };
      return { location: { kind: 'file', path: resolve(`${path}.${extension}`) }, format: 'xz' };
    }
  }
}

async function send(
  target: Target,
  body: AsyncIterable<Uint8Array>,
  size: number,
  { s3, signal }: ExportOptions,
): Promise<void> {
  switch (target.kind) {
    case 'file':
      return writeLocalFile(target.path, body, signal);
    case 'standard':
      return writeStandardOutput(body, signal);
    case 's3': {
      const transport = s3 ?? (await defaultObjectTransport());
      // Headers and what does not compress can make an archive a little larger than its files.
      return transport.write(target.bucket, target.key, body, size * 1.1, signal);
    }
  }
}

/** Everything in a directory, the manifest first, so that who reads the archive as a stream meets it first. */
export async function packItems(dir: string, manifest: string, prefix = ''): Promise<PackItem[]> {
  const items: PackItem[] = [];
  for await (const { path, type, source, size, executable } of walk(dir)) {
    if (type !== 'file' && type !== 'directory') {
      throw new EkibenError(
        'EKIBEN_EXPORT_REFUSED',
        `${source} is a ${type}; only files and directories can be exported`,
      );
    }
    const item: PackItem = {
      path: `${prefix}${path}`,
      type,
      size,
      executable,
      body: (scratch) => readChunks(source, scratch),
    };
    if (path === manifest) items.unshift(item);
    else items.push(item);
  }
  return items;
}

function* watched(items: readonly PackItem[], watch: (bytes: number) => void): Generator<PackItem> {
  for (const item of items) yield { ...item, body: (scratch) => counted(unchanged(item, scratch), watch) };
}

/** Its size stands before a file in most archives, so it must not change any more. */
async function* unchanged({ path, size, body }: PackItem, scratch: Uint8Array | undefined): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const chunk of body(scratch)) {
    bytes += chunk.length;
    if (bytes > size) break;
    yield chunk;
  }
  if (bytes === size) return;
  throw new EkibenError('EKIBEN_EXPORT_REFUSED', `${path} changed while it was read: it had ${size} bytes`);
}

async function writeItems(items: Iterable<PackItem>, dir: string): Promise<void> {
  for (const { path, type, executable, body } of items) {
    if (type === 'directory') await makeDirectory(join(dir, path));
    else await writeNewFile(join(dir, path), body(), executable);
  }
}

function requireLevel(level: number): number {
  if (Number.isInteger(level) && level >= 0 && level <= 9) return level;
  throw new EkibenError('EKIBEN_LEVEL_INVALID', `a compression level is a whole number from 0 to 9, not ${level}`);
}

function invalidFolder(location: Location): EkibenError {
  return new EkibenError(
    'EKIBEN_LOCATION_INVALID',
    `a folder cannot be exported to ${showLocation(location)}, only to a path`,
  );
}
