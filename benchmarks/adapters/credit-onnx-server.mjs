// The credit-risk service on PORT with its model as ONNX, in this process: the work of http/fastify-onnx.mjs.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onnxWith } from '../../packages/frameworks/onnx/dist/index.js';
import { dictVectorizer } from '../../packages/frameworks/sklearn/dist/index.js';
import { xgboost } from '../../packages/frameworks/xgboost/dist/index.js';
import { json } from '../../packages/io-descriptors/dist/index.js';
import { toRunner } from '../../packages/runners/dist/index.js';
import { serve } from '../../packages/server/dist/index.js';
import { Service } from '../../packages/service/dist/index.js';
import { ModelStore } from '../../packages/store/dist/index.js';

const file = (path) => fileURLToPath(new URL(path, import.meta.url));

const properties = Object.fromEntries([
  ...['seniority', 'time', 'age', 'expenses', 'amount', 'price'].map((name) => [name, { type: 'integer' }]),
  ...['income', 'assets', 'debt'].map((name) => [name, { type: 'number' }]),
  ...['home', 'marital', 'records', 'job'].map((name) => [name, { type: 'string' }]),
]);
const application = { type: 'object', properties, required: Object.keys(properties) };
const decision = { type: 'object', properties: { Status: { type: 'string' } }, required: ['Status'] };

const home = mkdtempSync(join(tmpdir(), 'ekiben-bench-'));
const store = new ModelStore(home);
const { tag } = await store.import(file('../../apps/credit-risk/model/credit_risk_model.bentomodel'));
const vectorizer = await (await store.get(tag, xgboost)).customObject('DictVectorizer', dictVectorizer);
const creditOnnx = onnxWith({ inputs: { x: 'float32' }, outputs: { probabilities: 'float32' } });
const model = await store.save('credit_onnx', file('../trees/credit-risk.onnx'), creditOnnx);
const creditRisk = toRunner(model, { placement: 'embedded' });

const svc = new Service('credit_risk_classifier', { runners: [creditRisk] }).api(
  'classify',
  { input: json(application), output: json(decision) },
  async (input) => {
    const { probabilities } = await creditRisk.run.run({ x: vectorizer.transform([input]) });
    const probability = probabilities.item(1);
    return { Status: probability > 0.5 ? 'DECLINED' : probability > 0.3 ? 'MAYBE' : 'APPROVED' };
  },
);
const server = await serve(svc, { port: Number(process.env.PORT) });

process.once('SIGTERM', async () => {
  await server.close();
  rmSync(home, { recursive: true });
});
