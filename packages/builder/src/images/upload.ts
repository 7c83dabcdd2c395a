// A blob into a registry. In one piece, as every registry takes it; a large one in parts, so that a connection that breaks does not
// lose all of it. Not every registry can do parts: GHCR takes none above 4 MiB, ECR drops all but the first. What the registry says
// it has is therefore compared with what it was sent, and where the two differ the blob goes in one piece.
import { createHash } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { EkibenError } from '@ekiben/spec';
import { readBody, type HttpResponse } from './http.ts';
import type { Blob } from './layout.ts';
import type { Registry } from './registry.ts';

export interface UploadOptions {
  /** Another repository of the same registry that is likely to have the blob. */
  readonly mountFrom?: string | undefined;
  /** A directory in which unfinished uploads are remembered. */
  readonly sessions: string;
  readonly onProgress?: ((done: number) => void) | undefined;
  readonly partBytes?: number | undefined;
  readonly pauseMs?: number | undefined;
}

const PART_BYTES = 16 * 1024 ** 2;
/** Up to so many parts, one piece costs less than what is asked and answered for parts. */
const PARTS_FROM = 2;
const TRIES = 5;
const PAUSE_MS = 500;

export type Uploaded = 'there' | 'mounted' | 'uploaded';

/** @throws EKIBEN_REGISTRY_DENIED, EKIBEN_REGISTRY_FAILED */
export async function uploadBlob(registry: Registry, blob: Blob, options: UploadOptions): Promise<Uploaded> {
  if (await registry.hasBlob(blob.digest)) return 'there';
  if (options.mountFrom !== undefined && options.mountFrom !== registry.repository) {
    const query = new URLSearchParams({ mount: blob.digest, from: options.mountFrom });
    const response = await registry.request(`blobs/uploads/?${query.toString()}`, { method: 'POST', expects: [404] });
    await readBody(response);
    if (response.status === 201) return 'mounted';
  }
  const upload = new Upload(registry, blob, options);
  if (!(await upload.inParts())) await upload.whole();
  return 'uploaded';
}

/** Registries that were found not to take parts. */
const wholeOnly = new Set<string>();

interface Session {
  readonly location: string;
  /** Bytes that the registry has. */
  readonly offset: number;
}

class Upload {
  readonly #registry: Registry;
  readonly #blob: Blob;
  readonly #options: UploadOptions;
  readonly #file: string;

  constructor(registry: Registry, blob: Blob, options: UploadOptions) {
    this.#registry = registry;
    this.#blob = blob;
    this.#options = options;
    const id = `${registry.name}/${registry.repository}@${blob.digest}`;
    this.#file = join(options.sessions, `${createHash('sha256').update(id).digest('hex')}.json`);
  }

  /** All of it in one request; when that fails, all of it again. */
  async whole(): Promise<void> {
    await this.#trying(async () => {
      const { location } = await this.#begin();
      await this.#finish(location, 0);
    });
  }

  /** @returns whether the registry took it so */
  async inParts(): Promise<boolean> {
    const { size } = this.#blob;
    const part = this.#options.partBytes ?? PART_BYTES;
    if (size <= part * PARTS_FROM || wholeOnly.has(this.#registry.name)) return false;
    let session = await this.#remembered();
    const isTaken = await this.#trying(async () => {
      session = session === undefined ? await this.#begin() : await this.#continued(session);
      while (size - session.offset > part) {
        const next: Session | undefined = await this.#sendPart(session, session.offset + part);
        if (next === undefined) return false;
        session = next;
        await this.#remember(session);
      }
      await this.#finish(session.location, session.offset);
      return true;
    });
    if (!isTaken) wholeOnly.add(this.#registry.name);
    await rm(this.#file, { force: true });
    return isTaken;
  }

  /** Anew, unless it is refused for good; the requests in it are therefore made once. */
  async #trying<T>(work: () => Promise<T>): Promise<T> {
    for (let failures = 1; ; failures++) {
      try {
        return await work();
      } catch (error) {
        if (!EkibenError.is(error) || error.code !== 'EKIBEN_REGISTRY_FAILED' || failures === TRIES) throw error;
        const { signal } = this.#registry;
        const pause = (this.#options.pauseMs ?? PAUSE_MS) * 2 ** (failures - 1);
        await sleep(pause, undefined, { ...(signal !== undefined && { signal }) });
      }
    }
  }

  async #begin(): Promise<Session> {
    const response = await this.#registry.request('blobs/uploads/', { method: 'POST', again: false });
    await readBody(response);
    return { location: locationOf(response), offset: 0 };
  }

  /** @returns undefined when the registry does not have what it was sent */
  async #sendPart({ location, offset }: Session, to: number): Promise<Session | undefined> {
    const response = await this.#registry.request(location, {
      method: 'PATCH',
      headers: { 'content-type': 'application/octet-stream', 'content-range': `${offset}-${to - 1}` },
      body: this.#body(offset, to),
      again: false,
      expects: [400, 404, 405, 411, 413, 416],
    });
    await readBody(response);
    if (response.status >= 300 || receivedBy(response) !== to) return undefined;
    return { location: locationOf(response), offset: to };
  }

  async #finish(location: string, offset: number): Promise<void> {
    const url = new URL(location);
    url.searchParams.set('digest', this.#blob.digest);
    const headers = {
      'content-type': 'application/octet-stream',
      ...(offset > 0 && { 'content-range': `${offset}-${this.#blob.size - 1}` }),
    };
    const body = this.#body(offset, this.#blob.size);
    await readBody(await this.#registry.request(url.href, { method: 'PUT', headers, body, again: false }));
  }

  #body(from: number, to: number): { size: number; open: () => AsyncIterable<Uint8Array> } {
    const { onProgress } = this.#options;
    const open = this.#blob.open.bind(this.#blob);
    return {
      size: to - from,
      open: async function* () {
        let done = from;
        for await (const chunk of open(from, to)) {
          yield chunk;
          done += chunk.length;
          onProgress?.(done);
        }
      },
    };
  }

  /** What the registry has of an upload that was broken off; a new one where it has forgotten it. */
  async #continued({ location }: Session): Promise<Session> {
    const response = await this.#registry.request(location, { expects: [400, 404, 405, 416], again: false });
    await readBody(response);
    const received = response.status < 300 ? receivedBy(response) : undefined;
    if (received === undefined || received > this.#blob.size) return this.#begin();
    return { location: response.headers.location === undefined ? location : locationOf(response), offset: received };
  }

  async #remembered(): Promise<Session | undefined> {
    try {
      const { location, offset } = JSON.parse(await readFile(this.#file, 'utf8')) as Partial<Session>;
      return typeof location === 'string' && typeof offset === 'number' && URL.canParse(location)
        ? { location, offset }
        : undefined;
    } catch {
      return undefined;
    }
  }

  /** The address lets whoever knows it write into the upload. */
  async #remember(session: Session): Promise<void> {
    await mkdir(this.#options.sessions, { recursive: true });
    await writeFile(this.#file, JSON.stringify(session), { mode: 0o600 });
  }
}

/** @throws EKIBEN_REGISTRY_FAILED */
function locationOf({ url, headers }: HttpResponse): string {
  const { location } = headers;
  const target = location !== undefined && URL.canParse(location, url.href) ? new URL(location, url.href) : undefined;
  if (target !== undefined && (target.protocol === 'https:' || target.protocol === url.protocol)) return target.href;
  throw new EkibenError('EKIBEN_REGISTRY_FAILED', `${url.host} does not say where a blob is to be sent.`);
}

/** `Range: 0-99` is of 100 bytes; but `0-0` of none, since nothing cannot be said otherwise. */
function receivedBy({ headers }: HttpResponse): number | undefined {
  const [, last] = /^(?:bytes=)?0-(\d+)$/.exec(String(headers.range ?? '')) ?? [];
  if (last === undefined) return undefined;
  return last === '0' ? 0 : Number(last) + 1;
}
