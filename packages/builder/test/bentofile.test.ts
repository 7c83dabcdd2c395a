import { readFile } from 'node:fs/promises';
import { expect, test } from '@jest/globals';
import { readBentofile } from '../src/bentofile.ts';
import { project } from './support.ts';

const course = await readFile(new URL('fixtures/course-bentofile.yaml', import.meta.url), 'utf8');

test('reads every key', async () => {
  const folder = await project({
    'bentofile.yaml': `
service: src/service.ts:svc
name: risk
description: "file: ABOUT.md"
labels: { owner: team, tier: 1, public: true }
include: ["src/**"]
exclude: ["*.test.ts"]
models:
- credit:latest
- { tag: "other", filter: "label:stage=prod, tier=1", alias: "best" }
envs:
- { name: REGION, value: eu }
- name: TOKEN
node:
  packages: [sharp]
  lockfile: ../pnpm-lock.yaml
  package_manager: pnpm
  version: 20
  bundle: false
docker:
  system_packages: [libvips]
`,
    'ABOUT.md': '# About\n',
  });
  expect(await readBentofile(folder)).toEqual({
    service: 'src/service.ts:svc',
    name: 'risk',
    description: '# About\n',
    labels: { owner: 'team', tier: '1', public: 'true' },
    include: ['src/**'],
    exclude: ['*.test.ts'],
    models: [
      { tag: 'credit:latest', labels: {}, alias: undefined },
      { tag: 'other', labels: { stage: 'prod', tier: '1' }, alias: 'best' },
    ],
    envs: [
      { name: 'REGION', value: 'eu' },
      { name: 'TOKEN', value: undefined },
    ],
    node: { packages: ['sharp'], lockfile: '../pnpm-lock.yaml', packageManager: 'pnpm', version: '20', bundle: false },
    docker: { system_packages: ['libvips'] },
    notes: [],
  });
});

test('package.json says under `ekiben` what the bentofile leaves out', async () => {
  const ekiben = { service: 'src/a.ts:svc', labels: { from: 'package' }, layer: 7, include: ['src'] };
  const folder = await project({
    'package.json': JSON.stringify({ name: 'x', ekiben }),
    'bentofile.yaml': 'labels:\n  from: bentofile\n',
  });
  const bentofile = await readBentofile(folder);
  expect(bentofile).toMatchObject({ service: 'src/a.ts:svc', labels: { from: 'bentofile' }, include: ['src'] });
});

test('a project without either has the defaults', async () => {
  const bentofile = await readBentofile(await project({}));
  expect(bentofile).toMatchObject({ service: undefined, labels: {}, include: ['*'], exclude: [], models: [] });
  expect(bentofile.node).toMatchObject({ packages: [], bundle: true });
});

test('says every fault at once, with file, line, column and the nearest key', async () => {
  const folder = await project({
    'bentofile.yaml': `servise: src/service.ts:svc
labels: [a]
node:
  package: [sharp]
  package_manager: bun
  packages: ["sharp@1.0.0"]
include:
- ../elsewhere
models:
- { tagg: m }
`,
    'package.json': '{\n  "ekiben": { "exclude": "dist" }\n}',
  });
  await expect(readBentofile(folder)).rejects.toThrow(
    [
      "bentofile.yaml:1:1: servise: 'servise' is not a key of a bentofile; did you mean 'service'?",
      'bentofile.yaml:2:1: labels: must be object, not ["a"]',
      "bentofile.yaml:4:3: node.package: 'package' is not a key of a bentofile; did you mean 'packages'?",
      'bentofile.yaml:5:3: node.package_manager: must be one of npm or pnpm or yarn, not "bun"',
      "bentofile.yaml:10:3: models.0: lacks 'tag'",
      "bentofile.yaml:10:5: models.0.tagg: 'tagg' is not a key of a bentofile; did you mean 'tag'?",
      'package.json:2:15: exclude: must be array, not "dist"',
    ].join('\n'),
  );
});

test('what the schema cannot say: packages with versions, patterns that climb, variables twice', async () => {
  const folder = await project({
    'bentofile.yaml': `include: ["../elsewhere", "ok/**"]
exclude: ["/dist"]
node:
  packages: [sharp, "sharp@1.0.0"]
envs: [{ name: A }, { name: A }]
`,
  });
  await expect(readBentofile(folder)).rejects.toThrow(
    [
      "bentofile.yaml:1:11: include.0: '../elsewhere' leads out of the project",
      "bentofile.yaml:4:21: node.packages.1: 'sharp@1.0.0' is not the name of a package; versions are those of the lock file",
      "bentofile.yaml:5:21: envs.1: 'A' is set twice",
    ].join('\n'),
  );
});

test.each([
  ['a: b: c\n', 'bentofile.yaml:1:5'],
  ['service: [\n', 'bentofile.yaml:2:1'],
  ['- a\n', 'bentofile.yaml:1:1: must be object'],
  [`${'#'.repeat(1_100_000)}`, 'larger than'],
])('a file that is none is refused, saying where: %#', async (text, place) => {
  await expect(readBentofile(await project({ 'bentofile.yaml': text }))).rejects.toMatchObject({
    code: 'EKIBEN_BENTOFILE_INVALID',
    message: expect.stringContaining(place),
  });
});

test("the course's own Python bentofile is understood, and told what it needs", async () => {
  await expect(readBentofile(await project({ 'bentofile.yaml': course }))).rejects.toThrow(
    "bentofile.yaml:1:1: service: 'service.py:svc' is a Python service, which Node cannot run: write it in TypeScript and name that, such as 'src/service.ts:svc'",
  );
  const ported = await readBentofile(
    await project({ 'bentofile.yaml': course.replace('service.py:svc', 'src/service.ts:svc') }),
  );
  expect(ported).toMatchObject({
    labels: { owner: 'bentoml-team', project: 'gallery' },
    include: ['*.py'],
    notes: ["The section 'python' is for BentoML and not used: no Python runs here."],
  });
});

test('a bentofile that was named must be there', async () => {
  await expect(readBentofile(await project({}), 'other.yaml')).rejects.toMatchObject({
    code: 'EKIBEN_BENTOFILE_NOT_FOUND',
  });
});
