// All 3,000 applications that Python scored: the vector, the probability to the last bit, and the status.
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { dictVectorizer, models, serve, toRunner, xgboost } from 'ekiben';

import type { CreditApplication } from '../src/credit.ts';
import { svc } from './service.ts';
import type * as z from 'zod';

interface Expected {
  readonly application: z.input<typeof CreditApplication>;
  readonly vector: readonly number[];
  readonly probability: number;
  /** The probability's float32 bits, big-endian. */
  readonly hex: string;
  readonly status: string;
}

const fixture = (name: string) => fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));
const lines = (await readFile(fixture('expected.jsonl'), 'utf8')).trimEnd().split('\n');
const expected = lines.map((line) => JSON.parse(line) as Expected);

function float32Hex(value: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatBE(value);
  return bytes.toString('hex');
}

test('the fixture is whole', () => {
  expect(expected).toHaveLength(3000);
  expect(new Set(expected.map(({ status }) => status))).toEqual(new Set(['APPROVED', 'DECLINED', 'MAYBE']));
});

test('vectors and probabilities equal those of Python, bit for bit', async () => {
  const model = await models.get('credit_risk_model:latest', xgboost);
  const vectorizer = await model.customObject('DictVectorizer', dictVectorizer);
  const runner = toRunner(model);
  for (const { application, vector, hex } of expected) {
    const row = vectorizer.transform([application]);
    expect(Array.from(row.data)).toEqual(vector);
    const probability = await runner.predict.run(row);
    expect(float32Hex(probability.item(0))).toBe(hex);
  }
});

test('3,000 rows in one call predict as one by one', async () => {
  const model = await models.get('credit_risk_model:latest', xgboost);
  const vectorizer = await model.customObject('DictVectorizer', dictVectorizer);
  const rows = vectorizer.transform(expected.map(({ application }) => application));
  const probabilities = await toRunner(model).predict.run(rows);
  expect(Array.from(probabilities.data, float32Hex)).toEqual(expected.map(({ hex }) => hex));
});

test('the model that BentoML 1.4 and XGBoost 3.2 saved loads and predicts', async () => {
  const { tag } = await models.import(fixture('credit_risk_model-bentoml-1.4.bentomodel'));
  const model = await models.get(tag, xgboost);
  const vectorizer = await model.customObject('DictVectorizer', dictVectorizer);
  const rows = vectorizer.transform(expected.map(({ application }) => application));
  const probabilities = await toRunner(model).predict.run(rows);
  // Another training, so other numbers: yet nearly every decision is the same.
  const same = expected.filter(({ probability }, i) => probability > 0.5 === probabilities.item(i) > 0.5);
  expect(same.length).toBeGreaterThan(2800);
});

describe('over HTTP', () => {
  let server: Awaited<ReturnType<typeof serve>>;
  beforeAll(async () => {
    server = await serve(svc, { port: 0 });
  });
  afterAll(() => server.close());

  test('every status equals that of Python', async () => {
    const statuses = [];
    for (let start = 0; start < expected.length; start += 50) {
      const answers = expected.slice(start, start + 50).map(async ({ application }) => {
        const body = JSON.stringify(application);
        const response = await fetch(`${server.url}/classify`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body,
        });
        return ((await response.json()) as { Status: string }).Status;
      });
      statuses.push(...(await Promise.all(answers)));
    }
    expect(statuses).toEqual(expected.map(({ status }) => status));
  });
});
