/** @jest-environment @ekiben/adapter-testkit/jest-environment */
// In one process, as a test calls a service.
import { describe, expect, test } from '@jest/globals';

import { average, cascade, flowers } from './expected.ts';
import { svc } from './service.ts';

describe('the answer is that of Python', () => {
  test('of both models at once', async () => {
    const answers = await Promise.all(flowers.map(({ flower }) => svc.call('average', flower)));
    answers.forEach((answer, i) => expect(answer).toEqual(near(average(flowers[i]!))));
  });

  test('of one after the other: the pipeline is asked where the trees are not sure', async () => {
    const expected = flowers.map(cascade);
    expect(new Set(expected.map(({ by }) => by))).toEqual(new Set(['trees', 'pipeline']));
    const answers = await Promise.all(flowers.map(({ flower }) => svc.call('cascade', flower)));
    answers.forEach((answer, i) => expect(answer).toEqual(near(expected[i]!)));
  });
});

test('a flower that is none is refused', async () => {
  const flower = { sepalLength: -1, sepalWidth: 3, petalLength: 1, petalWidth: 0.2 };
  await expect(svc.call('average', flower)).rejects.toMatchObject({
    code: 'EKIBEN_INVALID_INPUT',
    details: { errors: [{ pointer: '/sepalLength' }] },
  });
});

/** A batch rounds otherwise than a single row, in the last bits. */
const near = <T extends { probability: number }>(answer: T) => ({
  ...answer,
  probability: expect.closeTo(answer.probability, 6),
});
