/** The caller's connections to all workers of a runner. Each call takes the one with the fewest calls in flight. */
import { setTimeout as sleep } from 'node:timers/promises';
import { onAbort } from '@ekiben/batching';
import { EkibenError } from '@ekiben/spec';
import { throwIfOver } from './call.ts';
import type { Call } from './call.ts';
import { outcomeOf } from './channels.ts';
import type { EndCall } from './channels.ts';
import type { Hello } from './call-frames.ts';
import type { Target } from './core.ts';
import { HOLD_CALLS_MS, MAX_HELD_CALLS } from './limits.ts';
import { WorkerConnection } from './worker-connection.ts';

/** The longest that Node's timers take. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Between attempts to reach a worker that should be there. */
const RECONNECT_MS = 50;

export class WorkerPool implements Target {
  readonly #hello: Hello;
  readonly #links = new Map<string, Link>();
  /** The same, to be gone through by every call. */
  #list: readonly Link[] = [];
  /** The ends of those whose workers are no longer asked, and may still owe answers. */
  readonly #leaving = new Set<Promise<void>>();
  /** Calls that came while no worker was there; each wakes to look again. */
  readonly #held = new Set<() => void>();
  #turn = 0;
  #down: Error | null = null;
  #closed = false;

  constructor(hello: Hello) {
    this.#hello = hello;
  }

  /** Whether a call would be sent at once. */
  get isReady(): boolean {
    return this.#choose('', {}) !== null;
  }

  /**
   * Says which workers there are now.
   * @param sockets - paths; those that are new are connected, those that are missing are left after the answers to calls under way
   * @param down - why there will be none, if that is so: calls are not held then, but refused
   */
  update(sockets: readonly string[], down: Error | null = null): void {
    if (this.#closed) return;
    this.#down = down;
    for (const [socket, link] of this.#links) {
      if (sockets.includes(socket)) continue;
      this.#links.delete(socket);
      const left = link.close().finally(() => this.#leaving.delete(left));
      this.#leaving.add(left);
    }
    for (const socket of sockets) {
      if (!this.#links.has(socket)) this.#links.set(socket, new Link(socket, this.#hello, () => this.#wake()));
    }
    this.#list = [...this.#links.values()];
    if (down !== null) this.#wake();
  }

  call(method: string, args: readonly unknown[], call: Call, end: EndCall = null): Promise<unknown> {
    const connection = this.#choose(method, call);
    if (connection !== null && !connection.isFull) return connection.call(method, args, call, end);
    return this.#free(method, call).then(
      (free) => free.call(method, args, call, end),
      (error: unknown) => {
        end?.(outcomeOf(call.signal), error);
        throw error;
      },
    );
  }

  async *stream(method: string, args: readonly unknown[], call: Call): AsyncGenerator<unknown, void> {
    const connection = await this.#free(method, call);
    yield* connection.stream(method, args, call);
  }

  /** Resolves when calls can be sent. @throws why they cannot */
  async ready(): Promise<void> {
    await this.#free('', {});
  }

  /** Takes no more calls and waits for the answers to those under way. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#wake();
    await Promise.all([...this.#leaving, ...this.#list.map((link) => link.close())]);
  }

  /** The open connection with the fewest calls in flight; those with equally many take turns. One that refuses the call if all do. */
  #choose(method: string, call: Call): WorkerConnection | null {
    let best: WorkerConnection | null = null;
    let fewest = Infinity;
    let refusing: WorkerConnection | null = null;
    const links = this.#list;
    const start = this.#turn++ % (links.length || 1);
    for (let i = 0; i < links.length; i++) {
      const connection = links[(start + i) % links.length]?.connection ?? null;
      if (connection === null || !connection.isOpen || connection.inFlight >= fewest) continue;
      if (connection.refuses(method, call)) {
        refusing = connection;
        continue;
      }
      best = connection;
      fewest = connection.inFlight;
    }
    return best ?? refusing;
  }

  async #free(method: string, call: Call): Promise<WorkerConnection> {
    const until = performance.now() + HOLD_CALLS_MS;
    for (;;) {
      throwIfOver(call);
      const connection = this.#choose(method, call);
      if (connection === null) await this.#hold(until, call);
      else if (connection.isFull) await waitUnlessOver(call, Infinity, (wake) => connection.onDrain(wake));
      else return connection;
    }
  }

  /** Waits until there may be a worker. @throws EKIBEN_RUNNER_DOWN */
  async #hold(until: number, call: Call): Promise<void> {
    const { runner } = this.#hello;
    if (this.#closed) throw runnerDown(runner, 'it was closed');
    if (this.#down !== null) throw runnerDown(runner, this.#down.message, this.#down);
    const unreachable = this.#list.find((link) => link.error !== null)?.error ?? undefined;
    if (until <= performance.now())
      throw runnerDown(runner, `none of its processes was there for ${HOLD_CALLS_MS} ms`, unreachable);
    if (EkibenError.is(unreachable) && unreachable.code === 'EKIBEN_RUNNER_MISMATCH') throw unreachable;
    if (this.#held.size >= MAX_HELD_CALLS)
      throw runnerDown(runner, `${MAX_HELD_CALLS} calls wait for a process already`);
    await waitUnlessOver(call, until, (wake) => {
      this.#held.add(wake);
      return () => this.#held.delete(wake);
    });
  }

  #wake(): void {
    for (const wake of this.#held) wake();
  }
}

/**
 * Resolves when `wait` wakes it, at `until`, or when the call is over: in any case it is time to look again.
 * @param wait - gives what forgets it
 */
function waitUnlessOver(
  { signal, deadline = Infinity }: Call,
  until: number,
  wait: (wake: () => void) => () => void,
): Promise<void> {
  return new Promise((resolve) => {
    const wake = () => {
      clearTimeout(timer);
      forgetSignal?.();
      forget();
      resolve();
    };
    const timer = setTimeout(wake, Math.min(Math.min(until, deadline) - performance.now(), MAX_TIMER_MS));
    const forgetSignal = signal && onAbort(signal, wake);
    const forget = wait(wake);
  });
}

/** A worker that should be reachable: connected as soon as it is, and again if that breaks. */
class Link {
  connection: WorkerConnection | null = null;
  /** Why the last attempt to connect failed. */
  error: Error | null = null;
  readonly #abort = new AbortController();
  readonly #over: Promise<void>;

  /** @param onChange - it was opened, or could not be */
  constructor(socket: string, hello: Hello, onChange: () => void) {
    this.#over = this.#keepOpen(socket, hello, onChange);
  }

  async close(): Promise<void> {
    this.#abort.abort();
    await this.connection?.close();
    await this.#over;
  }

  async #keepOpen(socket: string, hello: Hello, onChange: () => void): Promise<void> {
    const { signal } = this.#abort;
    while (!signal.aborted) {
      try {
        const connection = await WorkerConnection.open(socket, hello, signal);
        this.connection = connection;
        this.error = null;
        if (signal.aborted) return await connection.close();
        onChange();
        await connection.closed;
      } catch (error) {
        // It is gone, or not there yet; whether it should be there, `update` says.
        this.error = error as Error;
        onChange();
      }
      await sleep(RECONNECT_MS, undefined, { signal, ref: false }).catch(() => {});
    }
  }
}

function runnerDown(runner: string, why: string, cause?: Error): EkibenError {
  return new EkibenError('EKIBEN_RUNNER_DOWN', `Runner ${runner} takes no calls: ${why}.`, {
    details: { runner },
    cause,
  });
}
