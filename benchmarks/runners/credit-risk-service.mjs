// The credit-risk service with its model in a worker process. EKIBEN_HOME has the model.
import { dictVectorizer } from '../../packages/frameworks/sklearn/dist/index.js';
import { xgboost } from '../../packages/frameworks/xgboost/dist/index.js';
import { json } from '../../packages/io-descriptors/dist/index.js';
import { toRunner } from '../../packages/runners/dist/index.js';
import { Service } from '../../packages/service/dist/index.js';
import { models } from '../../packages/store/dist/index.js';

const [integer, number, string] = [{ type: 'integer' }, { type: 'number' }, { type: 'string' }];
const properties = {
  seniority: integer,
  home: string,
  time: integer,
  age: integer,
  marital: string,
  records: string,
  job: string,
  expenses: integer,
  income: number,
  assets: number,
  debt: number,
  amount: integer,
  price: integer,
};
const application = { type: 'object', properties, required: Object.keys(properties) };
const decision = {
  type: 'object',
  properties: { Status: { enum: ['DECLINED', 'MAYBE', 'APPROVED'] } },
  required: ['Status'],
};

const model = await models.get('credit_risk_model:latest', xgboost);
const vectorizer = await model.customObject('DictVectorizer', dictVectorizer);
const creditRisk = toRunner(model, { placement: 'process' });

export const svc = new Service('credit_risk_classifier', { runners: [creditRisk] }).api(
  'classify',
  { input: json(application), output: json(decision) },
  async (input) => {
    const probability = (await creditRisk.predict.run(vectorizer.transform([input]))).item(0);
    return { Status: probability > 0.5 ? 'DECLINED' : probability > 0.3 ? 'MAYBE' : 'APPROVED' };
  },
);
