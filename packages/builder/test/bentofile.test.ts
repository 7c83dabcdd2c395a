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
  distro: alpine
  base_image: example.com/node:20
  node_version: 20.19
  system_packages: [libvips]
  env: variables.env
  setup_script: scripts/setup.sh
  dockerfile_template: Dockerfile.template
`,
    'ABOUT.md': '# About\n',
    'variables.env': '# the region\nREGION=eu\nexport GREETING=a=b c\n\n',
    'scripts/setup.sh': '#!/bin/sh\n',
    'Dockerfile.template': '{% extends bento_base_template %}',
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
    docker: {
      distro: 'alpine',
      baseImage: 'example.com/node:20',
      nodeVersion: '20.19',
      systemPackages: ['libvips'],
      env: { REGION: 'eu', GREETING: 'a=b c' },
      setupScript: { path: 'scripts/setup.sh', content: '#!/bin/sh\n' },
      template: { path: 'Dockerfile.template', content: '{% extends bento_base_template %}' },
    },
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

test.each([
  ['setup_script: none.sh', 'docker.setup_script: there is no file none.sh'],
  ['setup_script: ../../etc/hosts', 'docker.setup_script: ../../etc/hosts leads out of the project'],
  ['env: variables.env', "docker.env: 'no variable' is not NAME=value"],
  ['env: { "1A": x }', 'docker.env: property name must be valid'],
  ['env: { A: "1\\n2" }', 'docker.env.A: a Dockerfile cannot set a value of several lines'],
  ['system_packages: ["libvips; reboot"]', "docker.system_packages.0: 'libvips; reboot' is not the name of a package"],
  ['distro: amazonlinux', 'docker.distro: there is no image of Node for amazonlinux: name one as docker.base_image'],
  ['distro: arch', 'docker.distro: must be one of debian or alpine or ubi8 or amazonlinux, not "arch"'],
])('refuses in the section docker: %s', async (line, message) => {
  const folder = await project({ 'bentofile.yaml': `docker:\n  ${line}\n`, 'variables.env': 'no variable\n' });
  await expect(readBentofile(folder)).rejects.toMatchObject({
    code: 'EKIBEN_BENTOFILE_INVALID',
    message: expect.stringContaining(message),
  });
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
