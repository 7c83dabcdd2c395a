/** The worker's end: answers the calls that come in on its socket. */
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { EkibenError } from '@ekiben/spec';
import { toErrorRecord } from '@ekiben/supervisor';
import { withCallContext } from './call-context.ts';
import { PROTOCOL, readCall } from './call-frames.ts';
import type { Hello, WorkerHello } from './call-frames.ts';
import { Cancellation } from './cancellation.ts';
import { computing } from './channels.ts';
import type { MethodState, RunnerCore } from './core.ts';
import type { Embedded } from './embedded.ts';
import { FrameSocket } from './frame-socket.ts';
import { FRAME, frameError } from './frames.ts';
import type { FrameBody } from './frames.ts';
import { HANDSHAKE_TIMEOUT_MS, MAX_RUNNING_CALLS, STREAM_WINDOW } from './limits.ts';
import { readValue, writeValue } from './values.ts';

export interface CallServer {
  /** Resolves when every caller has left by himself. */
  callersGone(): Promise<void>;
  /**
   * Asks every caller to leave, and answers the calls that come until he has, so that none is lost. Resolves when all have left and
   * the socket is gone.
   */
  close(): Promise<void>;
}

/** Listens on a Unix socket (a named pipe on Windows) for the calls of one runner. */
export async function serveCalls(core: RunnerCore, model: Embedded, path: string): Promise<CallServer> {
  const connections = new Set<Connection>();
  const server = createServer({ pauseOnConnect: true }, (socket) => {
    const connection = new Connection(core, model, socket, () => connections.delete(connection));
    connections.add(connection);
  });
  await listening(server, path);
  return {
    async callersGone() {
      for (const connection of connections) await connection.closed;
    },
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      await Promise.all([...connections].map((connection) => connection.leave()));
      await closed;
    },
  };
}

function listening(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** A call being computed. */
interface Running {
  readonly cancellation: Cancellation | null;
  /** Of a stream: items that may still be sent, and who waits for more. */
  credit: number;
  onCredit: (() => void) | null;
}

class Connection {
  readonly #core: RunnerCore;
  readonly #model: Embedded;
  readonly #methods: readonly MethodState[];
  readonly #frames: FrameSocket;
  readonly #running = new Map<number, Running>();
  /** Of them, those that are no streams: a stream waits for frames of its caller, which must go on being read. */
  #calls = 0;
  readonly closed: Promise<void>;
  #greeted = false;

  constructor(core: RunnerCore, model: Embedded, socket: Socket, onClose: () => void) {
    this.#core = core;
    this.#model = model;
    this.#methods = [...core.methods.values()];
    const handshake = setTimeout(() => this.#frames.destroy(), HANDSHAKE_TIMEOUT_MS);
    let resolveClosed = (): void => {};
    this.closed = new Promise((resolve) => (resolveClosed = resolve));
    this.#frames = new FrameSocket({
      socket,
      gather: 'callback', // the answers of a batch are not kept back by the next one
      onFrame: (kind, id, body) => {
        if (this.#greeted) return this.#receive(kind, id, body);
        clearTimeout(handshake);
        this.#greet(kind, body);
      },
      onClose: () => {
        clearTimeout(handshake);
        for (const running of this.#running.values()) this.#stop(running);
        onClose();
        resolveClosed();
      },
      onDrain: () => this.#holdOrGoOn(),
    });
  }

  async leave(): Promise<void> {
    if (this.#greeted) this.#frames.send(FRAME.leaving, 0);
    else this.#frames.destroy();
    await this.closed;
  }

  #greet(kind: number, body: FrameBody): void {
    if (kind !== FRAME.hello) throw frameError('it should begin with a hello');
    const { name, models } = this.#core.definition;
    const hello = readValue(body) as Partial<Hello> | null;
    const fits = hello?.protocol === PROTOCOL && hello.runner === name && String(hello.models) === String(models);
    if (!fits) {
      this.#sendError(0, mismatch({ protocol: PROTOCOL, runner: name, models }, hello));
      this.#frames.end();
      return;
    }
    const methods = this.#methods.map((method) => method.name);
    const answer: WorkerHello = { protocol: PROTOCOL, runner: name, models, methods, pid: process.pid };
    this.#frames.send(FRAME.hello, 0, (to) => writeValue(to, answer, 'the hello'));
    this.#frames.trust();
    this.#greeted = true;
  }

  #receive(kind: number, id: number, body: FrameBody): void {
    if (kind === FRAME.call) {
      void this.#answer(id, body);
      return;
    }
    const running = this.#running.get(id);
    if (kind === FRAME.cancel) {
      if (running !== undefined) this.#stop(running);
    } else if (kind === FRAME.credit) {
      const credit = body.u32();
      if (running === undefined) return;
      running.credit += credit;
      running.onCredit?.();
    } else {
      throw frameError(`a caller sends no kind ${kind}`);
    }
  }

  #answer(id: number, body: FrameBody): Promise<void> {
    const { method: number, stream, cancellable, hasContext, call, args } = readCall(body);
    const method = this.#methods[number];
    if (method === undefined || this.#running.has(id))
      throw frameError(`call ${id} is a duplicate or asks for a method ${number}`);
    const cancellation = cancellable ? new Cancellation() : null;
    const running: Running = { cancellation, credit: STREAM_WINDOW, onCredit: null };
    this.#running.set(id, running);
    if (cancellation !== null) call.signal = cancellation;
    const alone = (compute: () => Promise<unknown>) =>
      computing(
        method.published,
        () => [call],
        null,
        () => withCallContext(call, compute),
      );
    if (stream) {
      const items = this.#model.stream(method, args, call);
      return this.#run(
        id,
        alone(() => this.#sendItems(id, running, items)),
        FRAME.end,
      );
    }
    this.#calls++;
    this.#holdOrGoOn();
    // A batch belongs to no single call, and a call that says nothing needs no context.
    const compute = () => this.#model.call(method, args, call);
    return this.#run(id, method.queued || !hasContext ? compute() : alone(compute), FRAME.result);
  }

  async #run(id: number, result: Promise<unknown>, kind: number): Promise<void> {
    try {
      const value = await result;
      this.#frames.send(kind, id, (to) => kind === FRAME.end || writeValue(to, value, 'the result'));
    } catch (error) {
      this.#sendError(id, error);
    } finally {
      this.#running.delete(id);
      if (kind === FRAME.result) this.#calls--;
      this.#holdOrGoOn();
    }
  }

  async #sendItems(id: number, running: Running, items: AsyncIterable<unknown>): Promise<void> {
    for await (const item of items) {
      while (running.credit === 0 && !running.cancellation?.aborted) {
        await new Promise<void>((resolve) => (running.onCredit = resolve));
      }
      if (running.cancellation?.aborted) return;
      running.credit--;
      this.#frames.send(FRAME.item, id, (to) => writeValue(to, item, 'an item of the stream'));
    }
  }

  #stop(running: Running): void {
    running.cancellation?.abort(callOver());
    running.onCredit?.();
  }

  #sendError(id: number, error: unknown): void {
    const record = toErrorRecord(error);
    try {
      this.#frames.send(FRAME.error, id, (to) => writeValue(to, record, 'the error'));
    } catch {
      const { details: _tooLargeOrTooDeep, cause: _asMayThisBe, ...rest } = record;
      this.#frames.send(FRAME.error, id, (to) => writeValue(to, rest, 'the error'));
    }
  }

  /** Reads no further calls while there are too many, or while the caller does not read the answers. */
  #holdOrGoOn(): void {
    const hold = this.#calls >= MAX_RUNNING_CALLS || this.#frames.full;
    if (hold && !this.#frames.isPaused) this.#frames.pause();
    else if (!hold && this.#frames.isPaused) this.#frames.resume();
  }
}

function mismatch(ours: Hello, theirs: Partial<Hello> | null): EkibenError {
  return new EkibenError(
    'EKIBEN_RUNNER_MISMATCH',
    `The worker runs ${describe(ours)}, but was asked for ${describe(theirs)}. Both processes must run the same version of the service.`,
    { details: { runner: ours.runner, models: ours.models } },
  );
}

/** Nobody hears it but the model: the caller is the one who gave up. */
const callOver = () => new EkibenError('EKIBEN_CALL_CANCELLED', 'The caller gave the call up, or is gone.');

const describe = (hello: Partial<Hello> | null): string =>
  `runner ${hello?.runner} with models [${String(hello?.models)}] and protocol ${hello?.protocol}`.slice(0, 500);
