// What the checks of the builder share: the command, a home with the course's model, and copies of the example.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ModelStore } from '@ekiben/store';
import { temporary } from '../../store/checks/harness.mjs';

export const root = fileURLToPath(new URL('../../..', import.meta.url));
export const ekiben = join(root, 'packages/cli/dist/bin.js');
export const example = join(root, 'apps/credit-risk');

/** A home with the model that Python trained. */
export async function homeWithModel() {
  const home = temporary();
  await new ModelStore(home).import(join(example, 'model/credit_risk_model.bentomodel'));
  return home;
}

/** A copy of apps/credit-risk in `folder`, with the packages of this repository linked into it. */
export function copyExample(folder) {
  mkdirSync(join(folder, 'node_modules'), { recursive: true });
  for (const part of ['src', 'package.json', 'bentofile.yaml'])
    cpSync(join(example, part), join(folder, part), { recursive: true });
  cpSync(join(root, 'pnpm-lock.yaml'), join(folder, 'pnpm-lock.yaml'));
  symlinkSync(join(root, 'packages/cli'), join(folder, 'node_modules/ekiben'));
  symlinkSync(join(example, 'node_modules/zod'), join(folder, 'node_modules/zod'));
  return folder;
}

/** Every file below, with its mode and content. */
export function treeOf(directory, { without = [] } = {}) {
  const tree = new Map();
  for (const name of readdirSync(directory, { recursive: true }).map(String).toSorted()) {
    const path = join(directory, name);
    const { mode } = statSync(path);
    if (statSync(path).isFile() && !without.includes(name))
      tree.set(name, `${(mode & 0o777).toString(8)} ${readFileSync(path, 'latin1')}`);
  }
  return tree;
}

/**
 * The command in an environment: `command` gives how it ended, `succeed` what it printed, and `build` the tag of the bento that it made of
 * a project.
 */
export function commandsIn(env) {
  const command = (args, options = {}) =>
    spawnSync(process.execPath, [ekiben, ...args], { env, encoding: 'utf8', maxBuffer: 1e8, ...options });
  const succeed = (args, options) => {
    const { status, stdout, stderr } = command(args, options);
    assert.equal(status, 0, stderr);
    return { stdout, stderr };
  };
  const build = (project, ...args) => {
    const { stdout } = succeed(['build', '-o', 'tag', ...args], { cwd: project });
    return /^__tag__:(.*)$/m.exec(stdout)[1];
  };
  return { command, succeed, build };
}

/** A server that says where it listens; `answers(application)` asks it. */
export async function startServer(command, args, options = {}) {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'], ...options });
  const lines = [];
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line);
    const url = /^Serving .*(http:\/\/\S+?)(?: |$)/.exec(line)?.[1];
    if (url === undefined) continue;
    child.stdout.resume();
    const stop = async () => {
      child.kill('SIGTERM');
      return once(child, 'exit');
    };
    return { url, child, stop };
  }
  throw new Error(`the server did not start:\n${lines.join('\n')}`);
}

export async function post(url, body) {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return response.json();
}

/** The 3,000 applications that Python scored, and what it answered. */
export function expectedAnswers() {
  const lines = readFileSync(join(example, 'test/fixtures/expected.jsonl'), 'utf8').trim().split('\n');
  return lines.map((line) => JSON.parse(line));
}
