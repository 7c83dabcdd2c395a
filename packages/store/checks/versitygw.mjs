// A real S3-compatible server, built once from its published source and kept.
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { cached, run, temporary } from './harness.mjs';

const VERSION = 'v1.8.0';

export const credentials = { accessKeyId: 'ekiben', secretAccessKey: 'a-secret-of-no-worth' };

/** @returns {Promise<{ endpoint: string, port: number, files: string, stop: () => void }>} `files` has the objects as files */
export async function startServer(port) {
  const bin = cached('versitygw', { VERSION, platform: process.platform, arch: process.arch }, (dir) =>
    run('go', ['install', `github.com/versity/versitygw/cmd/versitygw@${VERSION}`], {
      env: { ...process.env, GOBIN: dir },
    }),
  );
  const files = temporary();
  const parts = temporary();
  mkdirSync(join(files, 'models'));
  const { accessKeyId, secretAccessKey } = credentials;
  const args = [
    '--access',
    accessKeyId,
    '--secret',
    secretAccessKey,
    '--port',
    `127.0.0.1:${port}`,
    '--quiet',
    'posix',
    '--sidecar',
    parts,
    files,
  ];
  const server = spawn(join(bin, 'versitygw'), args, { stdio: 'ignore' });
  process.on('exit', () => server.kill());
  for (let attempt = 0; !(await isOpen(port)); attempt++) {
    if (attempt === 100 || server.exitCode !== null) throw new Error('versitygw does not start');
    await sleep(100);
  }
  return { endpoint: `http://127.0.0.1:${port}`, port, files, stop: () => server.kill() };
}

function isOpen(port) {
  return new Promise((resolve) => {
    const socket = createConnection(port, '127.0.0.1');
    socket.on('connect', () => (socket.destroy(), resolve(true))).on('error', () => resolve(false));
  });
}
