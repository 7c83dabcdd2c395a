/** A socket that sends and receives frames: what is written at once leaves in few writes. */
import { connect, Socket } from 'node:net';
import type { ConnectOpts, OnReadOpts, SocketConstructorOpts } from 'node:net';
import { availableCpus } from '@ekiben/supervisor';
import { FrameReader, FrameWriter } from './frames.ts';
import type { OnFrame } from './frames.ts';
import { EARLY_FLUSH_BYTES, HIGH_WATER_BYTES, MAX_FRAME_BYTES, MAX_HELLO_BYTES } from './limits.ts';

/** On a single CPU the receiver could only start by stopping the sender. */
const EARLY_FLUSH = availableCpus() > 1 ? EARLY_FLUSH_BYTES : Infinity;

export interface FrameSocketOptions {
  /** One that was accepted, by a server with `pauseOnConnect`; or the path of one to connect to. */
  readonly socket: Socket | string;
  onFrame: OnFrame;
  /** Called once, when no more frames will come; with the error, if one ended the connection. */
  onClose(error: Error | undefined): void;
  /** What was held back by {@link FrameSocket.full} may be sent. */
  onDrain?(): void;
  /**
   * `turn`: what the whole turn of the event loop writes leaves together. `callback`: what one of its callbacks and the promises behind it
   * write, since the next may block.
   * @default 'turn'
   */
  readonly gather?: 'turn' | 'callback' | undefined;
}

export class FrameSocket {
  readonly #socket: Socket;
  readonly #writer = new FrameWriter();
  readonly #reader: FrameReader;
  readonly #gather: FrameSocketOptions['gather'];
  #willFlush = false;
  #error: Error | undefined;

  constructor({ socket, onFrame, onClose, onDrain, gather = 'turn' }: FrameSocketOptions) {
    this.#gather = gather;
    this.#reader = new FrameReader(onFrame, MAX_HELLO_BYTES);
    this.#socket = typeof socket === 'string' ? connect({ path: socket, onread: this.#onRead() }) : this.#adopt(socket);
    this.#socket.on('drain', () => onDrain?.());
    this.#socket.on('error', (error) => (this.#error ??= error));
    this.#socket.on('end', () => this.destroy());
    this.#socket.on('close', () => onClose(this.#error));
  }

  /** The peer said who it is: frames of any size may come. */
  trust(): void {
    this.#reader.limit = MAX_FRAME_BYTES;
  }

  /** More is waiting to be sent than should be: hold back until `onDrain`. */
  get full(): boolean {
    return this.#socket.writableNeedDrain && this.#socket.writableLength > HIGH_WATER_BYTES;
  }

  /** `write` fills the frame's body; when it throws, nothing of the frame is sent. */
  send(kind: number, id: number, write?: (to: FrameWriter) => void): void {
    this.#writer.open(kind, id);
    try {
      write?.(this.#writer);
    } catch (error) {
      this.#writer.abandon();
      throw error;
    }
    this.#writer.close();
    if (this.#writer.pending >= EARLY_FLUSH) this.flush();
    else if (!this.#willFlush) this.#flushSoon();
  }

  #flushSoon(): void {
    this.#willFlush = true;
    if (this.#gather === 'turn') setImmediate(this.flush);
    else process.nextTick(this.flush);
  }

  readonly flush = (): void => {
    this.#willFlush = false;
    if (this.#socket.destroyed || this.#writer.pending === 0) return;
    const segments = this.#writer.take();
    if (segments.length > 1) this.#socket.cork();
    for (const segment of segments) this.#socket.write(segment);
    if (segments.length > 1) this.#socket.uncork();
  };

  get isPaused(): boolean {
    return this.#socket.isPaused();
  }

  /** No more frames come until `resume`, not even those that have arrived; the peer feels it when the socket is full. */
  pause(): void {
    this.#socket.pause();
    this.#reader.pause();
  }

  resume(): void {
    this.#socket.resume();
    this.#read(() => this.#reader.resume());
  }

  /** Reads to where the reader wants it. */
  #onRead(): OnReadOpts {
    const callback = (length: number) => {
      this.#read(() => this.#reader.received(length));
      return true;
    };
    return { buffer: () => this.#reader.target(), callback };
  }

  /**
   * Node lets the one who makes a socket say where it reads to, but not the one who accepts it. So another socket takes over the
   * connection of the accepted one, which then only counts it for its server; without that a tensor of 1 MiB would be copied once more,
   * for a third of the throughput.
   */
  #adopt(accepted: Socket & { _handle?: unknown }): Socket {
    const { _handle: handle } = accepted;
    if (handle === undefined || handle === null) {
      accepted.on('data', (chunk: Buffer) => this.#read(() => this.#reader.push(chunk)));
      accepted.resume();
      return accepted;
    }
    accepted._handle = null;
    const taken: SocketConstructorOpts & ConnectOpts & { handle: unknown } = { handle, onread: this.#onRead() };
    return new Socket(taken).once('close', () => accepted.destroy());
  }

  /** A frame that makes no sense ends the connection, and nothing else. */
  #read(read: () => void): void {
    try {
      read();
    } catch (error) {
      this.destroy(error as Error);
    }
  }

  /** Sends what was written, then closes. */
  end(): void {
    this.flush();
    this.#socket.destroySoon();
  }

  destroy(error?: Error): void {
    this.#error ??= error;
    this.#socket.destroy();
  }
}
