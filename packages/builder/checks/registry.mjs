// A real registry, Debian's, on this machine: with a password, and where a check wants it, of little room or suddenly gone.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, openSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { cached, freePort, run } from '../../store/checks/harness.mjs';

const CRANE = 'v0.22.1';
/** `ekiben` and `a-password-of-no-worth`, as `htpasswd -B` writes them. */
const USER = 'ekiben';
const PASSWORD = 'a-password-of-no-worth';

/** Google's tool for registries, which validates images. */
export function crane() {
  const bin = cached('crane', { CRANE, platform: process.platform, arch: process.arch }, (dir) =>
    run('go', ['install', `github.com/google/go-containerregistry/cmd/crane@${CRANE}`], {
      env: { ...process.env, GOBIN: dir },
    }),
  );
  return join(bin, 'crane');
}

/** A `DOCKER_CONFIG` directory in which somebody is logged in. */
export function loggedIn(directory, host, password = PASSWORD) {
  mkdirSync(directory, { recursive: true });
  const auth = Buffer.from(`${USER}:${password}`).toString('base64');
  writeFileSync(join(directory, 'config.json'), JSON.stringify({ auths: { [host]: { auth } } }));
  return directory;
}

/**
 * @param {string} work  where its configuration, and, unless said otherwise, its files are
 * @param {{ files?: string, open?: boolean }} [options]  `open`: anybody may write
 */
export async function startRegistry(work, { files = join(work, 'registry'), open = false } = {}) {
  const port = await freePort();
  const host = `127.0.0.1:${port}`;
  mkdirSync(files, { recursive: true });
  const passwords = join(work, 'htpasswd');
  if (!open) writeFileSync(passwords, run('htpasswd', ['-Bbn', USER, PASSWORD]));
  const configuration = {
    version: 0.1,
    log: { level: 'warn' },
    storage: { filesystem: { rootdirectory: files }, delete: { enabled: true } },
    // Uploads that it knew before it ended it knows afterwards.
    http: { addr: host, secret: 'of no worth' },
    ...(open ? {} : { auth: { htpasswd: { realm: 'ekiben', path: passwords } } }),
  };
  const file = join(work, 'registry.yml');
  writeFileSync(file, JSON.stringify(configuration));
  const log = join(work, 'registry.log');
  let read = 0;
  let child;
  const registry = {
    host,
    files,
    /** What it was asked since the last call, a line for each. */
    requests() {
      const lines = readFileSync(log, 'utf8').split('\n');
      return lines.slice(read, (read = lines.length - 1));
    },
    async start() {
      child = spawn('docker-registry', ['serve', file], { stdio: ['ignore', openSync(log, 'a'), 'ignore'] });
      child.unref();
      for (let attempt = 0; ; attempt++) {
        const answered = await fetch(`http://${host}/v2/`).catch(() => undefined);
        if (answered !== undefined) return;
        if (attempt === 200 || child.exitCode !== null) throw new Error('docker-registry does not start');
        await sleep(50);
      }
    },
    /** At once, as by a power cut. */
    async kill(signal = 'SIGKILL') {
      if (child.exitCode === null && child.signalCode === null) {
        child.ref();
        child.kill(signal);
        await once(child, 'exit');
      }
    },
    /** Names and what else can be asked for by a tag. */
    async tags(repository) {
      const authorization = `Basic ${Buffer.from(`${USER}:${PASSWORD}`).toString('base64')}`;
      const response = await fetch(`http://${host}/v2/${repository}/tags/list`, { headers: { authorization } });
      return response.status === 404 ? [] : ((await response.json()).tags ?? []);
    },
    /** Bytes of all blobs that it has. */
    size: () =>
      readdirSync(files, { recursive: true })
        .map((name) => statSync(join(files, name)))
        .reduce((sum, stats) => sum + (stats.isFile() ? stats.size : 0), 0),
  };
  process.on('exit', () => child?.kill('SIGKILL'));
  await registry.start();
  return registry;
}

export const login = { user: USER, password: PASSWORD };
