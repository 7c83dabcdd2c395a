// The course's walk: save the model as batchable, serve it, send many requests at once, and see in /metrics that they met in
// batches. Prometheus's own promtool reads the metrics, too.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { customObject, dictVectorizer, ModelStore, xgboost } from 'ekiben';
import { check, finish, isInstalled, run, skip, temporary } from '../../../packages/store/checks/harness.mjs';

const CONNECTIONS = 64;
const app = fileURLToPath(new URL('..', import.meta.url));
const bin = fileURLToPath(import.meta.resolve('ekiben')).replace(/index\.js$/, 'bin.js');
const home = temporary();
const examples = readFileSync(join(app, 'test/fixtures/expected.jsonl'), 'utf8').trim().split('\n').map(JSON.parse);
const env = { ...process.env, EKIBEN_HOME: home };
let server;
let url;
let metrics;

await check('save, with a signature that says batchable', async () => {
  const store = new ModelStore(home);
  const { tag } = await store.import(join(app, 'model/credit_risk_model.bentomodel'));
  const python = await store.get(tag, xgboost);
  const vectorizer = await python.customObject('DictVectorizer', dictVectorizer);
  await store.save('credit_risk_model', await python.load(), xgboost, {
    signatures: { predict: { batchable: true, batchDim: [0, 0] } },
    customObjects: { DictVectorizer: customObject(vectorizer, dictVectorizer) },
  });
  const shown = run(process.execPath, [bin, 'models', 'get', 'credit_risk_model:latest', '-o', 'json'], { env });
  assert.deepEqual(JSON.parse(shown).signatures.predict, { batchable: true, batch_dim: [0, 0] });
});

await check('serve', async () => {
  server = spawn(process.execPath, [bin, 'serve', 'checks/batched-service.ts:svc', '--port', '0'], {
    cwd: app,
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  for await (const line of createInterface({ input: server.stdout })) {
    console.log(`  ${line}`);
    url = /on (http:\S+)/.exec(line)?.[1];
    if (url !== undefined) break;
  }
  server.stdout.resume();
  assert.notEqual(url, undefined, 'the server ended before it was ready');
});

await check(`${CONNECTIONS} requests at a time, for ${examples.length} answers like Python's`, async () => {
  let next = 0;
  const caller = async () => {
    for (let example = examples[next++]; example !== undefined; example = examples[next++]) {
      const response = await fetch(`${url}/classify`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(example.application),
      });
      assert.deepEqual(await response.json(), { Status: example.status });
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, caller));
});

await check('adaptive_batch_size is above 1, and has every call', async () => {
  const name = 'bentoml_runner_adaptive_batch_size';
  const labels =
    'runner_name="credit_risk_model",worker_index="1",method_name="predict",service_name="credit_risk_classifier"';
  const sample = (of) => {
    const line = metrics.split('\n').find((each) => each.startsWith(`${name}_${of}{${labels}`));
    return Number(line?.split(' ').at(-1));
  };
  // The worker tells of its batches twice a second.
  for (let tries = 0; tries < 50; tries += 1) {
    metrics = await (await fetch(`${url}/metrics`)).text();
    if (sample('sum') === examples.length) break;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const [rows, batches] = [sample('sum'), sample('count')];
  assert.equal(rows, examples.length);
  console.log(`  ${rows} rows in ${batches} batches: ${(rows / batches).toFixed(1)} on average`);
  assert.ok(rows / batches > 1.5);
});

// Debian has promtool in the package of Prometheus.
if (isInstalled('promtool', 'prometheus')) {
  await check('promtool finds no fault in the metrics', () => {
    assert.match(metrics, /ekiben_runner_queue_duration_seconds_bucket/);
    const file = join(home, 'metrics.txt');
    writeFileSync(file, metrics);
    run('sh', ['-c', `promtool check metrics < '${file}'`]);
  });
} else skip('promtool', 'it is not installed');

await check('SIGTERM ends it', async () => {
  server.kill('SIGTERM');
  assert.deepEqual(await once(server, 'exit'), [0, null]);
});
finish();
