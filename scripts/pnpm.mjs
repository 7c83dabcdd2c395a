// Runs the pnpm version that package.json pins, installing the workspace first: only Node and npm have to be there.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const { packageManager } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));

/** Runs pnpm in the repository's root. `output` is what it printed where `options.stdio` pipes it. */
export function pnpm(args, options = {}) {
  const result = spawnSync('npx', ['-y', packageManager, ...args], {
    cwd: root,
    stdio: 'inherit',
    shell: process.platform === 'win32',
    env: { ...process.env, TURBO_TELEMETRY_DISABLED: '1' },
    ...options,
  });
  if (result.error) throw result.error;
  return { status: result.status ?? 1, output: `${result.stdout ?? ''}${result.stderr ?? ''}` };
}

/** Installs the workspace as the lock file says; returns pnpm's exit code. */
export function install() {
  return pnpm(['install', '--frozen-lockfile', '--prefer-offline', '--reporter=append-only', '--loglevel=warn']).status;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.exitCode = install() || pnpm(['exec', ...process.argv.slice(2)]).status;
}
