// The module of `ekiben serve MODEL_TAG`: each process imports it, as it would a service that somebody wrote.
import { modelService } from './model-service.ts';
import { servedModel } from './model-target.ts';

const { tag, folder } = servedModel();

export const svc = await modelService(tag, folder);
