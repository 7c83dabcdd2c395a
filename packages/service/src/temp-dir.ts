/** A directory of a request's own. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Reply } from './exchange.ts';
import { isStream } from './reply-body.ts';

export class TempDir {
  /** Resolves with its path. */
  readonly made = mkdtemp(join(tmpdir(), 'ekiben-'));

  /** Removes it when the answer, which may be read from it, has left. */
  removeAfter(reply: Reply): Reply {
    if (isStream(reply.body)) return { ...reply, body: this.#during(reply.body) };
    void this.remove();
    return reply;
  }

  /** Never rejects: what cannot be removed is the system's to clean up. */
  async remove(): Promise<void> {
    await this.made.then((path) => rm(path, { recursive: true, force: true })).catch(() => {});
  }

  /** The same stream. Its `return` is reached even when nobody has asked for a chunk, unlike the `finally` of a generator. */
  #during(body: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
    const chunks = body[Symbol.asyncIterator]();
    const iterator: AsyncIterator<Uint8Array> = {
      next: async () => {
        try {
          const next = await chunks.next();
          if (next.done === true) await this.remove();
          return next;
        } catch (error) {
          await this.remove();
          throw error;
        }
      },
      return: async () => {
        await chunks.return?.();
        await this.remove();
        return { done: true, value: undefined };
      },
    };
    return { [Symbol.asyncIterator]: () => iterator };
  }
}
