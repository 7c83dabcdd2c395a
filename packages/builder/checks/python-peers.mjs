// The real BentoML, as of the course (1.0.7) and current: it lists, describes, exports and imports the bentos that we build, in one home
// with its own; and its bento is listed here, told apart, and its models used.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { BentoStore, ModelStore } from '@ekiben/store';
import { check, finish, fixtures, run, temporary } from '../../store/checks/harness.mjs';
import { bentoml, virtualEnvironment } from '../../store/checks/python.mjs';
import { copyExample, ekiben, expectedAnswers, homeWithModel, post, startServer, treeOf } from './projects.mjs';

const PYTHONS = {
  // Without the last four it does not start any more.
  '1.0.7': [
    'bentoml==1.0.7',
    'xgboost==1.6.2',
    'scikit-learn==1.1.3',
    'numpy<2',
    'starlette==0.22.0',
    'pydantic<2',
    'cattrs<23',
    'setuptools<80',
  ],
  '1.4.39': ['bentoml==1.4.39', 'xgboost==3.2.0', 'scikit-learn==1.9.1'],
};

const home = await homeWithModel();
const env = { ...process.env, EKIBEN_HOME: home };
const project = copyExample(join(temporary(), 'project'));
run(process.execPath, [ekiben, 'build', '--quiet'], { cwd: project, env });
const bentos = new BentoStore(home);
const ours = await bentos.get('credit_risk_classifier');
const [{ application, status }] = expectedAnswers();

for (const [version, pins] of Object.entries(PYTHONS)) {
  const venv = virtualEnvironment(pins);

  await check(`BentoML ${version} lists our bento and tells what it is`, () => {
    const rows = JSON.parse(bentoml(venv, home, ['list', '-o', 'json']));
    assert.deepEqual(
      rows.map(({ tag }) => tag),
      [ours.tag],
    );
    const got = JSON.parse(bentoml(venv, home, ['get', 'credit_risk_classifier:latest', '-o', 'json']));
    assert.equal(`${got.name}:${got.version}`, ours.tag);
    assert.deepEqual(got.labels, { owner: 'bentoml-team', project: 'gallery' });
    assert.equal(got.models[0].tag, ours.models[0]);
  });

  if (version === '1.0.7') {
    await check(`BentoML ${version} exports it and imports it, unchanged, and it serves`, async () => {
      const archive = join(temporary(), 'ours.bento');
      bentoml(venv, home, ['export', ours.tag, archive]);
      const elsewhere = temporary();
      bentoml(venv, elsewhere, ['import', archive]);
      const { path } = await new BentoStore(elsewhere).get(ours.tag);
      assert.deepEqual(contents(path), contents(ours.path));
      const options = { cwd: elsewhere, env: { ...process.env, EKIBEN_HOME: elsewhere } };
      const running = await startServer(process.execPath, [ekiben, 'serve', ours.tag, '--port', '0'], options);
      assert.deepEqual(await post(`${running.url}/classify`, application), { Status: status });
      await running.stop();
    });
  }
}

/** Python's tar keeps modes as they are, its zip does not: only content counts here. */
function contents(path) {
  return new Map([...treeOf(path)].map(([file, text]) => [file, text.slice(text.indexOf(' '))]));
}

await check("Python's own bento is listed and read; to serve it says what to do, and that works", async () => {
  const target = temporary();
  const options = { cwd: target, env: { ...process.env, EKIBEN_HOME: target }, encoding: 'utf8' };
  run(process.execPath, [ekiben, 'import', join(fixtures, 'archives/credit_risk_classifier.bento')], options);
  assert.match(run(process.execPath, [ekiben, 'list'], options), /credit_risk_classifier:/);
  assert.match(run(process.execPath, [ekiben, 'get', 'credit_risk_classifier'], options), /bentoml_version: 1\.0\.7/);
  const refused = spawnSync(process.execPath, [ekiben, 'serve', 'credit_risk_classifier:latest'], options);
  assert.equal(refused.status, 1);
  assert.match(
    refused.stderr,
    /was built by BentoML 1\.0\.7 from the Python service 'service:svc', which Node cannot run/,
  );
  const [, command] = /`ekiben (models import [^`]+)`/.exec(refused.stderr);
  run(process.execPath, [ekiben, ...command.split(' ')], options);
  const model = await new ModelStore(target).get('credit_risk_model');
  assert.ok(existsSync(join(model.path, 'saved_model.ubj')));
  const inPlace = run(process.execPath, [ekiben, 'build', '-q', '-o', 'tag'], { ...options, cwd: project });
  assert.match(inPlace, /^__tag__:credit_risk_classifier:/);
});

finish();
