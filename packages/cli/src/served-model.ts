// The module of `ekiben serve TAG`: each process imports it, as it would a service that somebody wrote.
import process from 'node:process';

import { modelService } from './model-service.ts';

/** The tag, and the folder of the project, as JSON. */
export const SERVED_MODEL_ENV = 'EKIBEN_SERVED_MODEL';

const { tag, folder } = JSON.parse(process.env[SERVED_MODEL_ENV] ?? '{}') as {
  readonly tag: string;
  readonly folder: string;
};

export const svc = await modelService(tag, folder);
