// The service that the BentoML fixtures were recorded from, with a rule in place of the model.
import { readFile } from 'node:fs/promises';
import * as z from 'zod';
import { json } from '@ekiben/io-descriptors';
import { Service } from '@ekiben/service';

const CreditApplication = z.object({
  seniority: z.int(),
  home: z.string(),
  time: z.int(),
  age: z.int(),
  marital: z.string(),
  records: z.string(),
  job: z.string(),
  expenses: z.int(),
  income: z.number(),
  assets: z.number(),
  debt: z.number(),
  amount: z.int(),
  price: z.int(),
});
const Decision = z.object({ Status: z.enum(['DECLINED', 'MAYBE', 'APPROVED']) });

export const application = {
  seniority: 3,
  home: 'owner',
  time: 36,
  age: 26,
  marital: 'single',
  records: 'no',
  job: 'freelance',
  expenses: 35,
  income: 0,
  assets: 60000,
  debt: 3000,
  amount: 800,
  price: 1000,
};

export const credit = new Service('credit_risk_classifier').api(
  'classify',
  { input: json(CreditApplication, { example: application }), output: json(Decision) },
  ({ assets, debt }) => ({ Status: assets > debt ? 'APPROVED' : 'DECLINED' }),
);

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

/** An answer as `curl -i` printed it, after a line that says what was asked. */
export async function bentomlAnswer(name: string): Promise<Answer> {
  const text = await readFile(new URL(`fixtures/bentoml-1.0.7/${name}.http`, import.meta.url), 'utf8');
  const [, statusLine = '', ...rest] = text.split('\n');
  const blank = rest.indexOf('');
  const headers = new Headers(
    rest.slice(0, blank).map((line) => line.split(/: (.*)/s).slice(0, 2) as [string, string]),
  );
  // The recording ends with a newline of its own.
  const body = rest
    .slice(blank + 1)
    .join('\n')
    .replace(/\n$/, '');
  return { status: Number(statusLine.split(' ')[1]), headers, body };
}
