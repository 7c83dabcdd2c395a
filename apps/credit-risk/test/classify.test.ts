import { expect, test } from '@jest/globals';

import { svc } from './service.ts';

const application = {
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

test('approves a good application', async () => {
  expect(await svc.call('classify', application)).toEqual({ Status: 'APPROVED' });
});

test('declines a risky application', async () => {
  const risky = { ...application, seniority: 0, records: 'yes', job: 'partime', assets: 0, amount: 3000, price: 3100 };
  expect(await svc.call('classify', risky)).toEqual({ Status: 'DECLINED' });
});

test('names every field that is wrong', async () => {
  const { home: _, ...incomplete } = { ...application, age: 26.5 };
  // @ts-expect-error home is missing
  await expect(svc.call('classify', incomplete)).rejects.toMatchObject({
    code: 'EKIBEN_INVALID_INPUT',
    details: { errors: [{ pointer: '/home' }, { pointer: '/age' }] },
  });
});
