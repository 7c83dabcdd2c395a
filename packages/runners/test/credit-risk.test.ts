/** The real model in a process of its own: what Python computed, to the last bit, and what the caller sees when it is killed. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { ModelStore } from '@ekiben/store';
import { tensor } from '@ekiben/tensor';
import { xgboost } from '@ekiben/xgboost';
import { startRunners, toRunner } from '../src/index.ts';
import type { RunningRunners } from '../src/index.ts';

const fixture = (name: string) => fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));

interface Expected {
  readonly vector: readonly number[];
  readonly hex: string;
}

const expected = (await readFile(fixture('expected.jsonl'), 'utf8'))
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Expected);

let home: string;
let running: RunningRunners;
const start = async () => {
  const store = new ModelStore(home);
  const model = await store.get('credit_risk_model:latest', xgboost);
  const creditRisk = toRunner(model, { placement: 'process' });
  const pinnedTags = { 'credit_risk_model:latest': model.tag };
  running = await startRunners([creditRisk], { module: fixture('credit-risk.mjs'), pinnedTags });
  return creditRisk;
};

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'ekiben-test-'));
  await new ModelStore(home).import(fixture('credit_risk_model.bentomodel'));
  process.env['EKIBEN_HOME'] = home;
});

afterAll(async () => {
  await running.close();
  await rm(home, { recursive: true });
});

const bits = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatBE(value);
  return bytes.toString('hex');
};

test('the credit model in a process of its own answers as XGBoost did, and its death is a coded error', async () => {
  const creditRisk = await start();
  const answers = await Promise.all(
    expected.map(({ vector }) =>
      creditRisk.predict.run(tensor(Float64Array.from(vector), [1, vector.length], 'float64')),
    ),
  );
  expect(answers.map((answer) => bits(answer.item(0)))).toEqual(expected.map(({ hex }) => hex));

  const [worker] = running.status()[0]?.workers ?? [];
  process.kill(worker?.pid ?? 0, 'SIGSTOP'); // so that the call is inside when it dies
  const call = creditRisk.predict.run(tensor(new Float64Array(29), [1, 29], 'float64'));
  process.kill(worker?.pid ?? 0, 'SIGKILL');
  await expect(call).rejects.toMatchObject({ code: 'EKIBEN_RUNNER_CRASHED', details: { runner: 'credit_risk_model' } });
});
