/** The child's side: tells its supervisor when it is ready and that it is alive, and ends when it is told to or left alone. */
import type { Socket } from 'node:net';
import { toErrorRecord } from './error-record.ts';
import { HEARTBEAT_MS } from './messages.ts';
import type { ChildMessage, SupervisorMessage } from './messages.ts';

export interface ChildRole {
  /** Starts what the process is for. What it resolves to, as JSON, is `facts` of the supervisor's {@link Child}. */
  start(): Promise<unknown>;
  /**
   * Finishes what is under way and takes nothing new; the process exits afterwards, with an error if it rejects. Also called when
   * the supervisor is gone.
   */
  stop(): Promise<void>;
  /** Hears what the supervisor sends, from the first moment on: before `start` has resolved, too. */
  onMessage?(message: unknown, connection?: Socket): void;
}

type Respond = () => unknown;

/** In the process's registry, with a version: the service may have another copy of this package than the entry of its process. */
const ANSWERS: unique symbol = Symbol.for('@ekiben/supervisor/answers/1') as never;
const answers = ((globalThis as { [ANSWERS]?: Map<string, Respond> })[ANSWERS] ??= new Map<string, Respond>());

/**
 * Answers the supervisor's `ask(topic)` in this process, as JSON. When the process ends in good order, the last answer is told
 * without being asked for.
 */
export function answer(topic: string, respond: Respond): void {
  answers.set(topic, respond);
}

/** Undefined where it cannot be read: node opens a file for it, and throws when there is no descriptor left. */
function residentBytes(): number | undefined {
  try {
    return process.memoryUsage.rss();
  } catch {
    return undefined;
  }
}

/** Takes the role in this process, which a {@link Supervisor} has started. */
export async function runChild(role: ChildRole): Promise<void> {
  let ending: Promise<never> | undefined;
  const end = () => {
    ending ??= role
      .stop()
      .then(lastWords)
      .then(() => process.exit());
  };
  // Without its supervisor nobody could ever stop this process. It may be gone already: what was loaded up to here takes a while.
  process.once('disconnect', end);
  if (!process.connected) return end();
  process.on('message', (message: SupervisorMessage, connection?: Socket) => {
    if (message.kind === 'drain') end();
    else if (message.kind === 'ask') void tell(message.topic, message.id);
    else {
      if (message.connection !== undefined) send({ kind: 'taken', connection: message.connection });
      role.onMessage?.(message.message, connection);
    }
  });
  process.once('SIGTERM', end);
  process.on('SIGINT', () => {}); // Ctrl-C reaches the whole process group: it is the supervisor who then drains us.
  try {
    const facts = await role.start();
    send({ kind: 'ready', facts });
    let memoryBytes = 0;
    setInterval(() => {
      memoryBytes = residentBytes() ?? memoryBytes;
      send({ kind: 'alive', memoryBytes });
    }, HEARTBEAT_MS).unref();
  } catch (error) {
    send({ kind: 'failed', error: toErrorRecord(error) }, () => process.exit(1));
  }
}

/** Tells the supervisor something about the work, as JSON; see `onNote`. */
export function sendNote(note: unknown): void {
  send({ kind: 'note', note });
}

/** Resolves when everything that was said has left this process. */
async function lastWords(): Promise<void> {
  await Promise.all([...answers.keys()].map((topic) => tell(topic, null)));
}

async function tell(topic: string, id: number | null): Promise<void> {
  // One that fails to answer says nothing; that is no reason to end.
  const given: unknown = await Promise.resolve(topic)
    .then((known) => answers.get(known)?.())
    .catch(() => undefined);
  await new Promise<void>((resolve) => send({ kind: 'answer', topic, id, answer: given }, resolve));
}

/** A message that no longer gets there is not missed: the supervisor is gone. */
function send(message: ChildMessage, sent: () => void = () => {}): void {
  if (process.connected) process.send?.(message, undefined, undefined, sent);
  else sent();
}
