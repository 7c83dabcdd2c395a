// The Tab key in the shells themselves: a command is typed with Tabs into each on a terminal, and runs as completed.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { check, finish, isInstalled, run, skip, temporary } from '../../store/checks/harness.mjs';

const bin = fileURLToPath(new URL('../dist/bin.js', import.meta.url));
const archive = fileURLToPath(new URL('../test/fixtures/credit_risk_model.bentomodel', import.meta.url));
const VERSION = 'sizn5hxhsk3i4ax4';
/** For a shell that never answers. */
const WATCHDOG_MS = 60_000;

const dir = temporary();
writeFileSync(join(dir, 'ekiben'), `#!/bin/sh\nexec '${process.execPath}' '${bin}' "$@"\n`);
chmodSync(join(dir, 'ekiben'), 0o755);
const env = {
  ...process.env,
  HOME: dir,
  EKIBEN_HOME: join(dir, 'home'),
  PATH: `${dir}:${process.env.PATH}`,
  TERM: 'dumb',
};
run('ekiben', ['models', 'import', archive], { env });
run('ekiben', ['models', 'alias', 'credit_risk_model', 'production'], { env });

const SHELLS = [
  { shell: 'bash', command: 'bash --norc -i', load: 'source <(ekiben completion bash)' },
  {
    shell: 'zsh',
    command: 'zsh -f -i',
    load: 'autoload -U compinit; compinit -u -D; source <(ekiben completion zsh)',
  },
  { shell: 'fish', command: 'fish --no-config -i', load: 'ekiben completion fish | source' },
];

/** What is typed, and what the command that it becomes prints. */
const LINES = [
  ['a name', 'ekiben mod\tget cred\t-o path', `/models/credit_risk_model/${VERSION}`],
  [
    'an alias behind the colon',
    'ekiben models get credit_risk_model:pr\t-o path',
    `/models/credit_risk_model/${VERSION}`,
  ],
  [
    'a version behind the colon',
    'ekiben models get credit_risk_model:siz\t-o path',
    `/models/credit_risk_model/${VERSION}`,
  ],
  ['a verb, an option and its value', 'ekiben models li\t--out\tjs\t', '"module": "bentoml.xgboost"'],
  [
    'a file, where one is wanted',
    `ekiben models import ${archive.slice(0, -6)}\t`,
    'is already there, with equal content',
  ],
];

/** A shell on a terminal of its own. */
function open(command) {
  const child = spawn('script', ['-qfec', command, '/dev/null'], { env, cwd: dir });
  let output = '';
  let look = () => {};
  child.stdout.on('data', (chunk) => {
    output += chunk;
    look();
  });
  return {
    /** Types a line and waits for what it prints. */
    type(line, expected) {
      output = '';
      child.stdin.write(`${line}\r`);
      return new Promise((resolve, reject) => {
        const watchdog = setTimeout(() => reject(new Error(`it printed ${JSON.stringify(output)}`)), WATCHDOG_MS);
        look = () => {
          if (!output.includes(expected)) return;
          clearTimeout(watchdog);
          resolve();
        };
        look();
      });
    },
    close() {
      child.stdin.end();
      child.kill();
    },
  };
}

for (const { shell, command, load } of SHELLS) {
  if (!isInstalled(shell) || !isInstalled('script', 'bsdutils')) {
    skip(shell, `${shell} or script is not installed`);
    continue;
  }
  const terminal = open(command);
  await check(`${shell} loads the script`, () => terminal.type(`${load}; echo re''ady`, 'ready'));
  for (const [what, line, expected] of LINES) {
    await check(`${shell} completes ${what}`, async () => {
      assert(!line.includes(expected));
      await terminal.type(line, expected);
    });
  }
  terminal.close();
}

finish();
