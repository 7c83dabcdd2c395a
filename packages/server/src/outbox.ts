/**
 * Answers leave together, at the end of the event loop's turn that made them.
 *
 * A write to a client that sleeps has to wake it, which costs the server as much as a small model does. Of the requests that one turn
 * brings, the first answer wakes a client that talks over many connections, and those right behind it find it awake; sent one by one
 * with the work for the next between them, each would wake it anew. Redis writes its replies in this way, too.
 */
import { performance } from 'node:perf_hooks';
import { HOLD_MS } from './limits.ts';

export class Outbox<Answer extends { readonly started: number }> {
  readonly #send: (answer: Answer, now: number) => void;
  #answers: Answer[] = [];
  #isScheduled = false;

  /** `send` must not throw. */
  constructor(send: (answer: Answer, now: number) => void) {
    this.#send = send;
  }

  /** An answer that took long, or would have to wait for others that do, is sent at once. */
  put(answer: Answer): void {
    this.#answers.push(answer);
    const [first = answer] = this.#answers;
    if (performance.now() - first.started > HOLD_MS) {
      this.#flush();
    } else if (!this.#isScheduled) {
      this.#isScheduled = true;
      setImmediate(this.#endOfTurn);
    }
  }

  readonly #endOfTurn = (): void => {
    this.#isScheduled = false;
    this.#flush();
  };

  #flush(): void {
    const answers = this.#answers;
    if (answers.length === 0) return;
    this.#answers = [];
    const now = performance.now();
    for (const answer of answers) this.#send(answer, now);
  }
}
