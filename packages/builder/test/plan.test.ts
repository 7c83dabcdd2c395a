import { expect, test } from '@jest/globals';
import { plan, type Plan } from '../src/plan.ts';
import { facts } from './facts.ts';

const textOf = ({ files }: Plan, path: string): string => {
  const content = files.find((file) => file.path === path)?.content;
  return content instanceof Uint8Array ? Buffer.from(content).toString('utf8') : '';
};

test("puts everything where the course's bento has it", () => {
  const { name, files } = plan(facts());
  expect(name).toBe('risk');
  expect(files.map(({ path, executable }) => `${path}${executable ? '*' : ''}`)).toEqual([
    'README.md',
    'apis/openapi.yaml',
    'env/docker/Dockerfile',
    'env/docker/entrypoint.mjs',
    'env/docker/entrypoint.sh*',
    'env/docker/health.mjs',
    'env/node/install.sh*',
    'env/node/package-lock.json',
    'env/node/package.json',
    'env/node/version.txt',
    'env/sbom.cdx.json',
    'models/risk/a/model.yaml',
    'models/risk/b/model.yaml',
    'models/risk/latest',
    'node_modules/native/index.js',
    'src/__bundle__/service.js',
    'src/src/service.ts',
  ]);
});

test('is pure: the same facts make the same plan', () => {
  expect(plan(facts())).toEqual(plan(facts()));
});

test('`latest` is the newest model of a name', () => {
  expect(textOf(plan(facts()), 'models/risk/latest')).toBe('b');
});

test("bento.yaml has BentoML's fields, and ours in `node`", () => {
  expect(plan(facts()).manifest).toMatchObject({
    service: 'src/service.ts:svc',
    name: 'risk',
    labels: { owner: 'team' },
    models: [{ tag: 'risk:a', module: 'bentoml.xgboost' }, { tag: 'risk:b' }],
    runners: [{ name: 'risk', runnable_type: 'bentoml.xgboost', models: ['risk:b'], resource_config: null }],
    apis: [{ name: 'classify', input_type: 'JSON', output_type: 'JSON' }],
    node: {
      version: '20',
      platform: 'linux/amd64',
      packages: ['native'],
      module: 'src/__bundle__/service.js',
      server: 'src/__bundle__/server.js',
      pinned_tags: { 'risk:production': 'risk:b' },
      placements: { risk: 'embedded' },
    },
  });
});

test('locks what stays outside the bundle for npm, without any address', () => {
  const text = textOf(plan(facts()), 'env/node/package-lock.json');
  expect(JSON.parse(text)).toMatchObject({
    lockfileVersion: 3,
    packages: {
      '': { dependencies: { native: '1.0.0' } },
      'node_modules/native': { version: '1.0.0', integrity: expect.stringMatching(/^sha512-/), os: ['linux'] },
    },
  });
  expect(text).not.toContain('http');
});

test('the README says what the user says of it', () => {
  expect(textOf(plan(facts()), 'README.md')).toContain('Scores **applications**.');
});
