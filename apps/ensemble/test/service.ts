// The service on a store of its own, with both models in it.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { afterAll } from '@jest/globals';

import { onnx } from '@ekiben/onnx';
import { loadBooster, models, xgboost } from 'ekiben';

const model = (name: string) => fileURLToPath(new URL(`../model/${name}`, import.meta.url));

const home = await mkdtemp(path.join(tmpdir(), 'ensemble-'));
afterAll(() => rm(home, { recursive: true }));
process.env['EKIBEN_HOME'] = home;
await models.save('iris_trees', loadBooster(await readFile(model('iris-trees.ubj'))), xgboost);
await models.save('iris_pipeline', model('iris-pipeline.onnx'), onnx);

export const { svc } = await import('../src/service.ts');
