// The service of the soak: the credit model that Python saved, with small batches so that calls are cut and joined all the time.
import { readFileSync } from 'node:fs';
import { toRunner } from '@ekiben/runners';
import { loadBooster, xgboost } from '@ekiben/xgboost';

const fixtures = new URL('../../frameworks/xgboost/test/fixtures/credit-risk/', import.meta.url);
const bytes = readFileSync(new URL('saved_model.ubj', fixtures));

export const booster = loadBooster(bytes);

export const creditRisk = toRunner(
  {
    tag: 'credit_risk_model:soak',
    manifest: {
      module: xgboost.module,
      signatures: { predict: { batchable: true } },
      options: {},
      frameworkVersions: {},
    },
    framework: xgboost,
    load: async () => loadBooster(bytes),
  },
  { placement: 'process', workers: 2, batching: { maxBatchSize: 64 } },
);

export const svc = { runners: [creditRisk] };
