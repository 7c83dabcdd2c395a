// Reads an archive, from wherever it is, into a draft.
import { join } from 'node:path';
import { EkibenError, type ErrorCode } from '@ekiben/spec';
import { createArchiveGuard, type ArchiveEntry, type ArchiveGuard } from './archive/entry.ts';
import { readFolder } from './archive/folder.ts';
import { readArchive } from './archive/read.ts';
import { counted, stoppable } from './archive/through.ts';
import type { StoreDraft } from './draft.ts';
import { isDirectory, makeDirectory } from './files.ts';
import { readManifestIn, type ManifestKind } from './ground.ts';
import type { ItemInfo } from './kind.ts';
import type { ArchiveLimits } from './limits.ts';
import { watcher, type TransferOptions } from './transfer.ts';
import { readHttps, type HttpsOptions } from './transport/https.ts';
import { readLocalFile, readStandardInput } from './transport/local.ts';
import { parseLocation, type Location } from './transport/location.ts';
import { defaultObjectTransport } from './transport/objects.ts';
import type { ByteSource } from './transport/transport.ts';

export interface ImportOptions extends TransferOptions {
  /** Replaces an item of the same tag and other content. @default false */
  readonly force?: boolean | undefined;
  readonly limits?: ArchiveLimits | undefined;
  readonly https?: HttpsOptions | undefined;
}

/** A path of an archive or a directory, `-`, `s3://bucket/key`, `https://…`; or the bytes of an archive. */
export type ImportSource = string | AsyncIterable<Uint8Array>;

export async function unpackInto(
  draft: StoreDraft,
  source: ImportSource,
  kind: ManifestKind<ItemInfo>,
  options: ImportOptions,
): Promise<void> {
  const guard = createArchiveGuard(options.limits);
  for await (const entry of await openEntries(source, guard, join(draft.root, 'spool'), kind, options)) {
    const path = guard.admit(entry);
    if (entry.type === 'directory') await makeDirectory(join(draft.dir, path));
    else await draft.add(path, entry.body, entry.executable);
  }
}

async function openEntries(
  source: ImportSource,
  guard: ArchiveGuard,
  spool: string,
  kind: ManifestKind<ItemInfo>,
  options: ImportOptions,
): Promise<AsyncIterable<ArchiveEntry>> {
  if (typeof source !== 'string') {
    return readArchive(counted(stoppable(source, options.signal), watcher(options, undefined)), guard, spool);
  }
  const location = parseLocation(source);
  if (location.kind === 'file' && (await isDirectory(location.path))) {
    // Looked at first: a mistyped folder may hold all of a disk.
    await readManifestIn(kind, location.path, kind.manifest);
    return watched(readFolder(location.path), watcher(options, undefined));
  }
  const { body, size } = await openBytes(location, options);
  return readArchive(counted(stoppable(body, options.signal), watcher(options, size)), guard, spool);
}

async function openBytes(location: Location, { s3, https, signal }: ImportOptions): Promise<ByteSource> {
  switch (location.kind) {
    case 'file':
      return readLocalFile(location.path);
    case 'standard':
      return readStandardInput();
    case 's3':
      return (s3 ?? (await defaultObjectTransport())).read(location.bucket, location.key, signal);
    case 'https':
      return readHttps(location.url, https, signal);
  }
}

async function* watched(
  entries: AsyncIterable<ArchiveEntry>,
  watch: (bytes: number) => void,
): AsyncGenerator<ArchiveEntry> {
  for await (const entry of entries) yield { ...entry, body: counted(entry.body, watch) };
}

const ABOUT_THE_ARCHIVE: readonly ErrorCode[] = [
  'EKIBEN_ARCHIVE_CORRUPT',
  'EKIBEN_ARCHIVE_ENTRY_REFUSED',
  'EKIBEN_ARCHIVE_FORMAT_UNKNOWN',
  'EKIBEN_ARCHIVE_TOO_LARGE',
  'EKIBEN_MANIFEST_INVALID',
  'EKIBEN_TAG_INVALID',
];

/** Says which archive an error is about. */
export function namingSource(error: unknown, source: ImportSource): unknown {
  if (typeof source !== 'string' || !EkibenError.is(error) || !ABOUT_THE_ARCHIVE.includes(error.code)) return error;
  return new EkibenError(error.code, `cannot import ${source}: ${error.message}`, {
    details: error.details,
    cause: error,
  });
}
