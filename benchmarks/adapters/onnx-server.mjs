// Serves onnx-service.mjs on PORT from a store of its own.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onnx } from '../../packages/frameworks/onnx/dist/index.js';
import { serve } from '../../packages/server/dist/index.js';
import { models } from '../../packages/store/dist/index.js';

const file = (path) => fileURLToPath(new URL(path, import.meta.url));

const home = mkdtempSync(join(tmpdir(), 'ekiben-bench-'));
process.env.EKIBEN_HOME = home;
await models.save('model', file(`../../packages/frameworks/onnx/test/fixtures/${process.env.MODEL}.onnx`), onnx);
const { svc } = await import('./onnx-service.mjs');
const server = await serve(svc, { port: Number(process.env.PORT), module: file('onnx-service.mjs') });

process.once('SIGTERM', async () => {
  await server.close();
  rmSync(home, { recursive: true });
});
