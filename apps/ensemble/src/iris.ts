// What a client sends, what it gets, and how probabilities become a species.
import * as z from 'zod';

import { tensor, type Tensor } from 'ekiben';

const length = z.number().positive().max(50).describe('in cm');

export const Flower = z
  .object({ sepalLength: length, sepalWidth: length, petalLength: length, petalWidth: length })
  .meta({ examples: [{ sepalLength: 5.1, sepalWidth: 3.5, petalLength: 1.4, petalWidth: 0.2 }] });

const SPECIES = ['setosa', 'versicolor', 'virginica'] as const;

export const Answer = z.object({
  species: z.enum(SPECIES),
  probability: z.number(),
  /** Whose word it is. */
  by: z.enum(['trees', 'pipeline', 'both']),
});
type Answer = z.infer<typeof Answer>;

/** One row of the four lengths, as both models were trained with. */
export function toRow({ sepalLength, sepalWidth, petalLength, petalWidth }: z.infer<typeof Flower>): Tensor<'float32'> {
  return tensor([sepalLength, sepalWidth, petalLength, petalWidth], [1, 4], 'float32');
}

/** The most probable species, by the mean of what the models say: each a row of three probabilities. */
export function mostProbable(by: Answer['by'], ...rows: readonly Tensor<'float32'>[]): Answer {
  const means = SPECIES.map((species, i) => {
    const probability = rows.reduce((sum, row) => sum + row.item(i), 0) / rows.length;
    return { species, probability, by };
  });
  return means.reduce((best, each) => (each.probability > best.probability ? each : best));
}
