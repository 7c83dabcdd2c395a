// The real BentoML, once as of the course (1.0.7) and once current: what one side saved or exported, the other lists, loads and predicts
// to the same bits, also when both work in one home at once.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { customObject } from '@ekiben/spec';
import { bentoml, startPeer, virtualEnvironment } from './python.mjs';
import { check, dist, finish, fixtures, start, temporary } from './harness.mjs';

const sibling = (path) => import(new URL(`../../${path}/dist/index.js`, import.meta.url));
const { BentoStore, ModelStore } = await import(new URL('index.js', dist));
const { xgboost } = await sibling('frameworks/xgboost');
const { dictVectorizer } = await sibling('frameworks/sklearn');
const { tensor } = await sibling('tensor');

const PYTHONS = [
  {
    version: '1.0.7',
    // Without the last four it does not start any more.
    pins: [
      'bentoml==1.0.7',
      'xgboost==1.6.2',
      'scikit-learn==1.1.3',
      'numpy<2',
      'starlette==0.22.0',
      'pydantic<2',
      'cattrs<23',
      'setuptools<80',
    ],
  },
  { version: '1.4.39', pins: ['bentoml==1.4.39', 'xgboost==3.2.0', 'scikit-learn==1.9.1'] },
];
const FORMATS = ['bentomodel', 'tar', 'gz', 'xz', 'bz2', 'zip', 'folder'];

const bitsOf = (data) =>
  Buffer.from(
    data
      .map((value) => {
        const bytes = Buffer.alloc(4);
        bytes.writeFloatBE(value);
        return [...bytes];
      })
      .flat(),
  ).toString('hex');

function hashes(dir) {
  const files = readdirSync(dir, { recursive: true })
    .map(String)
    .filter((file) => statSync(join(dir, file)).isFile())
    .toSorted();
  return files.map(
    (file) =>
      `${file} ${createHash('sha256')
        .update(readFileSync(join(dir, file)))
        .digest('hex')}`,
  );
}

/** Loads a model as a service would, and predicts what Python predicted. */
async function assertPredicts(store, tag, expected) {
  const model = await store.get(tag, xgboost);
  const vectorizer = await model.customObject('DictVectorizer', dictVectorizer);
  const vectors = vectorizer.transform(expected.rows);
  assert.deepEqual(vectors.shape, [expected.rows.length, expected.vectors[0].length]);
  assert.deepEqual([...vectors.data], expected.vectors.flat());
  const { methods } = xgboost.runnable(await model.load(), model.manifest);
  assert.equal(bitsOf([...methods.predict(vectors).data]), expected.bits);
}

for (const { version, pins } of PYTHONS) {
  const venv = virtualEnvironment(pins);
  const home = temporary();
  const pythonHome = temporary();
  const peer = startPeer(venv, home);
  const stranger = startPeer(venv, pythonHome);
  const store = new ModelStore(home);
  const work = temporary();
  const named = (text) => `BentoML ${version}: ${text}`;
  let saved;
  let expected;

  await check(named('what Python saved we list, get, load and predict'), async () => {
    saved = (await peer.ask('save', { name: 'py_model' })).tag;
    expected = await peer.ask('predict', { tag: saved });
    const [listed] = await store.list('py_model');
    assert.deepEqual([listed.tag, listed.module, listed.labels.stage], [saved, 'bentoml.xgboost', 'dev']);
    const info = await store.get('py_model:latest');
    assert.equal(info.tag, saved);
    assert.equal(info.context.bentomlVersion, version);
    assert.deepEqual(info.metadata, { rows: 60, nested: { list: [1, 2.5, true] } });
    await assertPredicts(store, saved, expected);
  });

  for (const format of FORMATS) {
    await check(named(`what Python exported as ${format} we import, load and predict`), async () => {
      const target = join(work, `py-${format}`);
      // Newer versions make the directory, and put another into one that is there.
      if (format === 'folder' && version === '1.0.7') mkdirSync(target);
      const { path } = await peer.ask('export', {
        tag: saved,
        path: format === 'folder' ? target : `${target}.${format}`,
        format,
      });
      const elsewhere = new ModelStore(temporary());
      const imported = await elsewhere.import(path);
      assert.deepEqual([imported.tag, imported.outcome], [saved, 'added']);
      assert.deepEqual(hashes(imported.path), hashes((await store.get(saved)).path));
      await assertPredicts(elsewhere, saved, expected);
      assert.equal((await store.import(path)).outcome, 'unchanged');
    });
  }

  let ours;
  await check(named('what we saved, Python lists, gets, loads and predicts'), async () => {
    const source = await store.get(saved, xgboost);
    const vectorizer = await source.customObject('DictVectorizer', dictVectorizer);
    const model = await store.save('js_model', await source.load(), xgboost, {
      labels: { by: 'node', number: '1e3', empty: '' },
      metadata: { yes: 'yes', rows: 60, deep: [{ when: '2026-11-24' }] },
      customObjects: { DictVectorizer: customObject(vectorizer, dictVectorizer) },
    });
    ours = model.tag;
    await assertPredicts(store, ours, expected);
    const rows = JSON.parse(bentoml(venv, home, ['models', 'list', '-o', 'json']));
    const row = rows.find(({ tag }) => tag === ours);
    assert.equal(row.module, 'bentoml.xgboost');
    assert.ok(rows.some(({ tag }) => tag === saved));
    const got = JSON.parse(bentoml(venv, home, ['models', 'get', 'js_model:latest', '-o', 'json']));
    assert.equal(`${got.name}:${got.version}`, ours);
    assert.deepEqual(got.labels, { by: 'node', number: '1e3', empty: '' });
    assert.deepEqual(got.metadata, { yes: 'yes', rows: 60, deep: [{ when: '2026-11-24' }] });
    assert.equal((await peer.ask('predict', { tag: ours })).bits, expected.bits);
  });

  await check(named("what we saved, Python's runners run"), async () => {
    const booster = await (await store.get(saved, xgboost)).load();
    assert.equal((await peer.ask('run', { tag: ours, method: 'predict' })).bits, expected.bits);
    for (const [modelClass, name, wireName] of [
      ['XGBRegressor', 'predict', 'predict'],
      ['XGBClassifier', 'predict', 'predict'],
      ['XGBClassifier', 'predictProba', 'predict_proba'],
    ]) {
      const model = await store.save('js_estimator', booster, xgboost, { options: { modelClass } });
      const vectors = tensor(new Float32Array(expected.vectors.flat()), [60, expected.vectors[0].length], 'float32');
      const { methods } = xgboost.runnable(booster, model.manifest);
      const { bits } = await peer.ask('run', { tag: model.tag, method: wireName });
      assert.equal(bits, bitsOf([...methods[name](vectors).data]), `${modelClass}.${wireName}`);
    }
  });

  for (const format of FORMATS) {
    await check(named(`what we exported as ${format}, Python imports, loads and predicts`), async () => {
      const { location } = await store.export(
        ours,
        join(work, `js-${format}${format === 'folder' ? '' : `.${format}`}`),
        { format },
      );
      const { tag } = await stranger.ask('import', { path: location, format });
      assert.equal(tag, ours);
      assert.deepEqual((await stranger.ask('list')).tags, [ours]);
      assert.equal((await stranger.ask('predict', { tag })).bits, expected.bits);
      assert.deepEqual(hashes((await new ModelStore(pythonHome).get(ours)).path), hashes((await store.get(ours)).path));
      await stranger.ask('delete', { tag });
    });
  }

  await check(named('`bentoml models import` and `export` take and give our archives'), async () => {
    const { location } = await store.export(ours, `${work}/`);
    bentoml(venv, pythonHome, ['models', 'import', location]);
    assert.match(bentoml(venv, pythonHome, ['models', 'get', ours, '-o', 'path']), /js_model/);
    bentoml(venv, pythonHome, ['models', 'export', ours, join(work, 'again.bentomodel')]);
    assert.equal((await store.import(join(work, 'again.bentomodel'))).outcome, 'unchanged');
    bentoml(venv, pythonHome, ['models', 'delete', ours, '-y']);
  });

  await check(named('what we wrote as several streams of xz, Python imports whole'), async () => {
    const large = await store.create('large', (draft) => draft.write('weights.bin', randomBytes(7_500_000)));
    const { location } = await store.export(large.tag, join(work, 'large.bentomodel'), { level: 1 });
    const { tag } = await stranger.ask('import', { path: location, format: 'bentomodel' });
    assert.deepEqual(hashes((await new ModelStore(pythonHome).get(tag)).path), hashes(large.path));
    await stranger.ask('delete', { tag });
  });

  await check(named('both sides agree on latest, whoever saves and deletes'), async () => {
    const agree = async () => {
      const { tag } = await peer.ask('latest', { name: 'turns' });
      assert.equal(await store.resolve('turns'), tag);
      return tag;
    };
    const first = (await peer.ask('create', { name: 'turns' })).tag;
    assert.equal(await agree(), first);
    const second = (await store.create('turns', (draft) => draft.write('x', Buffer.from('x')))).tag;
    assert.equal(await agree(), second);
    const third = (await peer.ask('create', { name: 'turns' })).tag;
    assert.equal(await agree(), third);
    await store.delete(third);
    assert.equal(await agree(), second);
    await peer.ask('delete', { tag: second });
    assert.equal(await agree(), first);
    await store.delete(first);
    assert.ok(!(await peer.ask('list')).tags.some((tag) => tag.startsWith('turns')));
  });

  await check(named('both save into one name, and delete, in one home at once, and nothing is lost'), async () => {
    const script = join(work, 'churn.mjs');
    writeFileSync(
      script,
      `import { ModelStore } from ${JSON.stringify(new URL('index.js', dist).href)};
       const store = new ModelStore(process.argv[2]);
       const create = async (name) => (await store.create(name, (draft) => draft.write('weights.bin', Buffer.alloc(25_600, 'x')))).tag;
       const kept = [], own = [];
       // Until Python is done, so that they really meet.
       let done = false;
       process.stdin.on('end', () => (done = true)).resume();
       for (let round = 0; !done; round++) {
         if (round < 60) kept.push(await create('both'));
         own.push(await create('node'));
         if (own.length > 3) await store.delete(own.shift());
         for (const { tag } of await store.list()) if (!tag) throw new Error('no tag');
         await store.get('both');
       }
       console.log(JSON.stringify([...kept, ...own]));`,
    );
    const node = start(process.execPath, [script, home]);
    const python = await peer.ask('churn', { name: 'both', rounds: 60 });
    node.stop();
    const { status, stdout, stderr } = await node;
    assert.equal(status, 0, stderr);
    const expectedTags = [...JSON.parse(stdout), ...python.tags].map(String).toSorted();
    const ofThem = (tags) => tags.filter((tag) => /^(both|node|python):/.test(tag)).toSorted();
    assert.deepEqual(ofThem((await store.list()).map(({ tag }) => tag)), expectedTags);
    assert.deepEqual(ofThem((await peer.ask('list')).tags), expectedTags);
    assert.ok((await store.verify('both')).every(({ state }) => state !== 'damaged'));
    for (const name of ['both', 'node', 'python']) {
      const next = await store.create(name, (draft) => draft.write('x', Buffer.from('x')));
      assert.equal((await peer.ask('latest', { name })).tag, next.tag);
    }
  });

  if (version === '1.0.7') {
    await check(named('a bento that we exported, Python imports and lists'), async () => {
      const bentos = new BentoStore(home);
      const bento = await bentos.import(join(fixtures, 'archives', 'credit_risk_classifier.bento'));
      for (const format of ['bento', 'gz', 'zip']) {
        const target = temporary();
        const { location } = await bentos.export(bento.tag, join(work, `b.${format}`));
        bentoml(venv, target, ['import', location]);
        assert.equal(JSON.parse(bentoml(venv, target, ['list', '-o', 'json']))[0].tag, bento.tag);
        assert.deepEqual(hashes((await new BentoStore(target).get(bento.tag)).path), hashes(bento.path));
      }
    });
  } else {
    await check(named('a bento travels with its model, both ways'), async () => {
      const context = join(work, 'context');
      mkdirSync(context);
      writeFileSync(
        join(context, 'service.py'),
        'import bentoml\n\n@bentoml.service\nclass Echo:\n    model = bentoml.models.BentoModel("py_model:latest")\n\n    @bentoml.api\n    def echo(self, x: int) -> int:\n        return x\n',
      );
      writeFileSync(
        join(context, 'bentofile.yaml'),
        'service: "service:Echo"\ninclude: ["*.py"]\nmodels: ["py_model:latest"]\npython:\n  lock_packages: false\n',
      );
      bentoml(venv, home, ['build', '.'], { cwd: context });
      bentoml(venv, home, ['export', 'echo:latest', join(work, 'echo.bento')]);
      const target = temporary();
      const imported = await new BentoStore(target).import(join(work, 'echo.bento'));
      assert.deepEqual(imported.importedModels, [{ tag: saved, outcome: 'added' }]);
      assert.ok(!readdirSync(imported.path).includes('models'));
      await assertPredicts(new ModelStore(target), saved, expected);
      const { location } = await new BentoStore(target).export(imported.tag, join(work, 'ours.bento'));
      bentoml(venv, pythonHome, ['import', location]);
      assert.equal(JSON.parse(bentoml(venv, pythonHome, ['list', '-o', 'json']))[0].tag, imported.tag);
      assert.ok(
        JSON.parse(bentoml(venv, pythonHome, ['models', 'list', '-o', 'json'])).some(({ tag }) => tag === saved),
      );
    });
  }
  peer.stop();
  stranger.stop();
}

finish();
