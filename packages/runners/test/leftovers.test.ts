/** What is left of worker processes and their sockets, however the process that has them ends. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { makeSocketDirectory } from '../src/socket-directory.ts';

const file = fileURLToPath(new URL('fixtures/parent.mjs', import.meta.url));

async function start() {
  const parent = fork(file, { execArgv: [] });
  const [{ pid, socket }] = (await once(parent, 'message')) as [{ pid: number; socket: string }];
  const directory = dirname(socket);
  expect(existsSync(directory)).toBe(true);
  const left = () => [isAlive(pid) && `process ${pid}`, existsSync(directory) && directory].filter((each) => each);
  return { parent, left };
}

const isAlive = (pid: number) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

/** What is still there when it had time to go. */
async function lastingly(left: () => unknown[]): Promise<unknown[]> {
  for (let tries = 0; left().length > 0 && tries < 500; tries++) await sleep(20);
  return left();
}

describe('nothing is left', () => {
  test('when the runners are closed: the process ends by itself, so there is no timer either', async () => {
    const { parent, left } = await start();
    parent.send('close');
    expect(await once(parent, 'exit')).toEqual([0, null]);
    expect(left()).toEqual([]);
  });

  test('when the process exits while a worker is busy', async () => {
    const { parent, left } = await start();
    parent.send('exit');
    await once(parent, 'exit');
    expect(await lastingly(left)).toEqual([]);
  });

  test('when the process is killed: the worker sees that, and cleans up', async () => {
    const { parent, left } = await start();
    parent.kill('SIGKILL');
    expect(await lastingly(left)).toEqual([]);
  });
});

test('a directory that killed processes left is removed at the next start, one in use is not', async () => {
  const make = () => mkdtempSync(join(tmpdir(), 'ekiben-runner-'));
  const [stale, used, young] = [make(), make(), make()];
  const owner = createServer().listen(join(used, 'owner.sock'));
  await once(owner, 'listening');
  writeFileSync(join(stale, '0.sock'), '');
  for (const old of [stale, used]) utimesSync(old, new Date(0), new Date(0));
  const directory = await makeSocketDirectory();
  expect([stale, used, young, directory.path].map(existsSync)).toEqual([false, true, true, true]);
  utimesSync(directory.path, new Date(0), new Date(0));
  const other = await makeSocketDirectory();
  expect(existsSync(directory.path)).toBe(true);
  await directory.remove();
  await other.remove();
  owner.close();
  for (const each of [used, young]) rmSync(each, { recursive: true });
  expect([directory.path, other.path].map(existsSync)).toEqual([false, false]);
});
