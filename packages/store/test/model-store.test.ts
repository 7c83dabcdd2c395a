import { beforeEach, describe, expect, test } from '@jest/globals';
import { customObject, type CustomObjectCodec, type PickleNode } from '@ekiben/spec';
import fc from 'fast-check';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ModelStore } from '../src/index.ts';
import { bytes, type BytesMethods, filesIn, fixture, manifest, temporary, writeFiles } from './support.ts';

const CREDIT = 'credit_risk_model:sizn5hxhsk3i4ax4';

let home: string;
let store: ModelStore;
beforeEach(() => {
  home = temporary();
  store = new ModelStore(home);
});

const failure = (step: Promise<unknown>) =>
  step.then(
    () => undefined,
    (error: unknown) => error as Error & { code: string },
  );

describe('a saved model', () => {
  const text: CustomObjectCodec<string> = {
    classes: [],
    decode: () => 'from a pickle',
    fromJson: (value) => `${String(value)} again`,
    toJson: (value) => value,
  };

  test('is found, loaded and described', async () => {
    const saved = await store.save('weights', Buffer.from('abc'), bytes, {
      labels: { stage: 'dev' },
      metadata: { rows: 3, nested: { list: [1, true, 'x'] } },
      signatures: { length: { wireName: 'the_length', batchable: true, batchDim: [1, 0] } },
      customObjects: { greeting: customObject('hello', text) },
    });
    const model = await store.get('weights:latest', bytes);
    expect(model.tag).toBe(saved.tag);
    expect(Buffer.from(await model.load()).toString()).toBe('abc');
    expect(model.manifest).toEqual({
      module: '@acme/bytes',
      options: { kind: 'bytes' },
      frameworkVersions: { bytes: '1.2.3' },
      signatures: { the_length: { batchable: true, batchDim: [1, 0] } },
    });
    expect(model.info).toMatchObject({
      labels: { stage: 'dev' },
      metadata: { rows: 3, nested: { list: [1, true, 'x'] } },
      apiVersion: 'v2',
    });
    expect(await model.customObject('greeting', text)).toBe('hello again');
    expect((await failure(model.customObject('other', text)))?.message).toContain('it has "greeting"');
    expect(await filesIn(join(home, 'models'))).toEqual(
      ['custom_objects.json', 'model.yaml', 'weights.bin']
        .map((file) => join('weights', model.info.version, file))
        .concat('weights/latest')
        .toSorted(),
    );
  });

  test('has the signatures that its framework found in it, unless the caller says otherwise', async () => {
    const fixed = {
      ...bytes,
      async save(model: Uint8Array | string, draft: Parameters<typeof bytes.save>[1]) {
        const saved = await bytes.save(Buffer.from(model), draft, {});
        return { ...saved, signatures: { length: { batchable: false } }, apiVersion: 'v1' as const };
      },
    };
    expect((await store.save('fixed', 'abc', fixed)).manifest.signatures).toEqual({ the_length: { batchable: false } });
    const options = { signatures: { length: { batchable: true } } };
    const batched = await store.save('batched', 'abc', fixed, options);
    expect(batched.info.apiVersion).toBe('v1');
    expect(batched.manifest.signatures).toEqual({ the_length: { batchable: true, batchDim: [0, 0] } });
  });

  test('lists the methods that its framework found in it, and those that the caller adds', async () => {
    const silent = {
      ...bytes,
      save: async (...args: Parameters<typeof bytes.save>) => ({ ...(await bytes.save(...args)), signatures: {} }),
    };
    const listed = async (options?: Parameters<typeof store.save<Uint8Array, BytesMethods, object, Uint8Array>>[3]) =>
      Object.keys((await store.save('some', Buffer.from('abc'), silent, options)).manifest.signatures);
    expect(await listed()).toEqual([]);
    expect(await listed({ signatures: { length: { batchable: false } } })).toEqual(['the_length']);
  });

  test('takes the version that it is given, once', async () => {
    await store.save('weights:v1', Buffer.from('abc'), bytes);
    expect((await store.get('weights')).tag).toBe('weights:v1');
    expect((await failure(store.save('weights:v1', Buffer.from('abc'), bytes)))?.code).toBe('EKIBEN_ALREADY_EXISTS');
    expect((await failure(store.save('weights:latest', Buffer.from('abc'), bytes)))?.code).toBe('EKIBEN_TAG_INVALID');
  });

  test('is not there at all when its framework fails half-way', async () => {
    const failing = {
      ...bytes,
      save: async (model: Uint8Array, draft: Parameters<typeof bytes.save>[1]) => {
        await bytes.save(model, draft, {});
        throw new Error('no');
      },
    };
    expect((await failure(store.save('weights', Buffer.from('abc'), failing)))?.message).toBe('no');
    expect(await store.list()).toEqual([]);
    expect(await filesIn(home)).toEqual([join('ekiben', 'models', 'index.json')].slice(1));
  });

  test('may be written by a library straight into the directory', async () => {
    const model = await store.create('files', async (draft) => {
      await writeFiles(draft.dir, { 'a.bin': 'x', 'sub/b.bin': 'y' });
    });
    expect(await store.verify(model.tag)).toEqual([{ tag: model.tag, state: 'intact', faults: [] }]);
    expect((await failure(store.create('files', (draft) => draft.write('../x', new Uint8Array()))))?.code).toBe(
      'EKIBEN_MODEL_FILE_NAME_INVALID',
    );
  });

  test.each([
    [{ a: null }, 'metadata.a is null'],
    [{ a: { b: [1, undefined] } }, 'metadata.a.b[1] is undefined'],
    [{ a: 1n }, 'metadata.a is bigint'],
    [{ a: new Date(0) }, 'metadata.a is a Date'],
    [{ a: new Map() }, 'metadata.a is a Map'],
    [{ a: () => 1 }, 'metadata.a is function'],
  ])('is refused with metadata that would keep Python from listing the store: %p', async (metadata, message) => {
    const error = await failure(store.save('weights', Buffer.from('abc'), bytes, { metadata }));
    expect(error).toMatchObject({ code: 'EKIBEN_METADATA_INVALID', message: expect.stringContaining(message) });
    const prototype = JSON.parse('{"a": {"__proto__": 1}}') as Record<string, unknown>;
    expect((await failure(store.save('weights', Buffer.from('abc'), bytes, { metadata: prototype })))?.code).toBe(
      'EKIBEN_MANIFEST_INVALID',
    );
    expect(await store.list()).toEqual([]);
  });

  test('is refused by another framework, or another version of the contract, naming both', async () => {
    await store.import(fixture('archives/credit_risk_model.bentomodel'));
    const mismatch = await failure(store.get(CREDIT, bytes));
    expect(mismatch?.code).toBe('EKIBEN_FRAMEWORK_MISMATCH');
    expect(mismatch?.message).toMatch(/bentoml\.xgboost.*@acme\/bytes/);
    const newer = { ...bytes, specVersion: 2 as unknown as 1 };
    expect((await failure(store.save('x', new Uint8Array(), newer)))?.message).toMatch(
      /@acme\/bytes.* version 2 .* version 1/,
    );
  });
});

describe('what Python saved', () => {
  test.each([
    ['bentoml-1.0.7/lightgbm-booster', 'cancer_lgb:gh2czhhh2gsvqax4', 'bentoml.lightgbm'],
    ['bentoml-1.0.7/onnx-mlp', 'mlp:gi22rixh2gsvqax4', 'bentoml.onnx'],
    ['bentoml-1.0.7/opaque-custom-objects', 'mixed_custom:gitrn4xh2gsvqax4', 'bentoml.xgboost'],
    ['bentoml-1.0.7/picklable-function', 'adder:givr4wxh2gsvqax4', 'bentoml.picklable_model'],
    ['bentoml-1.0.7/sklearn-pipeline', 'cancer_lr:gimtufhh2gsvqax4', 'bentoml.sklearn'],
    ['bentoml-1.0.7/sklearn-random-forest', 'iris_rf:gipjifhh2gsvqax4', 'bentoml.sklearn'],
    ['bentoml-1.0.7/xgboost-classifier-feature-names', 'cancer_xgb:gig5imhh2gsvqax4', 'bentoml.xgboost'],
    ['bentoml-1.4/credit_risk_model-bentoml-1', 'credit_risk_model:tn26vxhhskguuax4', 'bentoml.xgboost'],
    ['bentoml-1.4/lightgbm-booster', 'cancer_lgb:gpw7ewhh2gjyyax4', 'bentoml.lightgbm'],
    ['bentoml-1.4/models-create', 'plain_files:gqs7ypxh2gjyyax4', ''],
    ['bentoml-1.4/opaque-custom-objects', 'mixed_custom:gqnc4ghh2gjyyax4', 'bentoml.xgboost'],
    ['bentoml-1.4/picklable-function', 'adder:gqqnbhhh2gjyyax4', 'bentoml.picklable_model'],
    ['bentoml-1.4/sklearn-pipeline', 'cancer_lr:gqhunchh2gjyyax4', 'bentoml.sklearn'],
    ['bentoml-1.4/sklearn-random-forest', 'iris_rf:gqlbrpxh2gjyyax4', 'bentoml.sklearn'],
    ['bentoml-1.4/xgboost-classifier-feature-names', 'cancer_xgb:gqbmwehh2gjyyax4', 'bentoml.xgboost'],
  ])('%s lists, gets, exports and imports like any other', async (name, tag, module) => {
    const path = fixture(`${name}${name.endsWith('-1') ? '.4' : ''}.bentomodel`);
    const imported = await store.import(path);
    expect(imported).toMatchObject({ tag, module, outcome: 'added' });
    expect(await store.list()).toMatchObject([{ tag, module }]);
    expect(await store.get(tag)).toMatchObject({ tag, module, document: { name: imported.name } });
    const { location } = await store.export(tag, temporary(), { format: 'tar' });
    expect(await store.import(location)).toMatchObject({ tag, outcome: 'unchanged' });
    expect(await new ModelStore(temporary()).import(location)).toMatchObject({ tag, outcome: 'added' });
    expect(await store.import(path)).toMatchObject({ outcome: 'unchanged' });
  });

  const inert: CustomObjectCodec<PickleNode> = {
    classes: [],
    decode: (node) => node,
    fromJson: () => null,
    toJson: () => null,
  };
  const xgboost = { ...bytes, module: 'bentoml.xgboost' };

  test.each([
    ['', 'plain files'],
    ['bentoml.picklable_model', 'runs in Python only'],
    ['bentoml.pytorch', "torch.onnx.export(bentoml.pytorch.load_model('plain:v1')"],
    ['bentoml.keras', "tf2onnx.convert.from_keras(bentoml.keras.load_model('plain:v1')"],
  ])('of the module %j says what to do when a framework is to run it', async (module, advice) => {
    await store.import(await writeFiles(temporary(), { 'model.yaml': manifest({ module }) }));
    expect(await failure(store.get('plain', bytes))).toMatchObject({
      code: 'EKIBEN_FRAMEWORK_MISMATCH',
      message: expect.stringContaining(advice),
    });
  });

  test('gives its custom objects one by one', async () => {
    await store.import(fixture('archives/credit_risk_model.bentomodel'));
    const model = await store.get('credit_risk_model', xgboost);
    const vectorizer = await model.customObject('DictVectorizer', inert);
    expect(vectorizer).toMatchObject({ class: 'sklearn.feature_extraction._dict_vectorizer.DictVectorizer' });
    const missing = await failure(model.customObject('nope', inert));
    expect(missing).toMatchObject({
      code: 'EKIBEN_CUSTOM_OBJECT_NOT_FOUND',
      message: expect.stringContaining('"DictVectorizer"'),
    });
  });

  test.each(['1.0.7', '1.4'])(
    'one object that cannot be read does not block its neighbours (BentoML %s)',
    async (version) => {
      await store.import(fixture(`bentoml-${version}/opaque-custom-objects.bentomodel`));
      const model = await store.get('mixed_custom', xgboost);
      expect(await model.customObject('threshold', inert)).toBe(0.35);
      expect(await failure(model.customObject('nope', inert))).toMatchObject({
        message: expect.stringContaining('"postprocess"'),
      });
    },
  );

  test('is seen when it is written into the store directly, and not while it is half-written', async () => {
    const dir = join(home, 'models', 'plain', 'v1');
    await writeFiles(dir, { 'weights.bin': 'x' });
    expect(await store.list()).toEqual([]);
    expect((await failure(store.get('plain:v1')))?.message).toContain('model.yaml is missing; there is weights.bin');
    await writeFiles(dir, { 'model.yaml': manifest(), 'more.bin': 'yy' });
    expect(await store.list()).toMatchObject([{ tag: 'plain:v1', size: 3 + manifest().length }]);
    expect((await store.get('plain')).tag).toBe('plain:v1');
    await rm(dir, { recursive: true });
    expect(await store.list()).toEqual([]);
  });
});

describe('finding a model', () => {
  beforeEach(async () => {
    for (const [version, day] of [
      ['aaa1', 3],
      ['aaa2', 1],
      ['bbb1', 2],
    ] as const) {
      const dir = await writeFiles(temporary(), {
        'model.yaml': manifest({
          version,
          labels: { day: String(day) },
          creation_time: `2026-11-0${day}T00:00:00.000000+00:00`,
        }),
      });
      await store.import(dir);
    }
  });

  test.each([
    ['plain', 'plain:aaa1'],
    ['plain:latest', 'plain:aaa1'],
    ['PLAIN', 'plain:aaa1'],
    ['plain:aaa2', 'plain:aaa2'],
    ['plain:b', 'plain:bbb1'],
  ])('%s is %s', async (tag, resolved) => {
    expect(await store.resolve(tag)).toBe(resolved);
    expect((await store.get(tag)).tag).toBe(resolved);
  });

  test('the beginning of several versions is ambiguous', async () => {
    expect(await failure(store.get('plain:aaa'))).toMatchObject({
      code: 'EKIBEN_TAG_AMBIGUOUS',
      message: expect.stringMatching(/aaa1.*aaa2/),
    });
  });

  test.each([
    ['nope', /^no Models with name 'nope' exist in the store at .*models; `ekiben models list` shows what there is$/],
    ['plian', /did you mean 'plain'\?/],
    ['plain:zzzz', /^Model 'plain:zzzz' is not found in the store at .*models; `ekiben/],
    ['plain:lastest', /did you mean 'plain:latest'\?/],
  ])('%s is not found, and the error says what to do', async (tag, message) => {
    expect(await failure(store.get(tag))).toMatchObject({
      code: 'EKIBEN_MODEL_NOT_FOUND',
      message: expect.stringMatching(message),
    });
  });

  test('lists newest first, by name, label and module', async () => {
    await store.save('weights', new Uint8Array(10), bytes, { labels: { day: '3' } });
    const tags = async (...filter: Parameters<typeof store.list>) =>
      (await store.list(...filter)).map(({ name, version }) => (name === 'plain' ? version : name));
    expect(await tags()).toEqual(['weights', 'aaa1', 'bbb1', 'aaa2']);
    expect(await tags('plain')).toEqual(['aaa1', 'bbb1', 'aaa2']);
    expect(await tags({ labels: { day: '3' } })).toEqual(['weights', 'aaa1']);
    expect(await tags({ module: '@acme/bytes' })).toEqual(['weights']);
    expect(await tags({ name: 'plain', labels: { day: '9' } })).toEqual([]);
    expect(await tags('other')).toEqual([]);
  });

  test('latest is by creation time, and survives deletions', async () => {
    const latest = () => readFile(join(home, 'models', 'plain', 'latest'), 'utf8');
    expect(await latest()).toBe('aaa1');
    expect(await store.delete('plain:aaa1')).toBe('plain:aaa1');
    expect(await latest()).toBe('bbb1');
    await store.delete('plain:aaa2');
    expect(await latest()).toBe('bbb1');
    await store.delete('plain');
    expect(await failure(store.get('plain'))).toMatchObject({ code: 'EKIBEN_MODEL_NOT_FOUND' });
    expect(await filesIn(join(home, 'models'))).toEqual([]);
  });

  test('a latest that is missing, or names what is gone, is not believed', async () => {
    await writeFile(join(home, 'models', 'plain', 'latest'), 'zzzz');
    expect(await store.resolve('plain')).toBe('plain:aaa1');
    await writeFile(join(home, 'models', 'plain', 'latest'), '../../../etc');
    expect(await store.resolve('plain')).toBe('plain:aaa1');
    await rm(join(home, 'models', 'plain', 'latest'));
    expect(await store.resolve('plain')).toBe('plain:aaa1');
  });

  test('a manifest that is not of its directory is not believed', async () => {
    await mkdir(join(home, 'models', 'plain', 'ccc1'));
    await writeFile(join(home, 'models', 'plain', 'ccc1', 'model.yaml'), manifest({ version: 'other' }));
    expect(await failure(store.get('plain:ccc1'))).toMatchObject({
      code: 'EKIBEN_MANIFEST_INVALID',
      message: expect.stringContaining("describes 'plain:other'"),
    });
    expect(await store.list('plain')).toHaveLength(3);
  });

  test('pinned tags win over latest and aliases', async () => {
    await store.alias('plain:aaa2', 'production');
    process.env['EKIBEN_PINNED_TAGS'] = JSON.stringify({
      'plain:latest': 'plain:bbb1',
      'plain:production': 'plain:aaa1',
    });
    try {
      expect(await store.resolve('plain')).toBe('plain:bbb1');
      expect(await store.resolve('plain:production')).toBe('plain:aaa1');
      expect((await store.get('plain:latest')).tag).toBe('plain:bbb1');
      expect(await store.resolve('plain:aaa2')).toBe('plain:aaa2');
      process.env['EKIBEN_PINNED_TAGS'] = '[1]';
      expect(await failure(store.get('plain'))).toMatchObject({ code: 'EKIBEN_PINNED_TAGS_INVALID' });
    } finally {
      delete process.env['EKIBEN_PINNED_TAGS'];
    }
  });

  test('aliases move, roll back, dangle and go', async () => {
    expect(await store.alias('plain:aaa2', 'production')).toBe('plain:aaa2');
    await store.alias('plain:latest', 'production');
    expect(await store.resolve('plain:production')).toBe('plain:aaa1');
    expect(await store.rollback('plain', 'production')).toBe('plain:aaa2');
    expect((await store.get('plain:production')).tag).toBe('plain:aaa2');
    expect((await store.aliases('plain'))['production']).toHaveLength(3);
    expect(await failure(store.rollback('plain', 'production'))).toMatchObject({ code: 'EKIBEN_ALIAS_NO_HISTORY' });
    await store.delete('plain:aaa2');
    expect(await failure(store.get('plain:production'))).toMatchObject({
      code: 'EKIBEN_ALIAS_DANGLING',
      message: expect.stringContaining("'plain:aaa2'"),
    });
    await store.removeAlias('plain', 'production');
    expect(await failure(store.get('plain:production'))).toMatchObject({ code: 'EKIBEN_MODEL_NOT_FOUND' });
    expect(await failure(store.removeAlias('plain', 'production'))).toMatchObject({ code: 'EKIBEN_ALIAS_NOT_FOUND' });
    for (const alias of ['latest', 'aaa1', '../x', 'A', ''])
      expect(await failure(store.alias('plain', alias))).toMatchObject({ code: 'EKIBEN_ALIAS_INVALID' });
    expect(await failure(store.alias('nope', 'production'))).toMatchObject({ code: 'EKIBEN_MODEL_NOT_FOUND' });
  });

  test('nothing outside of the store is touched or shown, whatever is typed', async () => {
    const parts = [
      '..',
      '.',
      '/',
      '\\',
      ':',
      'secret',
      'models',
      'v1',
      'plain',
      'aaa1',
      'latest',
      '~',
      'C:',
      '%2e',
      '\0',
      ' ',
      '\n',
      'é',
    ];
    const typed = fc.oneof(
      fc.array(fc.constantFrom(...parts), { minLength: 1, maxLength: 8 }).map((words) => words.join('')),
      fc.string({ unit: 'binary', maxLength: 80 }),
    );
    const outside = temporary();
    const files = {
      'secret/v1/model.yaml': manifest({ name: 'secret' }),
      'secret/v1/weights.bin': 'x',
      'v1.json': '{}',
    };
    await writeFiles(outside, files);
    const inner = new ModelStore(join(outside, 'deep', 'home'));
    await inner.create('plain:aaa1', (draft) => draft.write('weights.bin', Buffer.from('x')));
    await fc.assert(
      fc.asyncProperty(typed, typed, async (one, other) => {
        const steps = [
          inner.get(one),
          inner.delete(one),
          inner.list(one),
          inner.suggest(one),
          inner.aliases(one),
          inner.alias(one, other),
          inner.removeAlias(one, other),
          inner.rollback(one, other),
          inner.verify(one, { record: true }),
          inner.create(one, (draft) => draft.write('weights.bin', Buffer.from('x'))),
        ];
        for (const step of await Promise.allSettled(steps)) {
          if (step.status === 'rejected')
            expect(step.reason).toMatchObject({ code: expect.stringMatching(/^EKIBEN_/) });
          else expect(JSON.stringify(step.value) ?? '').not.toContain(join(outside, 'secret'));
        }
        const left = (await filesIn(outside)).filter((file) => !file.startsWith('deep/home/'));
        expect(left).toEqual(Object.keys(files).toSorted());
      }),
      { numRuns: Math.min(300, Number(process.env['FUZZ_RUNS'] ?? 60)) },
    );
  });

  test('what climbs, in every verb, is no tag', async () => {
    await writeFiles(home, { 'secret/v1/model.yaml': manifest({ name: 'secret' }), 'models/plain/../../outside': 'x' });
    for (const tag of [
      '../secret:v1',
      '..',
      'plain:..',
      'plain:../../secret/v1',
      '/etc',
      'plain/aaa1',
      '%2e%2e',
      'plain:aaa1/..',
    ]) {
      const steps: (() => Promise<unknown>)[] = [
        () => store.get(tag),
        () => store.delete(tag),
        () => store.export(tag, temporary()),
        () => store.alias(tag, 'x'),
        () => store.rollback(tag, 'x'),
        () => store.list(tag),
        () => store.verify(tag),
        () => store.save(tag, new Uint8Array(), bytes),
      ];
      for (const step of steps) expect(await failure(step())).toMatchObject({ code: 'EKIBEN_TAG_INVALID' });
    }
  });
});

describe('importing what is there', () => {
  test('with equal content says so, with other content is an error, unless forced', async () => {
    await store.import(await writeFiles(temporary(), { 'model.yaml': manifest(), 'weights.bin': 'one' }));
    const other = await writeFiles(temporary(), { 'model.yaml': manifest(), 'weights.bin': 'two' });
    expect(await failure(store.import(other))).toMatchObject({
      code: 'EKIBEN_ALREADY_EXISTS',
      message: expect.stringContaining("'plain:v1' is already in the store"),
    });
    expect(await readFile(join(home, 'models/plain/v1/weights.bin'), 'utf8')).toBe('one');
    expect(await store.import(other, { force: true })).toMatchObject({ outcome: 'replaced' });
    expect(await readFile(join(home, 'models/plain/v1/weights.bin'), 'utf8')).toBe('two');
    expect(await store.import(other)).toMatchObject({ outcome: 'unchanged' });
    expect(await store.verify()).toMatchObject([{ state: 'intact' }]);
    expect(await store.resolve('plain')).toBe('plain:v1');
  });

  test('a replacement keeps latest right in both directions', async () => {
    const at = (version: string, day: number) =>
      writeFiles(temporary(), {
        'model.yaml': manifest({ version, creation_time: `2026-11-0${day}T00:00:00+00:00` }),
      }).then((dir) => store.import(dir, { force: true }));
    await at('v1', 1);
    await at('v2', 2);
    await at('v2', 1);
    await at('v1', 3);
    expect(await store.resolve('plain')).toBe('plain:v1');
    await at('v1', 1);
    await at('v2', 4);
    expect(await store.resolve('plain')).toBe('plain:v2');
    await at('v2', 1);
    await at('v1', 2);
    expect(await store.resolve('plain')).toBe('plain:v1');
  });
});
