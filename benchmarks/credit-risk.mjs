// The credit-risk service, or a rival of it, as something to compare: asked about one application, which Python has scored.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { server } from './harness.mjs';

const expected = new URL('../apps/credit-risk/test/fixtures/expected.jsonl', import.meta.url);
const [line] = readFileSync(expected, 'utf8').split('\n', 1);
const { application, status } = JSON.parse(line);

/** What is sent to `/classify`. */
export const body = JSON.stringify(application);
export const headers = { 'content-type': 'application/json' };

let port = 20_000 + (process.pid % 10_000); // of two runs at a time, each has its own

/**
 * @param {string[]} command - arguments of Node; the word PORT becomes the port, which `env.PORT` has too
 * @param {object} options - `answers`: whether it has to say what Python said, as a bare server does not; others are those of `server`
 */
export async function startCreditRisk(command, { quick, answers = true, env, ...options }) {
  port += 1;
  const url = `http://127.0.0.1:${port}/classify`;
  const subject = await server({
    command: [process.execPath, ...command.map((part) => (part === 'PORT' ? String(port) : part))],
    env: { PORT: String(port), ...env },
    url,
    method: 'POST',
    headers,
    body,
    ...options,
    ...(quick ? { warmUpSeconds: 1, seconds: 1 } : {}),
  });
  const response = await fetch(url, { method: 'POST', headers, body });
  const { Status } = await response.json();
  if (answers && Status !== status) throw new Error(`${command[0]} says ${Status}, Python said ${status}.`);
  return subject;
}

/** The path of a file beside the benchmarks. */
export const file = (path) => fileURLToPath(new URL(path, import.meta.url));
