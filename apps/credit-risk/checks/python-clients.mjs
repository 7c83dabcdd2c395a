// BentoML's own clients call the service unchanged: that of 1.1, which reads /docs.json, and that of the current release, which reads
// /schema.json.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { check, finish } from '../../../packages/store/checks/harness.mjs';
import { virtualEnvironment } from '../../../packages/store/checks/python.mjs';
import { startCreditRisk } from './served.mjs';

const CLIENTS = [
  { name: 'bentoml.client.HTTPClient of 1.1.11', kind: 'http', pins: ['bentoml==1.1.11', 'numpy<2', 'setuptools<80'] },
  { name: 'bentoml.client.HTTPClient of 1.4.39', kind: 'http', pins: ['bentoml==1.4.39'] },
  { name: 'bentoml.SyncHTTPClient of 1.4.39', kind: 'sync', pins: ['bentoml==1.4.39'] },
];
const APPLICATIONS = 200;

const expected = readFileSync(new URL('../test/fixtures/expected.jsonl', import.meta.url), 'utf8')
  .split('\n')
  .slice(0, APPLICATIONS)
  .map((line) => JSON.parse(line));
const script = fileURLToPath(new URL('python_client.py', import.meta.url));

const service = await startCreditRisk();
for (const { name, kind, pins } of CLIENTS) {
  const venv = virtualEnvironment(pins);
  const input = JSON.stringify({
    kind,
    url: service.url,
    applications: expected.map(({ application }) => application),
  });
  const { stdout, stderr } = spawnSync(join(venv, 'bin', 'python'), [script], {
    input,
    encoding: 'utf8',
    env: { ...process.env, BENTOML_DO_NOT_TRACK: 'True' },
    timeout: 300_000,
  });
  const answer = JSON.parse(stdout.split('\n').find((line) => line.startsWith('{')) ?? 'null');
  await check(`${name} decides ${APPLICATIONS} applications as the model does`, () => {
    assert.deepEqual(
      answer?.decisions,
      expected.map(({ status }) => ({ Status: status })),
      stderr,
    );
  });
  await check(`${name} knows that it is ready, and is told why an input is refused`, () => {
    assert.equal(answer?.ready, true, stderr);
    assert.match(answer.refused, /income/);
  });
}
await service.stop();
finish();
