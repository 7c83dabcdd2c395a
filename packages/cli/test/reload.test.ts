// `ekiben serve --reload`: what changes is taken up without a lost request, what does not work is shown and not taken.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { ModelStore } from '@ekiben/store';
import { xgboost } from '@ekiben/xgboost';
import { afterEach, beforeEach, expect, test } from '@jest/globals';

import { bin, makeProject } from './project.ts';

const MODEL = path.join(import.meta.dirname, 'fixtures', 'credit_risk_model.bentomodel');
let project: string;
let home: string;
let child: ChildProcess;
let output: string;
let url: string;

beforeEach(async () => {
  project = await makeProject('reload');
  home = await mkdtemp(path.join(tmpdir(), 'ekiben-reload-'));
});
afterEach(async () => {
  child.kill('SIGTERM');
  const [code] = (await once(child, 'exit')) as [number | null];
  await rm(project, { recursive: true });
  await rm(home, { recursive: true });
  expect(code).toBe(0);
});

const write = (name: string, text: string) => writeFile(path.join(project, name), text);

async function serve(target: string): Promise<void> {
  output = '';
  child = spawn(process.execPath, [bin, 'serve', target, '--reload', '--port', '0'], {
    cwd: project,
    env: { ...process.env, EKIBEN_HOME: home },
  });
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (output += String(chunk)));
  await said(/Swagger UI/);
  url = /http:\/\/[\d.:]+/.exec(output)?.[0] ?? '';
}

async function said(pattern: RegExp): Promise<void> {
  while (!pattern.test(output)) {
    if (child.exitCode !== null) throw new Error(`exited with ${child.exitCode}: ${output}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  if (pattern.global) output = '';
}

async function post(path: string, body: string): Promise<unknown> {
  const response = await fetch(url + path, { method: 'POST', body, headers: { 'content-type': 'application/json' } });
  if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`);
  return response.json();
}

/** A connection that is kept stays with the old process for the request that is on its way. */
async function untilAnswered(expected: number): Promise<void> {
  while ((await post('/times', '5')) !== expected);
}

test('code that has changed is taken up and no request is lost; what does not work is shown, and not taken', async () => {
  await write('value.ts', 'export const factor: number = 2;\n');
  await write(
    'service.ts',
    `import { Service, json } from '../../../dist/index.js';
     import { factor } from './value.ts';
     const number = { type: 'number' } as const;
     export const svc = new Service('s').api('times', { input: json(number), output: json(number) }, (x) => factor * x);`,
  );
  await serve('.');
  const answers = new Set<unknown>();
  let isOver = false;
  const load = Promise.all(
    Array.from({ length: 4 }, async () => {
      while (!isOver) answers.add(await post('/times', '5'));
    }),
  );
  load.catch(() => {}); // awaited below
  expect(await post('/times', '5')).toBe(10);

  await write('value.ts', 'export const factor: number = 3;\n');
  await said(/value\.ts has changed: loaded anew in \d+ ms/g);
  await untilAnswered(15);

  await write('value.ts', 'export const factor: number = ;\n');
  await said(/does not compile\.[\s\S]+value\.ts:1:30:\s+1 │ export const factor: number = ;\s+╵ +\^/g);
  expect(await post('/times', '5')).toBe(15);

  await write('value.ts', 'export const factor = 4;\nthrow new Error("not today");\n');
  await said(/Error: not today\s+value\.ts:2:6:\s+2 │ throw new Error\("not today"\);[\s\S]+What was there stays\./g);
  expect(await post('/times', '5')).toBe(15);

  await write('value.ts', 'export const factor: number = 5;\n');
  await said(/value\.ts has changed: loaded anew/g);
  await untilAnswered(25);

  isOver = true;
  await load;
  expect([...answers]).toEqual([10, 15, 25]);
});

test('a model that is saved is taken up where `latest` is served', async () => {
  const store = new ModelStore(home);
  const { tag } = await store.import(MODEL);
  const model = await store.get(tag, xgboost);
  await serve('credit_risk_model:latest');
  expect(output).toContain(`Models: ${tag}`);
  const saved = await store.save('credit_risk_model', await model.load(), xgboost);
  await said(new RegExp(`Models: ${saved.tag}`));
  const row = JSON.stringify([Array.from({ length: 29 }, (_, at) => at)]);
  expect(await post('/predict', row)).toEqual([expect.any(Number)]);
});
