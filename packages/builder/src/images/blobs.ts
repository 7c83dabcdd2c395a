// Blobs by their digest, kept for the next image: layers of bases, Node, and our own.
import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, readFile, readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { EkibenError } from '@ekiben/spec';
import { invalidImage, isDigest, type Descriptor } from './manifest.ts';

/** What no image has used for so long goes. */
const KEPT_MS = 30 * 24 * 60 * 60 * 1000;
/** A file system may store times to the second only; to touch a file more often is of no use. */
const TOUCHED_MS = 60 * 60 * 1000;

export class BlobCache {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Where unfinished uploads are remembered. */
  get sessions(): string {
    return join(this.#directory, 'uploads');
  }

  path(digest: string): string {
    if (!isDigest(digest)) throw new TypeError(`${String(digest)} is no digest`);
    return join(this.#directory, 'blobs', digest.replace(':', '/'));
  }

  async has({ digest, size }: Pick<Descriptor, 'digest' | 'size'>): Promise<boolean> {
    return (await this.#used(this.path(digest)))?.size === size;
  }

  open(digest: string, from = 0, to = Infinity): AsyncIterable<Uint8Array> {
    if (from >= to) return Readable.from([]);
    return createReadStream(this.path(digest), { start: from, end: to - 1 });
  }

  /**
   * Stores what comes, under the digest that it turns out to have.
   * @throws EKIBEN_IMAGE_INVALID when it is not what was expected, EKIBEN_IMAGE_DISK_FULL, EKIBEN_IMAGE_SAVE_FAILED
   */
  async add(
    source: AsyncIterable<Uint8Array>,
    expected?: { readonly digest: string; readonly size: number; readonly where: string },
  ): Promise<{ readonly digest: string; readonly size: number }> {
    const draft = join(this.#directory, 'drafts', randomUUID());
    const hash = createHash('sha256');
    let size = 0;
    const measured = async function* (): AsyncGenerator<Uint8Array> {
      for await (const chunk of source) {
        size += chunk.length;
        if (expected !== undefined && size > expected.size) break;
        hash.update(chunk);
        yield chunk;
      }
    };
    try {
      await mkdir(dirname(draft), { recursive: true });
      await pipeline(measured, createWriteStream(draft));
      const digest = `sha256:${hash.digest('hex')}`;
      if (expected !== undefined && (size !== expected.size || digest !== expected.digest)) {
        throw invalidImage(
          expected.where,
          `${expected.digest} does not have the bytes that its digest and size promise`,
        );
      }
      await mkdir(dirname(this.path(digest)), { recursive: true });
      await rename(draft, this.path(digest));
      return { digest, size };
    } catch (error) {
      await rm(draft, { force: true }).catch(() => {});
      throw notWritten(error, this.#directory);
    }
  }

  /** What was found out once, and what it is called by says on what it depends; undefined when it is not known. */
  async recall(kind: string, key: string): Promise<unknown> {
    const file = this.#note(kind, key);
    if ((await this.#used(file)) === undefined) return undefined;
    return JSON.parse(await readFile(file, 'utf8')) as unknown;
  }

  async remember(kind: string, key: string, value: unknown): Promise<void> {
    const file = this.#note(kind, key);
    const draft = `${file}.${randomUUID()}`;
    try {
      await mkdir(dirname(file), { recursive: true });
      await writeFile(draft, JSON.stringify(value));
      await rename(draft, file);
    } catch (error) {
      await rm(draft, { force: true }).catch(() => {});
      throw notWritten(error, this.#directory);
    }
  }

  /** Removes what no image has used for a month. */
  async prune(now = Date.now()): Promise<void> {
    const names = await readdir(this.#directory, { recursive: true }).catch(() => []);
    for (const name of names) {
      const file = join(this.#directory, name);
      const stats = await stat(file).catch(() => undefined);
      if (stats?.isFile() === true && now - stats.mtimeMs > KEPT_MS) await rm(file, { force: true });
    }
  }

  #note(kind: string, key: string): string {
    return join(this.#directory, kind, `${createHash('sha256').update(key).digest('hex')}.json`);
  }

  async #used(file: string): Promise<{ readonly size: number } | undefined> {
    const stats = await stat(file).catch(() => undefined);
    if (stats === undefined || !stats.isFile()) return undefined;
    const now = Date.now();
    // Another process may remove it at this very moment.
    if (now - stats.mtimeMs > TOUCHED_MS) await utimes(file, now / 1000, now / 1000).catch(() => {});
    return stats;
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: 'no space is left on the disk',
  EDQUOT: 'the disk quota is used up',
  EACCES: 'writing there is not allowed',
  EPERM: 'writing there is not allowed',
  EROFS: 'the file system is read-only',
  EFBIG: 'the file system takes no files so large',
  ENOTDIR: 'a part of the path is a file',
  EEXIST: 'a part of the path is a file',
  EISDIR: 'a directory is there',
};

/** What a file system refuses, as one of our errors; everything else as it is. */
export function notWritten(error: unknown, path: string): unknown {
  const { code = '' } = error as NodeJS.ErrnoException;
  const why = REASONS[code];
  if (why === undefined) return error;
  const isFull = code === 'ENOSPC' || code === 'EDQUOT';
  return new EkibenError(
    isFull ? 'EKIBEN_IMAGE_DISK_FULL' : 'EKIBEN_IMAGE_SAVE_FAILED',
    `${path} cannot be written: ${why}.`,
    { cause: error },
  );
}
