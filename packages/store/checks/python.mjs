// Virtual environments with the real BentoML, and a Python process that does what it is asked.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { cached, run } from './harness.mjs';

/** @param {readonly string[]} pins  requirements, as pip reads them */
export function virtualEnvironment(pins) {
  const version = run('python3', ['-c', 'import sys; print(sys.version)']);
  return cached('venv', { pins, version }, (dir) => {
    run('python3', ['-m', 'venv', dir]);
    run(join(dir, 'bin', 'pip'), ['install', '--quiet', '--disable-pip-version-check', ...pins]);
  });
}

/** `bentoml` on the command line. */
export function bentoml(venv, home, args, options = {}) {
  return run(join(venv, 'bin', 'bentoml'), args, { env: environment(venv, home), ...options });
}

/** A running peer.py. */
export function startPeer(venv, home) {
  const script = new URL('peer.py', import.meta.url).pathname;
  const child = spawn(join(venv, 'bin', 'python'), [script], {
    env: environment(venv, home),
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  process.on('exit', () => child.kill());
  let errors = '';
  child.stderr.on('data', (chunk) => (errors += chunk));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  /** One request at a time. */
  const ask = async (operation, values = {}) => {
    child.stdin.write(`${JSON.stringify({ do: operation, with: values })}\n`);
    for (;;) {
      const { done, value } = await lines.next();
      if (done) throw new Error(`the Python peer ended: ${errors}`);
      if (!value.startsWith('ANSWER ')) continue;
      const answer = JSON.parse(value.slice('ANSWER '.length));
      if (answer.error !== undefined) throw new Error(`${operation}: ${answer.error}`);
      return answer;
    }
  };
  return { ask, stop: () => child.stdin.end() };
}

function environment(venv, home) {
  return {
    ...process.env,
    BENTOML_HOME: home,
    BENTOML_DO_NOT_TRACK: 'True',
    COLUMNS: '300',
    PATH: `${join(venv, 'bin')}:${process.env.PATH}`,
  };
}
