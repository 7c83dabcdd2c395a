/** One child, from its start to its end. */
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
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
   * The same, with a connection, paused, that is the child's from then on. Resolves with whether the child has taken it before it ended;
   * if not, it is as it was. Never rejects.
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

/** For what a child has said before it ended and what was not read yet. */
const LAST_WORDS_MS = 500;

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
  /** Connections on their way to it. */
  readonly #handing = new Map<number, (taken: boolean) => void>();
  #handed = 0;
  #killed = false;
  #hasExited = false;
  #isGone = false;

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
      // While Node waits for a child that is gone to take a connection, it does not disconnect.
      if (this.#process.connected) {
        const disconnected = new Promise((resolve) => this.#process.once('disconnect', resolve));
        await Promise.race([disconnected, sleep(LAST_WORDS_MS, undefined, { ref: false })]);
      }
      this.#isGone = true;
      for (const end of this.#handing.values()) end(false);
      this.#handing.clear();
    });
    void this.exited.then(() => {
      this.#hasExited = true;
      for (const end of this.#asked.values()) end();
    });
    this.#started = new Promise((resolve, reject) => {
      this.#process.on('message', (message: ChildMessage | null) => {
        this.lastSign = performance.now();
        // The code that the child runs may send messages of its own, such as the 'ready' that PM2 waits for: they are not for us.
        if (typeof message !== 'object' || message === null) return;
        if (message.kind === 'alive') this.memoryBytes = message.memoryBytes;
        else if (message.kind === 'note') onNote(this, message.note);
        else if (message.kind === 'taken') {
          this.#handing.get(message.connection)?.(true);
          this.#handing.delete(message.connection);
        } else if (message.kind === 'answer') {
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

  // Neither waits for `gone` or `exited` by itself: what waits for a promise is kept as long as that, which here is the child's life.

  hand(message: unknown, connection: Socket): Promise<boolean> {
    const id = this.#handed++;
    const order: SupervisorMessage = { kind: 'message', message, connection: id };
    return new Promise<boolean>((resolve) => {
      if (this.#isGone || !this.#process.connected) return resolve(false);
      this.#handing.set(id, (taken) => {
        if (taken) connection.destroy(); // this process's hold on it only
        resolve(taken);
      });
      // Kept open here: Node forgets connections that a child has not taken when it ends.
      this.#process.send(order, connection, { keepOpen: true }, () => {});
    });
  }

  /** Resolves when its answer was heard, it has ended, or the time is over. */
  async ask(topic: string, timeoutMs: number): Promise<void> {
    if (this.#hasExited) return;
    const id = this.#questions++;
    await new Promise<void>((resolve) => {
      const over = setTimeout(() => this.#asked.get(id)?.(), timeoutMs);
      this.#asked.set(id, () => {
        clearTimeout(over);
        this.#asked.delete(id);
        resolve();
      });
      this.#send({ kind: 'ask', topic, id });
    });
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
