// What a client sends, what it gets, and the rule between them.
import * as z from 'zod';

export const CreditApplication = z
  .object({
    seniority: z.int(),
    home: z.string(),
    time: z.int(),
    age: z.int(),
    marital: z.string(),
    records: z.string(),
    job: z.string(),
    expenses: z.int(),
    income: z.float32(),
    assets: z.float32(),
    debt: z.float32(),
    amount: z.int(),
    price: z.int(),
  })
  .meta({
    examples: [
      {
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
      },
    ],
  });

export const Decision = z.object({ Status: z.enum(['DECLINED', 'MAYBE', 'APPROVED']) });

/** @param probability - of default, 0 to 1, as the model predicts it */
export function decide(probability: number): z.infer<typeof Decision>['Status'] {
  if (probability > 0.5) return 'DECLINED';
  return probability > 0.3 ? 'MAYBE' : 'APPROVED';
}
