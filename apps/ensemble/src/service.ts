import { onnxWith } from '@ekiben/onnx';
import { Service, json, models, toRunner, xgboost } from 'ekiben';

import { Answer, Flower, mostProbable, toRow } from './iris.ts';

const irisPipeline = onnxWith({ inputs: { X: 'float32' }, outputs: { probabilities: 'float32' } });

const trees = toRunner(await models.get('iris_trees:latest', xgboost));
const pipeline = toRunner(await models.get('iris_pipeline:latest', irisPipeline), { placement: 'process' });

/** Trees that are this sure are asked alone. */
const SURE = 0.9;

const route = { input: json(Flower), output: json(Answer) };

export const svc = new Service('iris_ensemble', { runners: [trees, pipeline] })
  .api('average', route, async (flower) => {
    const row = toRow(flower);
    const [byTrees, { probabilities }] = await Promise.all([trees.predict.run(row), pipeline.run.run({ X: row })]);
    return mostProbable('both', byTrees, probabilities);
  })
  .api('cascade', route, async (flower) => {
    const row = toRow(flower);
    const answer = mostProbable('trees', await trees.predict.run(row));
    if (answer.probability >= SURE) return answer;
    const { probabilities } = await pipeline.run.run({ X: row });
    return mostProbable('pipeline', probabilities);
  });
