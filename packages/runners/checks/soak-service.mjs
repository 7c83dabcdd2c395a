// The service of the soak: the credit model that Python saved, in a process that can be made to hang and to leak, with small batches so
// that calls are cut and joined all the time.
import { readFileSync } from 'node:fs';
import { toRunner } from '@ekiben/runners';
import { loadBooster } from '@ekiben/xgboost';

const fixtures = new URL('../../frameworks/xgboost/test/fixtures/credit-risk/', import.meta.url);
const bytes = readFileSync(new URL('saved_model.ubj', fixtures));

export const booster = loadBooster(bytes);

const leaked = [];

class CreditRisk {
  static signatures = { predict: { batchable: true, retrySafe: true } };
  predict(rows) {
    return booster.predict(rows);
  }
  block(ms) {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
  }
  leak(mebibytes) {
    leaked.push(Buffer.alloc(mebibytes << 20, 1));
  }
}

export const creditRisk = toRunner(CreditRisk, {
  name: 'credit_risk',
  placement: 'process',
  workers: 2,
  batching: { maxBatchSize: 64 },
});

export const svc = { runners: [creditRisk] };
