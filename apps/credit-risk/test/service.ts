// The service on a store of its own, with the model that Python saved.
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { models } from 'ekiben';

process.env.EKIBEN_HOME = await mkdtemp(path.join(tmpdir(), 'credit-risk-'));
await models.import(fileURLToPath(new URL('../model/credit_risk_model.bentomodel', import.meta.url)));

export const { svc } = await import('../src/service.ts');
