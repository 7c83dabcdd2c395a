// As it is served: `ekiben serve` with the pipeline in a process of its own, where calls meet in batches.
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { average, cascade, flowers } from './expected.ts';
import './service.ts'; // fills the store

jest.setTimeout(60_000); // a watchdog

interface Batch {
  readonly runner: string;
  readonly worker: number | null;
  readonly rows: readonly (readonly [rows: number, batches: number])[];
}

let server: ChildProcess;
let url = '';
const batches: Batch[] = [];

beforeAll(async () => {
  const app = fileURLToPath(new URL('..', import.meta.url));
  const watch = new URL('batches.mjs', import.meta.url).href;
  const ekiben = fileURLToPath(import.meta.resolve('ekiben/package.json').replace('package.json', 'dist/bin.js'));
  server = spawn(process.execPath, ['--import', watch, ekiben, 'serve', 'src/service.ts:svc', '--port', '0'], {
    cwd: app,
    env: process.env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: server.stdout! });
  await new Promise<void>((ready, failed) => {
    lines.on('line', (line) => {
      if (line.startsWith('BATCH ')) batches.push(JSON.parse(line.slice('BATCH '.length)) as Batch);
      url = /Serving .* on (http:\S+)/.exec(line)?.[1] ?? url;
      if (url !== '') ready();
    });
    server.once('exit', (code) => failed(new Error(`the server ended with ${code}`)));
  });
});

afterAll(async () => {
  server.kill('SIGTERM');
  if (server.exitCode === null) await once(server, 'exit');
});

const ask = async (api: string, flower: object): Promise<unknown> => {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(`${url}/${api}`, { method: 'POST', headers, body: JSON.stringify(flower) });
  expect(response.status).toBe(200);
  return response.json();
};

const rows = () => batches.flatMap((each) => each.rows).reduce((total, [size, times]) => total + size * times, 0);

/** Workers report what they ran a little later. */
async function untilRows(count: number): Promise<void> {
  for (let tries = 0; rows() < count && tries < 500; tries++) await sleep(20);
  expect(rows()).toBe(count);
}

test('many requests at once have the answers of Python, over batches in a worker', async () => {
  const answers = await Promise.all(flowers.map(({ flower }) => ask('average', flower)));
  answers.forEach((answer, i) => {
    const { probability, ...rest } = average(flowers[i]!);
    expect(answer).toEqual({ ...rest, probability: expect.closeTo(probability, 6) });
  });
  await untilRows(flowers.length);
  expect(batches.flatMap((each) => each.rows).reduce((total, [, times]) => total + times, 0)).toBeLessThan(
    flowers.length,
  );
  expect(batches.every(({ runner, worker }) => runner === 'iris_pipeline' && worker === 0)).toBe(true);
});

test('the pipeline is not asked where the trees are sure', async () => {
  const before = rows();
  const some = flowers.slice(68, 80);
  for (const each of some) {
    const { probability, ...rest } = cascade(each);
    expect(await ask('cascade', each.flower)).toEqual({ ...rest, probability: expect.closeTo(probability, 6) });
  }
  const asked = some.filter((each) => cascade(each).by === 'pipeline').length;
  expect(asked).toBeGreaterThan(0);
  await ask('average', flowers[0]!.flower); // the last one that is counted
  await untilRows(before + asked + 1);
});
