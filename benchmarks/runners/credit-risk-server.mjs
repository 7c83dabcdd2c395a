// Serves credit-risk-service.mjs on PORT from a store of its own, with the model that Python saved.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { serve } from '../../packages/server/dist/index.js';
import { models } from '../../packages/store/dist/index.js';

const file = (path) => fileURLToPath(new URL(path, import.meta.url));

const home = mkdtempSync(join(tmpdir(), 'ekiben-bench-'));
process.env.EKIBEN_HOME = home;
await models.import(file('../../apps/credit-risk/model/credit_risk_model.bentomodel'));
const { svc } = await import('./credit-risk-service.mjs');
const server = await serve(svc, { port: Number(process.env.PORT), module: file('credit-risk-service.mjs') });

process.once('SIGTERM', async () => {
  await server.close();
  rmSync(home, { recursive: true });
});
