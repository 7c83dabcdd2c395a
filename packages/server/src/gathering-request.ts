/**
 * A request whose body can be taken as the parser finds it.
 *
 * node:http hands the body on by `push`, as every Readable gets its data. For a small body the machinery behind it, some five turns of
 * the tick queue until 'end' and 'close', costs more than all of ours together. So a body that is wanted in one piece is caught at
 * `push`; any other goes its usual way through the stream.
 */
import { IncomingMessage } from 'node:http';

export interface BodySink {
  take(chunk: Uint8Array): void;
  end(): void;
  /** The client left before the end. */
  fail(error: Error | undefined): void;
}

export class GatheringRequest extends IncomingMessage {
  #sink: BodySink | null = null;
  #hasStreamed = false;
  #isTaken = false;

  /** False when some of the body is in the stream already; then it has to be read from there. */
  takeBody(sink: BodySink): boolean {
    if (this.#hasStreamed) return false;
    this.#sink = sink;
    return true;
  }

  /** Once the answer is out, node lets flow what nobody read; of a body that was taken there is nothing to let flow. */
  override resume(): this {
    return this.#isTaken ? this : super.resume();
  }

  /** What is still to come goes into the stream again. */
  releaseBody(): void {
    this.#sink = null;
  }

  override push(chunk: Uint8Array | null, encoding?: BufferEncoding): boolean {
    const sink = this.#sink;
    if (sink === null) {
      this.#hasStreamed = true;
      return super.push(chunk, encoding);
    }
    if (chunk !== null) {
      sink.take(chunk);
      return true;
    }
    // An idle connection keeps its last request, which must not keep the body.
    this.#sink = null;
    this.#isTaken = true;
    sink.end();
    return false;
  }

  override destroy(error?: Error): this {
    const sink = this.#sink;
    this.#sink = null;
    sink?.fail(error);
    return super.destroy(error);
  }
}
