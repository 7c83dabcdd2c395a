// The service with its model in a process of its own, where the calls of all requests meet.
import { Service, dictVectorizer, json, models, toRunner, xgboost } from 'ekiben';

import { CreditApplication, Decision, decide } from '../src/credit.ts';

const model = await models.get('credit_risk_model:latest', xgboost);
const vectorizer = await model.customObject('DictVectorizer', dictVectorizer);
const creditRisk = toRunner(model, { placement: 'process' });

export const svc = new Service('credit_risk_classifier', { runners: [creditRisk] }).api(
  'classify',
  { input: json(CreditApplication), output: json(Decision) },
  async (application) => {
    const probability = await creditRisk.predict.run(vectorizer.transform([application]));
    return { Status: decide(probability.item(0)) };
  },
);
