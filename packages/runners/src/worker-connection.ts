/** The caller's end of a connection to a worker: many calls at once, each told by its id. */
import { onAbort } from '@ekiben/batching';
import { EkibenError } from '@ekiben/spec';
import { fromErrorRecord } from '@ekiben/supervisor';
import { throwIfOver, timedOut } from './call.ts';
import type { Call } from './call.ts';
import { outcomeOf } from './channels.ts';
import type { EndCall } from './channels.ts';
import { writeCall } from './call-frames.ts';
import type { Hello, WorkerHello } from './call-frames.ts';
import type { Target } from './core.ts';
import { FrameSocket } from './frame-socket.ts';
import { FRAME, frameError } from './frames.ts';
import type { FrameBody } from './frames.ts';
import { ItemQueue } from './item-queue.ts';
import { HANDSHAKE_TIMEOUT_MS } from './limits.ts';
import { Refusals } from './refusals.ts';
import { readValue, writeValue } from './values.ts';

/** Who waits for the answer to one call. */
interface Waiting {
  readonly method: string;
  readonly call: Call;
  /** Infinity: none. */
  readonly deadline: number;
  resolve(value: unknown): void;
  reject(error: unknown): void;
  /** Of a stream: takes each value before the end. */
  item?(value: unknown): void;
}

/** The answer to a call that is no stream. */
class Answer implements Waiting {
  readonly method: string;
  readonly call: Call;
  readonly deadline: number;
  forgetSignal: (() => void) | null = null;
  readonly #end: EndCall;
  readonly #resolve: (value: unknown) => void;
  readonly #reject: (error: unknown) => void;

  constructor(
    method: string,
    call: Call,
    end: EndCall,
    resolve: (value: unknown) => void,
    reject: (error: unknown) => void,
  ) {
    this.method = method;
    this.call = call;
    this.deadline = call.deadline ?? Infinity;
    this.#end = end;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  resolve(value: unknown): void {
    this.forgetSignal?.();
    this.#end?.('answered');
    this.#resolve(value);
  }

  reject(error: unknown): void {
    this.forgetSignal?.();
    this.#end?.(outcomeOf(this.call.signal), error);
    this.#reject(error);
  }
}

/** The worker itself drops late calls on time; this is for one that is blocked. */
const DEADLINE_SWEEP_MS = 50;

export class WorkerConnection implements Target {
  readonly #runner: string;
  readonly #frames: FrameSocket;
  readonly #waiting = new Map<number, Waiting>();
  readonly #methods = new Map<string, number>();
  readonly #closed: Promise<void>;
  #state: 'greeting' | 'open' | 'leaving' | 'closed' = 'greeting';
  #lastId = 0;
  #sweep: NodeJS.Timeout | null = null;
  #onHello: ((outcome: WorkerHello | Error) => void) | null = null;
  readonly #refusals = new Refusals();
  readonly #onDrain = new Set<() => void>();
  readonly #onIdle = new Set<() => void>();

  /**
   * @param signal - gives it up, even while a worker that is blocked does not greet
   * @throws EKIBEN_RUNNER_MISMATCH when the worker runs something else, EKIBEN_RUNNER_CRASHED when it is not there
   */
  static async open(path: string, hello: Hello, signal?: AbortSignal): Promise<WorkerConnection> {
    const connection = new WorkerConnection(path, hello.runner);
    const giveUp = () => connection.destroy();
    signal?.addEventListener('abort', giveUp);
    try {
      await connection.#greet(hello);
    } finally {
      signal?.removeEventListener('abort', giveUp);
    }
    return connection;
  }

  private constructor(path: string, runner: string) {
    this.#runner = runner;
    let onClose = (_error: Error | undefined): void => {};
    this.#closed = new Promise((resolve) => {
      onClose = (error) => {
        this.#close(error);
        resolve();
      };
    });
    this.#frames = new FrameSocket({
      socket: path,
      onFrame: (kind, id, body) => this.#receive(kind, id, body),
      onClose,
      onDrain: () => wake(this.#onDrain),
    });
  }

  /** Calls without an answer yet. */
  get inFlight(): number {
    return this.#waiting.size;
  }

  /** Whether it takes calls: not after it broke, nor once the worker has said that it will leave. */
  get isOpen(): boolean {
    return this.#state === 'open';
  }

  /** Resolves when the connection is gone. */
  get closed(): Promise<void> {
    return this.#closed;
  }

  /** More is waiting to be sent than should be: hold calls back until {@link onDrain}. */
  get isFull(): boolean {
    return this.#frames.full;
  }

  /** Whether the worker has just refused such a call for having too much to do: it would be refused here. */
  refuses(method: string, call: Call): boolean {
    return this.#refusals.find(method, call) !== null;
  }

  /** Calls back when calls may be made again, or the connection is gone. The result forgets it. */
  onDrain(callback: () => void): () => void {
    this.#onDrain.add(callback);
    return () => this.#onDrain.delete(callback);
  }

  call(method: string, args: readonly unknown[], call: Call, end: EndCall = null): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const answer = new Answer(method, call, end, resolve, reject);
      try {
        throwIfOver(call);
        const refused = this.#refusals.find(method, call);
        if (refused !== null) throw new EkibenError(refused.code, refused.message, { details: refused.details });
        const id = this.#start(method, args, call, answer);
        const { signal } = call;
        if (signal !== undefined) answer.forgetSignal = onAbort(signal, () => this.#giveUp(id, signal.reason));
      } catch (error) {
        answer.reject(error);
      }
    });
  }

  async *stream(method: string, args: readonly unknown[], call: Call): AsyncGenerator<unknown, void> {
    throwIfOver(call);
    const { signal, deadline = Infinity } = call;
    const items = new ItemQueue();
    const { push: item, end: resolve, fail: reject } = items;
    const id = this.#start(method, args, call, { method, call, deadline, item, resolve, reject });
    const forget = signal && onAbort(signal, () => this.#giveUp(id, signal.reason));
    try {
      for await (const item of items) {
        yield item;
        if (this.#waiting.has(id)) this.#frames.send(FRAME.credit, id, (to) => to.u32(1));
      }
    } finally {
      forget?.();
      this.#giveUp(id, undefined);
    }
  }

  /** Takes no more calls, waits for the answers to those under way, then closes. */
  async close(): Promise<void> {
    if (this.#state === 'open') this.#state = 'leaving';
    if (this.#waiting.size > 0) await new Promise<void>((resolve) => this.#onIdle.add(resolve));
    this.#frames.end();
    await this.#closed;
  }

  /** Closes at once; the calls under way fail with EKIBEN_RUNNER_CRASHED. */
  destroy(): void {
    this.#frames.destroy();
  }

  async #greet(hello: Hello): Promise<void> {
    const timer = setTimeout(
      () => this.#frames.destroy(frameError('none within the time for a handshake')),
      HANDSHAKE_TIMEOUT_MS,
    );
    try {
      this.#frames.send(FRAME.hello, 0, (to) => writeValue(to, hello, 'the hello'));
      const answer = await new Promise<WorkerHello>((resolve, reject) => {
        this.#onHello = (outcome) => (outcome instanceof Error ? reject(outcome) : resolve(outcome));
      });
      answer.methods.forEach((name, number) => this.#methods.set(name, number));
      this.#frames.trust();
      this.#state = 'open';
    } finally {
      clearTimeout(timer);
    }
  }

  #start(method: string, args: readonly unknown[], call: Call, waiting: Waiting): number {
    if (this.#state !== 'open') throw crashed(this.#runner);
    const number = this.#methods.get(method);
    if (number === undefined)
      throw new EkibenError('EKIBEN_METHOD_NOT_IMPLEMENTED', `${this.#runner} has no method ${method}.`);
    const id = (this.#lastId = (this.#lastId + 1) >>> 0);
    this.#frames.send(FRAME.call, id, (to) => writeCall(to, number, method, args, call, waiting.item !== undefined));
    this.#waiting.set(id, waiting);
    if (waiting.deadline !== Infinity) this.#sweep ??= setInterval(() => this.#dropLate(), DEADLINE_SWEEP_MS);
    return id;
  }

  #receive(kind: number, id: number, body: FrameBody): void {
    if (this.#state === 'greeting') {
      this.#onHello?.(readGreeting(kind, body));
      return;
    }
    if (kind === FRAME.leaving) {
      void this.close();
      return;
    }
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return; // given up meanwhile
    if (kind === FRAME.item) {
      waiting.item?.(readValue(body));
      return;
    }
    if (kind !== FRAME.result && kind !== FRAME.error && kind !== FRAME.end) {
      throw frameError(`a worker sends no kind ${kind}`);
    }
    const value = kind === FRAME.end ? undefined : readValue(body); // if it cannot be read, the call fails with the connection
    this.#forget(id);
    if (kind !== FRAME.error) return waiting.resolve(value);
    const error = fromErrorRecord(value);
    this.#refusals.note(waiting.method, waiting.call, error);
    waiting.reject(error);
  }

  /** Ends a call from this side: the worker need not finish it. */
  #giveUp(id: number, error: unknown): void {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return;
    this.#forget(id);
    if (this.#state !== 'closed') this.#frames.send(FRAME.cancel, id);
    waiting.reject(error);
  }

  #forget(id: number): void {
    this.#waiting.delete(id);
    if (this.#waiting.size === 0) wake(this.#onIdle);
  }

  #dropLate(): void {
    const now = performance.now();
    let left = 0;
    for (const [id, { deadline }] of this.#waiting) {
      if (deadline <= now) this.#giveUp(id, timedOut());
      else if (deadline !== Infinity) left++;
    }
    if (left === 0) this.#stopSweep();
  }

  #stopSweep(): void {
    if (this.#sweep !== null) clearInterval(this.#sweep);
    this.#sweep = null;
  }

  #close(cause: Error | undefined): void {
    this.#state = 'closed';
    this.#stopSweep();
    const error = crashed(this.#runner, cause);
    this.#onHello?.(error);
    for (const waiting of this.#waiting.values()) waiting.reject(error);
    this.#waiting.clear();
    wake(this.#onIdle);
    wake(this.#onDrain);
  }
}

function readGreeting(kind: number, body: FrameBody): WorkerHello | Error {
  if (kind === FRAME.error) return fromErrorRecord(readValue(body));
  if (kind !== FRAME.hello) throw frameError('it should begin with a hello');
  return readValue(body) as WorkerHello;
}

function wake(waiting: Set<() => void>): void {
  const all = [...waiting];
  waiting.clear();
  for (const resume of all) resume();
}

function crashed(runner: string, cause?: Error): EkibenError {
  return new EkibenError(
    'EKIBEN_RUNNER_CRASHED',
    `The process of runner ${runner} ended, or its connection broke, before the call had an answer. The call may have been computed.`,
    { details: { runner }, cause },
  );
}
