/**
 * Lines to a stream, those of one turn of the event loop in few writes. Several processes may write to one pipe: a write is whole lines,
 * and short enough for the kernel to keep it together.
 */
import type { Writable } from 'node:stream';
import { MAX_LOG_BYTES, PIPE_BYTES } from './limits.ts';

export class LogWriter {
  readonly #stream: Writable;
  #lines = '';
  #willFlush = false;
  /** Nobody reads any more. */
  #isGone = false;

  constructor(stream: Writable) {
    this.#stream = stream;
    // A log that cannot be written, because its disk is full or its reader gone, is no reason to end.
    stream.on('error', ({ code }: NodeJS.ErrnoException) => (this.#isGone ||= code === 'EPIPE'));
  }

  /** @param line - with its end. One that a reader who does not read keeps waiting is dropped */
  write(line: string): void {
    if (this.#lines.length + line.length > PIPE_BYTES) this.flush();
    this.#lines += line;
    if (this.#willFlush) return;
    this.#willFlush = true;
    setImmediate(() => {
      this.#willFlush = false;
      this.flush();
    });
  }

  flush(): void {
    if (this.#lines === '') return;
    if (!this.#isGone && this.#stream.writableLength <= MAX_LOG_BYTES) this.#stream.write(this.#lines);
    this.#lines = '';
  }
}
