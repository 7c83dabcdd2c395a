// Puts the model that Python saved into the store, when it is not there yet, and serves it.
import { fileURLToPath } from 'node:url';

process.chdir(fileURLToPath(new URL('.', import.meta.url)));
process.env.EKIBEN_HOME ??= fileURLToPath(new URL('.ekiben', import.meta.url));

const { models } = await import('ekiben');
const { run } = await import('ekiben/cli');

let [model] = await models.list('credit_risk_model');
if (model === undefined) {
  model = await models.import('model/credit_risk_model.bentomodel');
  console.log(`Imported ${model.tag} into ${process.env.EKIBEN_HOME}`);
} else {
  console.log(`Found ${model.tag} in ${process.env.EKIBEN_HOME}`);
}

process.exitCode = await run(['serve', 'src/service.ts:svc', ...process.argv.slice(2)]);
