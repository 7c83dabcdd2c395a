import { childEvents } from './channel.ts';
import type { ChildEvent } from './channel.ts';
import { RunningChild } from './child-process.ts';
import type { Child, Command } from './child-process.ts';
import { HEARTBEAT_MS } from './messages.ts';
import { DEFAULT_RESTART_POLICY } from './restart-policy.ts';
import type { RestartPolicy } from './restart-policy.ts';
import { Slot } from './slot.ts';
import type { SlotState } from './slot.ts';

export interface SupervisorOptions {
  /** Of the group, for errors and events. */
  readonly name: string;
  /** How many children. @default 1 */
  readonly count?: number | undefined;
  /** What to run in a slot, 0 to count - 1; asked for each start, with the number of the start. If it throws, the start has failed. */
  command(slot: number, serial: number): Command | Promise<Command>;
  /** A child has started. It counts as ready once this resolves; if it rejects, the child is killed and the start has failed. */
  onReady?(child: Child): Promise<void> | void;
  /** The child will be told to finish: give it no more work. */
  onLeave?(child: Child): void;
  /** A child said something with `sendNote`. */
  onNote?(child: Child, note: unknown): void;
  /** Something became of a child; the same is on the diagnostics channel `ekiben:supervisor:child`. */
  onEvent?(event: ChildEvent): void;
  /** A child has answered `ask(topic)`, or says how it would when it ends. Undefined: it knows no such topic. */
  onAnswer?(child: Child, topic: string, answer: unknown): void;
  /** A child has ended, for whatever reason, and there is nothing more to hear of it. */
  onExit?(child: Child): void;
  /** The status has changed. */
  onChange?(): void;
  /** How long a start may take. @default 120000 */
  readonly startTimeoutMs?: number | undefined;
  /** How long a child may take to finish before it is killed. @default 30000 */
  readonly stopTimeoutMs?: number | undefined;
  /** A child whose event loop has not turned for so long is killed and started again. @default 30000 */
  readonly unresponsiveMs?: number | undefined;
  /** A child whose resident memory is larger is replaced, after it has finished what it does. @default Infinity */
  readonly maxMemoryBytes?: number | undefined;
  /** What happens after a crash. */
  readonly restart?: Partial<RestartPolicy> | undefined;
}

export interface SlotStatus {
  readonly slot: number;
  readonly state: SlotState;
  readonly pid: number | null;
  /** What the child's `start` resolved to. */
  readonly facts: unknown;
  readonly memoryBytes: number;
  readonly crashes: number;
  /** Why it is down or waits. */
  readonly error: Error | null;
}

/** Those with children. When this process exits without having closed them, it does not leave the children to themselves. */
const running = new Set<Supervisor>();

function killAll(): void {
  for (const supervisor of running) supervisor.kill();
}

/** Starting anew what could not be replaced lately would only cost. */
const REPLACE_AGAIN_MS = 60_000;

/**
 * A group of equal child processes: kept running, watched, replaced without a gap, and ended together.
 *
 * A child that crashes is started again, each time later, until it has crashed too often. One that fails by itself while it starts
 * would fail again: it stays down.
 */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #slots: readonly Slot[];
  readonly #replaceAgainAt = new Map<Slot, number>();
  #serial = 0;
  #watch: NodeJS.Timeout | null = null;
  #lastCheck = 0;
  #closed: Promise<void> | null = null;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    const { name, count = 1, stopTimeoutMs = 30_000 } = options;
    const policy = { ...DEFAULT_RESTART_POLICY, ...options.restart };
    this.#slots = Array.from(
      { length: count },
      (_, index) =>
        new Slot({
          name: count === 1 ? name : `${name} ${index}`,
          index,
          policy,
          stopTimeoutMs,
          launch: (slot, signal) => this.#launch(slot, signal),
          onLeave: (child) => options.onLeave?.(child),
          onEvent: (event) => {
            options.onEvent?.(event);
            childEvents.publish(event);
          },
          onChange: () => options.onChange?.(),
        }),
    );
  }

  /** Resolves when every slot has a child that is ready, or is down; see `status`. */
  async start(): Promise<void> {
    if (running.size === 0) process.once('exit', killAll);
    running.add(this);
    this.#lastCheck = performance.now();
    this.#watch = setInterval(() => this.#check(), HEARTBEAT_MS);
    await Promise.all(this.#slots.map((slot) => slot.bringUp()));
  }

  status(): readonly SlotStatus[] {
    return this.#slots.map(({ index, state, child, crashes, error }) => ({
      slot: index,
      state,
      pid: child?.pid ?? null,
      facts: child?.facts ?? null,
      memoryBytes: child?.memoryBytes ?? 0,
      crashes,
      error,
    }));
  }

  /** Those that can be given work. */
  get children(): readonly Child[] {
    return this.#slots.flatMap(({ state, child }) => (state === 'ready' && child !== null ? child : []));
  }

  /**
   * Asks every child, those on their way out included; see `onAnswer`. Resolves when all have answered, or the time is over.
   */
  async ask(topic: string, timeoutMs: number): Promise<void> {
    const children = this.#slots.flatMap((slot) => slot.children);
    await Promise.all(children.map((child) => child.ask(topic, timeoutMs)));
  }

  /**
   * Replaces every child, one after another: a new one is ready before the old one finishes. One that is down is started again.
   * @throws what a new child threw while it started; the children not yet replaced stay
   */
  async roll(): Promise<void> {
    for (const slot of this.#slots) await slot.replace('replaced');
  }

  /** Lets every child finish, then ends it; those that take too long are killed. */
  close(): Promise<void> {
    if (this.#watch !== null) clearInterval(this.#watch);
    this.#closed ??= this.#stop();
    return this.#closed;
  }

  /** Ends every child at once. */
  kill(): void {
    for (const slot of this.#slots) slot.kill();
  }

  async #stop(): Promise<void> {
    await Promise.all(this.#slots.map((slot) => slot.stop()));
    running.delete(this);
    if (running.size === 0) process.off('exit', killAll);
  }

  async #launch(slot: number, signal: AbortSignal): Promise<RunningChild> {
    const { name, startTimeoutMs = 120_000, onReady, onNote, onAnswer, onExit } = this.#options;
    const serial = this.#serial++;
    const command = await this.#options.command(slot, serial);
    signal.throwIfAborted();
    const child = new RunningChild({
      name,
      slot,
      serial,
      command,
      onNote: (from, note) => onNote?.(from, note),
      onAnswer: (from, topic, answer) => onAnswer?.(from, topic, answer),
    });
    void child.gone.then(() => onExit?.(child));
    const kill = () => child.kill();
    signal.addEventListener('abort', kill, { once: true });
    try {
      await child.ready(startTimeoutMs);
      await onReady?.(child);
      signal.throwIfAborted();
      return child;
    } catch (error) {
      child.kill();
      await child.exited;
      throw error;
    } finally {
      signal.removeEventListener('abort', kill);
    }
  }

  #check(): void {
    const now = performance.now();
    const sleptMs = now - this.#lastCheck;
    this.#lastCheck = now;
    // When this process itself was blocked, what its children sent meanwhile is still to be read.
    if (sleptMs > 3 * HEARTBEAT_MS) return;
    const { unresponsiveMs = 30_000, maxMemoryBytes = Infinity } = this.#options;
    for (const slot of this.#slots) {
      slot.killSilent(now - unresponsiveMs);
      if (slot.child !== null && slot.child.memoryBytes > maxMemoryBytes) this.#recycle(slot, now);
    }
  }

  #recycle(slot: Slot, now: number): void {
    if (now < (this.#replaceAgainAt.get(slot) ?? 0)) return;
    slot.replace('recycled').catch((error: unknown) => {
      slot.error = error as Error;
      this.#replaceAgainAt.set(slot, performance.now() + REPLACE_AGAIN_MS);
    });
  }
}
