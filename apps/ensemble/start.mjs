// Puts both models into the store, when they are not there yet, and serves them.
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

process.chdir(fileURLToPath(new URL('.', import.meta.url)));
process.env.EKIBEN_HOME ??= fileURLToPath(new URL('.ekiben', import.meta.url));

const { loadBooster, models, xgboost } = await import('ekiben');
const { onnx } = await import('@ekiben/onnx');
const { run } = await import('ekiben/cli');

const isThere = async (name) => (await models.list(name)).length > 0;
if (!(await isThere('iris_trees'))) {
  await models.save('iris_trees', loadBooster(await readFile('model/iris-trees.ubj')), xgboost);
}
if (!(await isThere('iris_pipeline'))) await models.save('iris_pipeline', 'model/iris-pipeline.onnx', onnx);

process.exitCode = await run(['serve', 'src/service.ts:svc', ...process.argv.slice(2)]);
