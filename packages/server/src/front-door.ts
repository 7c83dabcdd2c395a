/**
 * The one port of several API workers: the supervisor accepts, and hands each connection to the next worker.
 *
 * A worker that accepts from a shared socket by itself would spare this, but the kernel wakes them as it likes: of 32 connections
 * opened at once, one worker may get all. `reusePort` is fair only on average, needs Node 23, and resets what waits at a worker that
 * ends. Here the socket outlives every worker: while none is ready, connections wait. What it costs, a message for each connection,
 * keep-alive makes up for; requests do not pass through here.
 */
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import type { Child } from '@ekiben/supervisor';
import { bind } from './bind.ts';
import type { Address, AddressOptions } from './bind.ts';
import { MAX_WAITING_CONNECTIONS, SILENT_MS } from './limits.ts';

export class FrontDoor {
  readonly #server: Server;
  readonly #workers: () => readonly Child[];
  readonly #waiting = new Set<Socket>();
  #turn = 0;

  /** @param workers - those that take connections now */
  constructor(workers: () => readonly Child[]) {
    this.#workers = workers;
    // Paused: what the client sends is the worker's to read.
    this.#server = createServer({ pauseOnConnect: true, noDelay: true }, (socket) => {
      socket.on('error', () => {}); // its client left
      this.#admit(socket);
    });
  }

  /** @throws EKIBEN_PORT_IN_USE, EKIBEN_LISTEN_FAILED */
  open(options: AddressOptions): Promise<Address> {
    return bind(this.#server, options);
  }

  /** The workers have changed. */
  admitWaiting(): void {
    for (const socket of this.#waiting) {
      if (!this.#hand(socket)) return;
      this.#waiting.delete(socket);
    }
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#waiting) socket.destroy();
  }

  #admit(socket: Socket): void {
    if (this.#hand(socket)) return;
    if (this.#waiting.size >= MAX_WAITING_CONNECTIONS || !this.#server.listening) socket.destroy();
    else this.#waiting.add(socket);
  }

  #hand(socket: Socket): boolean {
    const all = this.#workers();
    const since = performance.now() - SILENT_MS;
    const awake = all.filter(({ lastSign }) => lastSign > since);
    const workers = awake.length > 0 ? awake : all;
    this.#turn += 1;
    const worker = workers[this.#turn % workers.length];
    void worker?.hand(CONNECTION, socket).then((taken) => taken || this.#admit(socket));
    return worker !== undefined;
  }
}

/** The message that goes with a connection. */
export const CONNECTION = 'connection';
