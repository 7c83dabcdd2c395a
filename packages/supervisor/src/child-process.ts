/** One child, from its start to its end. */
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import type { Socket } from 'node:net';
import { EkibenError } from '@ekiben/spec';
import { fromErrorRecord } from './error-record.ts';
import type { ChildMessage, SupervisorMessage } from './messages.ts';

/** What to run. */
export interface Command {
  /** A JavaScript file; it calls `runChild`. */
  readonly file: string;
  readonly args?: readonly string[] | undefined;
  /** Added to the environment of this process. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** Options of Node itself, such as `--max-old-space-size=512`. @default none */
  readonly execArgv?: readonly string[] | undefined;
}

/** A running child as its supervisor's callbacks see it. */
export interface Child {
  readonly slot: number;
  /** Counts the starts of a supervisor: no two children have the same. */
  readonly serial: number;
  readonly pid: number;
  /** What its `start` resolved to. */
  readonly facts: unknown;
  /** When it was last heard of, in ms of `performance.now()`: every half second while its event loop turns. */
  readonly lastSign: number;
  /** Tells it something, as JSON; see `onMessage` of its role. */
  send(message: unknown): void;
  /**
   * The same, with a connection that is the child's from then on. Resolves with whether it has left: a child takes one after the other,
   * and one that ends takes no more. Never rejects.
   */
  hand(message: unknown, connection: Socket): Promise<boolean>;
}

export interface ChildOptions {
  /** For errors. */
  readonly name: string;
  readonly slot: number;
  readonly serial: number;
  readonly command: Command;
  onNote(child: Child, note: unknown): void;
  onAnswer(child: Child, topic: string, answer: unknown): void;
}

/** How a process ended. */
export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export class RunningChild implements Child {
  readonly slot: number;
  readonly serial: number;
  /** Never rejects. */
  readonly exited: Promise<Ending>;
  /** It has exited, and all that it said was heard. Never rejects. */
  readonly gone: Promise<void>;
  facts: unknown = null;
  lastSign = performance.now();
  /** Resident set size. */
  memoryBytes = 0;
  readonly #process: ChildProcess;
  readonly #name: string;
  readonly #started: Promise<void>;
  /** Questions that it has not answered yet. */
  readonly #asked = new Map<number, () => void>();
  #questions = 0;
  #killed = false;

  constructor({ name, slot, serial, command, onNote, onAnswer }: ChildOptions) {
    const { file, args = [], env = {}, execArgv = [] } = command;
    this.slot = slot;
    this.serial = serial;
    this.#name = name;
    this.#process = fork(file, args, { env: { ...process.env, ...env }, execArgv: [...execArgv] });
    this.exited = new Promise((resolve) => {
      this.#process.once('exit', (code, signal) => resolve({ code, signal }));
      this.#process.on('error', () => {
        if (this.#process.pid === undefined) resolve({ code: null, signal: null }); // it never ran
      });
    });
    this.gone = this.exited.then(async () => {
      if (this.#process.connected) await new Promise((resolve) => this.#process.once('disconnect', resolve));
    });
    this.#started = new Promise((resolve, reject) => {
      this.#process.on('message', (message: ChildMessage | null) => {
        this.lastSign = performance.now();
        // The code that the child runs may send messages of its own, such as the 'ready' that PM2 waits for: they are not for us.
        if (typeof message !== 'object' || message === null) return;
        if (message.kind === 'alive') this.memoryBytes = message.memoryBytes;
        else if (message.kind === 'note') onNote(this, message.note);
        else if (message.kind === 'answer') {
          onAnswer(this, message.topic, message.answer);
          if (message.id !== null) this.#asked.get(message.id)?.();
        } else if (message.kind === 'failed') reject(fromErrorRecord(message.error));
        else if (message.kind === 'ready') resolve(void (this.facts = message.facts));
      });
    });
    this.#started.catch(() => {}); // heard in `ready`
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  /**
   * Resolves when the child is ready. When it rejects, the child has ended or will be killed.
   * @throws what its `start` threw; EKIBEN_CHILD_CRASHED when a signal ended it; EKIBEN_CHILD_START_FAILED when it ended by itself
   * or took too long
   */
  async ready(timeoutMs: number): Promise<void> {
    const timer = setTimeout(() => this.kill(), timeoutMs);
    try {
      await Promise.race([this.#started, this.exited.then((ending) => this.#endedEarly(ending, timeoutMs))]);
    } finally {
      clearTimeout(timer);
    }
  }

  drain(): void {
    this.#send({ kind: 'drain' });
  }

  send(message: unknown): void {
    this.#send({ kind: 'message', message });
  }

  hand(message: unknown, connection: Socket): Promise<boolean> {
    const order: SupervisorMessage = { kind: 'message', message };
    const left = new Promise<boolean>((resolve) => {
      if (!this.#process.connected) return resolve(false);
      this.#process.send(order, connection, undefined, (error) => resolve(error === null || connection.destroyed));
    });
    // Node keeps back what follows a connection that the child has not taken yet, and forgets it when the child ends.
    return Promise.race([left, this.gone.then(() => false)]);
  }

  /** Resolves when its answer was heard, it has ended, or the time is over. */
  async ask(topic: string, timeoutMs: number): Promise<void> {
    const id = this.#questions++;
    const answered = new Promise<void>((resolve) => this.#asked.set(id, resolve));
    const over = setTimeout(() => this.#asked.get(id)?.(), timeoutMs);
    this.#send({ kind: 'ask', topic, id });
    await Promise.race([answered, this.exited]);
    clearTimeout(over);
    this.#asked.delete(id);
  }

  kill(): void {
    this.#killed = true;
    this.#process.kill('SIGKILL');
  }

  #send(message: SupervisorMessage): void {
    // It may be gone already, or end just now.
    if (this.#process.connected) this.#process.send(message, () => {});
  }

  #endedEarly({ code, signal }: Ending, timeoutMs: number): never {
    const crashed = signal !== null && !this.#killed;
    const why = this.#killed
      ? `was not ready within ${timeoutMs} ms`
      : `ended (${signal ?? `exit code ${code}`}) while it started`;
    throw new EkibenError(
      crashed ? 'EKIBEN_CHILD_CRASHED' : 'EKIBEN_CHILD_START_FAILED',
      `The process ${this.#name} ${why}.`,
    );
  }
}
