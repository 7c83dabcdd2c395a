import { describe, expect, test } from '@jest/globals';
import { readBentoManifest } from '../src/bento-manifest.ts';
import { readModelManifest, writeModelManifest } from '../src/model-manifest.ts';
import { manifest } from './support.ts';

const read = (text: string) => readModelManifest(text, 'model.yaml');

describe('model.yaml', () => {
  test('is read as PyYAML reads it', async () => {
    const text = `${[
      'name: m',
      "version: '2222222222222222'",
      'module: bentoml.xgboost',
      'labels: {exponent: 1e3, number: 1.5, yes: "on"}',
      'metadata: {when: 2026-11-24, flag: yes, octal: 010, half: .5, none: ~}',
      'context: {framework_name: xgboost, framework_versions: {xgboost: 1.6.2}, bentoml_version: 1.0.7, python_version: 3.9.18}',
      'signatures: {predict: {batchable: true, batch_dim: [0, 1]}, other: {batchable: true, batch_dim: 2}, alone: {batchable: false}}',
      'api_version: v2',
      "creation_time: '2026-11-23T23:06:52.925008+00:00'",
    ].join('\n')}\n`;
    expect(await read(text)).toMatchObject({
      tag: 'm:2222222222222222',
      labels: { exponent: '1e3', number: '1.5', true: 'on' },
      metadata: { when: '2026-11-24', flag: true, octal: 8, half: 0.5, none: null },
      context: { frameworkVersions: { xgboost: '1.6.2' }, bentomlVersion: '1.0.7' },
      signatures: {
        predict: { batchable: true, batchDim: [0, 1] },
        other: { batchable: true, batchDim: [2, 2] },
        alone: { batchable: false, batchDim: undefined },
      },
    });
  });

  test('is written so that it reads the same, whatever strings look like', async () => {
    const strings = Object.fromEntries(
      [
        '1e3',
        '0o7',
        '012',
        'yes',
        'null',
        '~',
        '1:30',
        '2026-11-24',
        '',
        ' a',
        'a: b',
        '# c',
        "it's",
        'ü\n2',
        '.inf',
        '=',
        '<<',
      ].map((text) => [`k${text}`, text]),
    );
    const info = {
      ...(await read(manifest({ version: '2222222e22222222' }))),
      labels: strings,
      metadata: { deep: [{ strings }] },
    };
    const again = await read(await writeModelManifest(info));
    expect(again).toMatchObject({ version: '2222222e22222222', labels: strings, metadata: { deep: [{ strings }] } });
  });

  test.each([
    ['an empty file', '', 'expected a document'],
    ['a list', '- a', 'a list'],
    ['a single value', 'a', 'a single value'],
    ['two documents', 'a: 1\n---\nb: 2', 'single document'],
    ['broken YAML', 'a: [1', 'line 1'],
    ['a tag of Python', 'a: !!python/object/apply:os.system [ls]', 'unknown'],
    ['a binary', 'a: !!binary aGk=', 'unknown'],
    ['the key __proto__', '__proto__: {x: 1}', '__proto__'],
    ['the key constructor, nested', 'a: [{constructor: 1}]', 'constructor'],
    ['a key twice', 'a: 1\na: 2', 'duplicated'],
    [
      'aliases that explode',
      `a0: &a0 [x]\n${Array.from({ length: 9 }, (_, i) => `a${i + 1}: &a${i + 1} [${`*a${i},`.repeat(9)}]`).join('\n')}`,
      'aliases expand',
    ],
    ['an alias to itself', 'a: &a [*a]', 'nested deeper'],
    ['depth', `a: ${'['.repeat(50)}${']'.repeat(50)}`, 'maxDepth'],
    ['no name', 'version: v1', 'name is missing'],
    ['a name that climbs', manifest({ name: '../../x' }), 'not a valid part of a tag'],
    ['a name with capitals', manifest({ name: 'Plain' }), 'not a valid part of a tag'],
    ['a version that is reserved', manifest({ version: 'latest' }), 'reserved'],
    ['a number for a version', manifest({ version: 3 }), 'must be a string'],
    ['no creation time', manifest({ creation_time: undefined }), 'creation_time is missing'],
    ['a creation time that is none', manifest({ creation_time: 'yesterday' }), 'not a date'],
    ['a creation time that is one to JavaScript only', manifest({ creation_time: '1' }), 'not a date'],
    ['a creation time of no month', manifest({ creation_time: '2026-13-01' }), 'not a date'],
    ['labels that are a list', manifest({ labels: [] }), 'labels must be a mapping'],
    ['a label that is a list', manifest({ labels: { a: [] } }), 'labels.a'],
    ['a signature that is a list', manifest({ signatures: { predict: [] } }), 'predict'],
    [
      'a batch_dim of three',
      manifest({ signatures: { predict: { batch_dim: [0, 0, 0] } } }),
      'signatures.predict.batch_dim',
    ],
  ])('is refused with %s', async (_, text, why) => {
    const message = expect.stringMatching(new RegExp(`^[^\\n]*${why.replaceAll(/[[\]]/g, '\\$&')}[^\\n]*$`));
    await expect(read(text)).rejects.toMatchObject({ code: 'EKIBEN_MANIFEST_INVALID', message });
  });

  test('may share values by aliases, as PyYAML writes equal lists', async () => {
    const { document } = await read(`${manifest().slice(0, -1)}, "x": &a [1], "y": *a}`);
    expect(document).toMatchObject({ x: [1], y: [1] });
  });
});

describe('bento.yaml', () => {
  const readModels = async (models: unknown) =>
    (await readBentoManifest(manifest({ models, service: 'service:svc', bentoml_version: '1.0.7' }), 'bento.yaml'))
      .models;

  test('names its models, in the ways of all versions of BentoML', async () => {
    const models = [{ tag: 'a:v1' }, { tag: 'b:v1', registry: 'bentoml' }, { tag: 'c', registry: 'huggingface' }];
    expect(await readModels(models)).toEqual(['a:v1', 'b:v1']);
    expect(await readModels(['a:v1'])).toEqual(['a:v1']);
  });

  test.each([['a'], [[{}]], [[{ tag: '../x:v1' }]], [[{ tag: 'a' }]]])('is refused with models %j', async (models) => {
    await expect(readModels(models)).rejects.toThrow(/models|model|tag/);
  });
});
