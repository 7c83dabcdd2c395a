// A client that counts every request. A connection sends its next request soon after the answer to the last, as a load balancer's do.
import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * @typedef {object} Counts
 * @property {Map<number, number>} statuses  how many answers had which status
 * @property {Map<string, number>} errors  how many requests had no answer, by error; ECONNREFUSED apart
 * @property {number} refused  connections that nobody accepted
 * @property {Set<string>} wrong  what was found in answers with status 200
 */

/** Sends requests from so many connections until it is stopped. */
export class Load {
  static running = new Set();

  /** @type {Counts} */
  counts = { statuses: new Map(), errors: new Map(), refused: 0, wrong: new Set() };
  /** @type {{ body: any, at: number }[]} the answers with status 200, if they are to be kept */
  answers = [];
  #stopped = false;
  #done;

  /**
   * @param {string} url
   * @param {object} [options]
   * @param {number} [options.connections]
   * @param {string} [options.path]
   * @param {() => unknown} [options.body]
   * @param {(body: any) => string | undefined} [options.judge]  what is wrong with an answer
   * @param {number} [options.pauseMs]  between an answer and the next request
   * @param {boolean} [options.keepAlive]  false: a connection for each request
   * @param {boolean} [options.untilRefused]  ends when nobody accepts connections any more
   */
  constructor(url, options = {}) {
    const { connections = 16, path = '/scale', body = () => 3, judge = () => undefined, pauseMs = 10 } = options;
    this.agent = new Agent({ keepAlive: options.keepAlive ?? true, maxSockets: connections });
    const client = async () => {
      while (!this.#stopped) {
        await sleep(pauseMs);
        const outcome = await ask(url + path, body(), this.agent);
        if (outcome.error === 'ECONNREFUSED') {
          this.counts.refused += 1;
          if (options.untilRefused === true) return;
          await sleep(20);
        } else if (outcome.error !== undefined) add(this.counts.errors, outcome.error);
        else {
          add(this.counts.statuses, outcome.status);
          if (outcome.status !== 200) continue;
          const answer = outcome.text.trim() === '' ? null : JSON.parse(outcome.text);
          this.answers.push({ body: answer, at: performance.now() });
          const wrong = judge(answer);
          if (wrong !== undefined) this.counts.wrong.add(wrong);
        }
      }
    };
    this.#done = Promise.all(Array.from({ length: connections }, client)).then(() => this.giveUp());
    Load.running.add(this);
  }

  get answered() {
    return this.counts.statuses.get(200) ?? 0;
  }

  /** Everything but 200. */
  get failed() {
    const others = [...this.counts.statuses].filter(([status]) => status !== 200);
    return [...others, ...this.counts.errors].reduce((sum, [, times]) => sum + times, 0);
  }

  /** Resolves when every request has its answer. */
  async stop() {
    this.#stopped = true;
    await this.#done;
    return this;
  }

  /** Resolves when all clients were refused. */
  async ended() {
    await this.#done;
  }

  giveUp() {
    this.#stopped = true;
    this.agent.destroy();
    Load.running.delete(this);
  }

  toString() {
    const { statuses, errors, refused, wrong } = this.counts;
    return JSON.stringify({ statuses: [...statuses], errors: [...errors], refused, wrong: [...wrong] });
  }
}

/** @returns {Promise<{ status?: number, text?: string, headers?: object, error?: string, ms: number }>} never rejects */
export function ask(url, body, agent) {
  return new Promise((resolve) => {
    const started = performance.now();
    const done = (outcome) => resolve({ ...outcome, ms: performance.now() - started });
    const method = body === undefined ? 'GET' : 'POST';
    const outgoing = request(url, { method, agent, headers: { 'content-type': 'application/json' } }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk) => (text += chunk));
      response.on('end', () => done({ status: response.statusCode, headers: response.headers, text }));
      response.on('error', (error) => done({ error: `${error.code} in an answer` }));
    });
    outgoing.on('error', (error) => done({ error: error.code ?? error.message }));
    outgoing.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

function add(map, key) {
  map.set(key, (map.get(key) ?? 0) + 1);
}
