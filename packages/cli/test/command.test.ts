// The built command, as a user runs it.
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import path from 'node:path';

import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';

import { bin, DOUBLER, makeProject, packageRoot } from './project.ts';

const manifest = JSON.parse(readFileSync(path.join(packageRoot, 'package.json'), 'utf8')) as {
  version: string;
  bin: { ekiben: string };
};
let project: string;

beforeAll(async () => {
  project = await makeProject('project', { 'service.ts': DOUBLER });
});
afterAll(() => rm(project, { recursive: true }));

const ekiben = (...args: string[]) => spawnSync(process.execPath, [bin, ...args], { cwd: project, encoding: 'utf8' });

test('--version', () => {
  expect(path.join(packageRoot, manifest.bin.ekiben)).toBe(bin);
  expect(ekiben('--version')).toMatchObject({ status: 0, stdout: `${manifest.version}\n`, stderr: '' });
  expect(ekiben('-v').stdout).toBe(`${manifest.version}\n`);
});

(existsSync('/dev/full') ? test : test.skip)('an output that cannot be written is one line and a failure', () => {
  const full = openSync('/dev/full', 'w');
  const { status, stderr } = spawnSync(process.execPath, [bin, '--version'], { stdio: ['ignore', full, 'pipe'] });
  closeSync(full);
  expect(status).toBe(1);
  expect(String(stderr)).toMatch(/^Error: the output cannot be written: ENOSPC[^\n]*\n$/);
});

test('--help lists the verbs', () => {
  const { status, stdout } = ekiben('--help');
  expect(status).toBe(0);
  for (const verb of ['serve', 'models']) expect(stdout).toMatch(new RegExp(`^  ${verb}\\b`, 'm'));
});

test.each([
  [['serv'], /unknown command 'serv'[\s\S]*Did you mean serve\?/],
  [['serve', '--prot', '1'], /unknown option '--prot'[\s\S]*Did you mean --port\?/],
  [['serve', '--port', '70000'], /A port is a whole number from 0 to 65535/],
])('wrong usage %p exits with 2 and says what would be right', (args, message) => {
  expect(ekiben(...args)).toMatchObject({ status: 2, stdout: '', stderr: expect.stringMatching(message) });
});

test('a failure exits with 1 and prints one line, no stack', () => {
  expect(ekiben('serve', 'nowhere.ts:svc')).toMatchObject({
    status: 1,
    stderr: expect.stringMatching(/^Error: There is no file or folder .*nowhere\.ts.*\n$/),
  });
});

test('a port that is taken: says which option to use', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  const { status, stderr } = ekiben('serve', '.', '--port', String(port));
  other.close();
  expect(status).toBe(1);
  expect(stderr).toMatch(new RegExp(`^Error: .*${port}.*--port.*\\n$`));
});

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

async function start() {
  const child = spawn(process.execPath, [bin, 'serve', '.', '--port', '0'], { cwd: project });
  children.push(child);
  let output = '';
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const url = await new Promise<string>((resolve, reject) => {
    child.once('exit', () => reject(new Error(output)));
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      const found = /http:\/\/127\.0\.0\.1:\d+/.exec(output);
      if (found) resolve(found[0]);
    });
  });
  return { child, url };
}

const double = (url: string, x: number) =>
  fetch(`${url}/double`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: String(x) });

test.each(['SIGINT', 'SIGTERM'] as const)('%s finishes the request in flight and exits with 0', async (signal) => {
  const { child, url } = await start();
  expect(await (await double(url, 4)).json()).toBe(8);
  const slow = double(url, 500);
  await new Promise((resolve) => setTimeout(resolve, 100));
  child.kill(signal);
  expect(await (await slow).json()).toBe(1000);
  expect(await once(child, 'exit')).toEqual([0, null]);
});

test('a second signal ends at once', async () => {
  const { child, url } = await start();
  const slow = double(url, 60_000).catch((error: unknown) => error);
  await new Promise((resolve) => setTimeout(resolve, 100));
  child.kill('SIGINT');
  await new Promise((resolve) => setTimeout(resolve, 50));
  child.kill('SIGINT');
  expect(await once(child, 'exit')).toEqual([130, null]);
  expect(String(await slow)).toContain('fetch failed');
});
