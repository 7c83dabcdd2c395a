// The 150 flowers of the iris data set, with the probabilities that Python's xgboost and onnxruntime give.
import { readFileSync } from 'node:fs';

const read = (name: string): unknown => JSON.parse(readFileSync(new URL(`fixtures/${name}`, import.meta.url), 'utf8'));

const trees = read('multi-softprob.expected.json') as { inputs: number[][]; outputs: { predict: number[][] } };
const pipeline = read('iris-pipeline.expected.json') as { outputs: { probabilities: { data: number[] } } };

const SPECIES = ['setosa', 'versicolor', 'virginica'] as const;

export const flowers = trees.inputs.map(([sepalLength = 0, sepalWidth = 0, petalLength = 0, petalWidth = 0], i) => ({
  flower: { sepalLength, sepalWidth, petalLength, petalWidth },
  byTrees: trees.outputs.predict[i] ?? [],
  byPipeline: pipeline.outputs.probabilities.data.slice(3 * i, 3 * i + 3),
}));

/** The species with the largest probability. */
function best(probabilities: readonly number[], by: 'trees' | 'pipeline' | 'both') {
  const probability = Math.max(...probabilities);
  return { species: SPECIES[probabilities.indexOf(probability)], probability, by };
}

export function average({ byTrees, byPipeline }: (typeof flowers)[number]) {
  return best(
    byTrees.map((p, i) => (p + (byPipeline[i] ?? 0)) / 2),
    'both',
  );
}

export function cascade({ byTrees, byPipeline }: (typeof flowers)[number]) {
  const first = best(byTrees, 'trees');
  return first.probability >= 0.9 ? first : best(byPipeline, 'pipeline');
}
