/** One place in a group of equal children: the child that is in it, and what happens when that ends or has to be replaced. */
import { setTimeout as sleep } from 'node:timers/promises';
import { EkibenError } from '@ekiben/spec';
import type { ChildEvent } from './channel.ts';
import type { RunningChild } from './child-process.ts';
import { restartDelay } from './restart-policy.ts';
import type { RestartPolicy } from './restart-policy.ts';

/** `waiting`: it crashed, and is started again after a delay. `down`: it is not started again. */
export type SlotState = 'starting' | 'ready' | 'waiting' | 'down' | 'stopped';

export interface SlotOptions {
  readonly name: string;
  readonly index: number;
  readonly policy: RestartPolicy;
  readonly stopTimeoutMs: number;
  /** Starts a child and resolves when it is ready for work. When it rejects, the child is gone. */
  launch(slot: number, signal: AbortSignal): Promise<RunningChild>;
  /** The child gets no more work. */
  onLeave(child: RunningChild): void;
  onEvent(event: ChildEvent): void;
  /** Anything about the slot changed. */
  onChange(): void;
}

export class Slot {
  readonly index: number;
  state: SlotState = 'starting';
  child: RunningChild | null = null;
  /** Why it is down or waits, or why the last replacement failed. */
  error: Error | null = null;
  /** Ends of children that nobody asked for. */
  crashes = 0;
  readonly #options: SlotOptions;
  readonly #stop = new AbortController();
  readonly #crashTimes: number[] = [];
  readonly #leaving = new Map<RunningChild, Promise<void>>();
  #bringingUp: Promise<void> | null = null;
  #replacement: Promise<void> | null = null;

  constructor(options: SlotOptions) {
    this.#options = options;
    this.index = options.index;
  }

  /** Resolves when a child is ready, or the slot is down. */
  bringUp(): Promise<void> {
    this.#bringingUp ??= this.#startUntilReady().finally(() => (this.#bringingUp = null));
    return this.#bringingUp;
  }

  async #startUntilReady(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const delay = restartDelay(this.#crashTimes, performance.now(), this.#options.policy);
      if (delay === null) return this.#goDown(tooManyCrashes(this.#options.name, this.error));
      try {
        if (delay > 0) {
          this.#enter('waiting');
          await sleep(delay, undefined, { signal: this.#stop.signal });
        }
        this.#enter('starting');
        return this.#adopt(await this.#options.launch(this.index, this.#stop.signal));
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        if (!isCrash(error)) return this.#goDown(error as Error);
        this.#countCrash(error as Error);
      }
    }
  }

  /**
   * Starts a new child, and only when that is ready lets the present one finish: at no time is there none. If the new one does not
   * start, the present one stays.
   * @throws what the new child threw
   */
  replace(event: 'recycled' | 'replaced'): Promise<void> {
    this.#replacement ??= this.#replace(event).finally(() => (this.#replacement = null));
    return this.#replacement;
  }

  async #replace(event: 'recycled' | 'replaced'): Promise<void> {
    await this.#bringingUp;
    if (this.child === null) {
      this.#crashTimes.length = 0;
      await this.bringUp();
      if (this.child === null && this.error !== null) throw this.error;
      return;
    }
    this.#adopt(await this.#options.launch(this.index, this.#stop.signal));
    this.#publish(event, this.child);
  }

  /** Lets the child finish and ends it. */
  async stop(): Promise<void> {
    this.#stop.abort();
    this.state = 'stopped';
    if (this.child !== null) this.#dismiss(this.child);
    this.child = null;
    await Promise.allSettled([this.#bringingUp, this.#replacement]);
    await Promise.all(this.#leaving.values());
    this.#options.onChange();
  }

  /** Ends at once what is there, be it on its way in or out. */
  kill(): void {
    this.#stop.abort();
    for (const child of this.children) child.kill();
  }

  /** The one that works and those on their way out. */
  get children(): readonly RunningChild[] {
    return [...(this.child === null ? [] : [this.child]), ...this.#leaving.keys()];
  }

  /** Kills what has given no sign of life since `time`, be it on its way out already. */
  killSilent(time: number): void {
    for (const child of this.children) {
      if (child.lastSign >= time) continue;
      this.#publish('unresponsive', child);
      child.kill();
    }
  }

  #adopt(child: RunningChild): void {
    if (this.#stop.signal.aborted) return this.#dismiss(child);
    if (this.child !== null) this.#dismiss(this.child);
    this.child = child;
    this.error = null;
    this.#enter('ready');
    this.#publish('ready', child);
    void child.exited.then(({ code, signal }) => {
      if (this.child !== child) return;
      this.child = null;
      const how = signal ?? `exit code ${code}`;
      this.#countCrash(new EkibenError('EKIBEN_CHILD_CRASHED', `The process ${this.#options.name} ended (${how}).`));
      this.#publish('crashed', child);
      void this.bringUp();
    });
  }

  #dismiss(child: RunningChild): void {
    this.#leaving.set(
      child,
      this.#seeOff(child).finally(() => this.#leaving.delete(child)),
    );
  }

  async #seeOff(child: RunningChild): Promise<void> {
    this.#options.onLeave(child);
    child.drain();
    const timer = setTimeout(() => child.kill(), this.#options.stopTimeoutMs);
    await child.exited;
    clearTimeout(timer);
  }

  #countCrash(error: Error): void {
    this.error = error;
    this.crashes++;
    this.#crashTimes.push(performance.now());
  }

  #goDown(error: Error): void {
    this.error = error;
    this.#enter('down');
    this.#publish('down');
  }

  #enter(state: SlotState): void {
    if (this.state === 'stopped') return;
    this.state = state;
    this.#options.onChange();
  }

  #publish(event: ChildEvent['event'], child?: RunningChild): void {
    const { name, index, onEvent } = this.#options;
    onEvent({ supervisor: name, slot: index, event, pid: child?.pid, error: this.error ?? undefined });
  }
}

/** Ended by a signal, such as the kernel's when memory runs out: it may go well the next time. */
const isCrash = (error: unknown): boolean => EkibenError.is(error) && error.code === 'EKIBEN_CHILD_CRASHED';

function tooManyCrashes(name: string, last: Error | null): EkibenError {
  const message = `The process ${name} crashed too often and is not started again. The last time: ${last?.message ?? 'unknown'}`;
  return new EkibenError('EKIBEN_CHILD_CRASHES_EXCEEDED', message, { cause: last });
}
