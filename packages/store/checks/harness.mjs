// The little that the heavy checks have in common: named cases, the plain closing line, a cache of what they install.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const packageRoot = fileURLToPath(new URL('..', import.meta.url));
export const fixtures = join(packageRoot, 'test', 'fixtures');
export const dist = new URL('../dist/', import.meta.url);

const counts = { passed: 0, failed: 0, skipped: 0 };
/** @type {string[]} */
const directories = [];
process.on('exit', () => {
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
});

export function temporary() {
  const directory = mkdtempSync(join(tmpdir(), 'ekiben-check-'));
  directories.push(directory);
  return directory;
}

/**
 * Runs one case and counts it.
 * @param {string} name
 * @param {() => unknown} body
 */
export async function check(name, body) {
  try {
    await body();
    counts.passed++;
    console.log(`✓ ${name}`);
  } catch (error) {
    counts.failed++;
    console.log(`✗ ${name}\n${error.stack ?? error}`);
  }
}

/**
 * Where a needed program is missing, which only a developer's machine may lack.
 * @param {string} name
 * @param {string} reason
 */
export function skip(name, reason) {
  if (process.env.CI) {
    counts.failed++;
    console.log(`✗ ${name}: ${reason}, and CI skips nothing`);
  } else {
    counts.skipped++;
    console.log(`- ${name}: skipped, ${reason}`);
  }
}

/** Prints the plain closing line and sets the exit code. */
export function finish() {
  const skipped = counts.skipped === 0 ? '' : `, ${counts.skipped} skipped`;
  console.log(`${counts.passed} passed, ${counts.failed} failed${skipped}`);
  process.exitCode = counts.failed === 0 ? 0 : 1;
}

/**
 * A directory that is made once for what `key` says, and kept for later runs.
 * @param {string} name
 * @param {unknown} key  all that its content depends on
 * @param {(directory: string) => void} make
 * @returns {string}
 */
export function cached(name, key, make) {
  const root = process.env.EKIBEN_CHECKS_CACHE ?? join(homedir(), '.cache', 'ekiben-checks');
  const hash = createHash('sha256').update(JSON.stringify(key)).digest('hex').slice(0, 12);
  const directory = join(root, `${name}-${hash}`);
  const complete = join(directory, '.complete');
  if (existsSync(complete)) return directory;
  mkdirSync(root, { recursive: true });
  if (existsSync(directory)) renameSync(directory, `${directory}.stale-${process.pid}`);
  console.log(`making ${directory}`);
  mkdirSync(directory);
  make(directory);
  writeFileSync(complete, '');
  return directory;
}

/** Runs a program to its end; throws with its output when it fails. */
export function run(command, args, options = {}) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 1e9, ...options });
  if (error) throw error;
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}\n${stdout}\n${stderr}`);
  return stdout;
}

/**
 * @typedef {{ status: number | null, signal: string | null, stdout: string, stderr: string }} Ended
 * @returns {Promise<Ended> & { stop: () => void }} `stop` ends its standard input
 */
export function start(command, args, options = {}) {
  const child = spawn(command, args, options);
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (chunk) => (stdout += chunk));
  child.stderr?.on('data', (chunk) => (stderr += chunk));
  const ended = new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status, signal) => resolve({ status, signal, stdout, stderr }));
  });
  return Object.assign(ended, { stop: () => child.stdin.end() });
}

/**
 * Whether a program is there. Where CI skips nothing, Debian's is installed.
 * @param {string} command
 * @param {string} [debian]  its package
 */
export function isInstalled(command, debian = command) {
  const found = () => spawnSync('sh', ['-c', `command -v ${command}`]).status === 0;
  if (!found() && process.env.CI && process.getuid?.() === 0) {
    run('apt-get', ['update', '-q']);
    run('apt-get', ['install', '-q', '-y', '--no-install-recommends', debian]);
  }
  return found();
}

/** One that is free on 127.0.0.1, for a program that has to be told where to listen. */
export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}
