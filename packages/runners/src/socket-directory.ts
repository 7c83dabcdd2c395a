/** The directory with the sockets of a runner's workers: private to this user, and gone with the process that made it. */
import { rmSync } from 'node:fs';
import { lstat, mkdtemp, readdir, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PREFIX = 'ekiben-runner-';

/** A socket that the maker of a directory holds open. Once it refuses, nobody needs the directory, in whatever container he was. */
const OWNER = 'owner.sock';

/** A younger directory may be one whose maker has just begun. */
const YOUNG_MS = 60_000;

export interface SocketDirectory {
  readonly path: string;
  remove(): Promise<void>;
}

const mine = new Set<string>();

/** Makes one. Those that were left by processes that were killed are removed on the occasion. */
export async function makeSocketDirectory(): Promise<SocketDirectory> {
  if (process.platform !== 'win32') await removeStale();
  const path = await mkdtemp(join(tmpdir(), PREFIX));
  if (mine.size === 0) process.once('exit', removeMine);
  mine.add(path);
  const close = process.platform === 'win32' ? () => {} : await hold(path);
  return {
    path,
    async remove() {
      close();
      await rm(path, { recursive: true, force: true });
      mine.delete(path);
      if (mine.size === 0) process.off('exit', removeMine);
    },
  };
}

function removeMine(): void {
  for (const path of mine) rmSync(path, { recursive: true, force: true });
}

async function hold(path: string): Promise<() => void> {
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(join(path, OWNER), resolve);
  });
  server.unref();
  return () => server.close();
}

async function removeStale(): Promise<void> {
  const names = await readdir(tmpdir());
  const paths = names.filter((name) => name.startsWith(PREFIX)).map((name) => join(tmpdir(), name));
  await Promise.all(paths.map(async (path) => (await isStale(path)) && rm(path, { recursive: true, force: true })));
}

async function isStale(path: string): Promise<boolean> {
  const found = await lstat(path).catch(() => null);
  if (found === null || !found.isDirectory() || found.uid !== process.getuid?.()) return false;
  if (Date.now() - found.mtimeMs < YOUNG_MS) return false;
  return new Promise((resolve) => {
    const socket = connect(join(path, OWNER), () => resolve(false));
    socket.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code === 'ECONNREFUSED' || code === 'ENOENT'));
    socket.once('connect', () => socket.destroy());
  });
}
