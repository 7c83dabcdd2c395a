// Serves the routes on a free port, under a path prefix, and prints where: `served.mjs [PREFIX]`.
import { fileURLToPath } from 'node:url';
import { serve } from 'ekiben';
import { loadService } from '../../../packages/cli/dist/load-service.js';

const { service } = await loadService('src/service.ts:svc', fileURLToPath(new URL('..', import.meta.url)));
const { url } = await serve(service, { port: 0, pathPrefix: process.argv[2] });
console.log(url);
