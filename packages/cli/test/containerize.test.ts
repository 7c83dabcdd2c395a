// `ekiben containerize`, with a program of our own in Docker's place.
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { afterAll, beforeEach, expect, test } from '@jest/globals';

const bin = path.join(import.meta.dirname, '..', 'dist', 'bin.js');
const dir = mkdtempSync(path.join(tmpdir(), 'ekiben-containerize-'));
afterAll(() => rmSync(dir, { recursive: true }));
const calls = path.join(dir, 'calls');

const BENTO = `service: src/service.ts:svc
name: risk
version: v1
creation_time: '2026-01-02T03:04:05.000000+00:00'
labels: {}
models: []
node: { version: '20', platform: linux/amd64, module: src/service.js, server: src/server.js }
`;
mkdirSync(path.join(dir, 'home/bentos/risk/v1'), { recursive: true });
writeFileSync(path.join(dir, 'home/bentos/risk/v1/bento.yaml'), BENTO);
writeFileSync(path.join(dir, 'home/bentos/risk/latest'), 'v1');
writeFileSync(
  path.join(dir, 'docker'),
  `#!${process.execPath}
require('node:fs').appendFileSync('${calls}', process.argv.slice(2).join(' ') + '\\n');
console.log('a step of the build');
process.exit(Number(process.env.DOCKER_EXIT ?? 0));
`,
);
chmodSync(path.join(dir, 'docker'), 0o755);
beforeEach(() => rmSync(calls, { force: true }));

const containerize = (args: readonly string[], env: Readonly<Record<string, string>> = {}) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [bin, 'containerize', ...args], {
    cwd: dir,
    encoding: 'utf8',
    env: { ...process.env, EKIBEN_HOME: path.join(dir, 'home'), PATH: dir, ...env },
  });
  return { status, stdout, stderr };
};
const lastCall = () => readFileSync(calls, 'utf8').trim().split('\n').at(-1);

test('says in BentoML’s words what was built, and how it is run', () => {
  expect(containerize(['risk:latest'])).toEqual({
    status: 0,
    stdout: `Successfully built Bento container for "risk:latest" with tag(s) "risk:v1"
To run your newly built Bento container, run:
    docker run -it --rm -p 3000:3000 risk:v1 serve
`,
    stderr: 'Building OCI-compliant image for risk:v1 with docker\na step of the build\n',
  });
  expect(containerize(['risk', '-q', '-t', 'a:1', '--docker-image-tag', 'b'])).toEqual({
    status: 0,
    stdout: '',
    stderr: '',
  });
  expect(lastCall()).toMatch(/^buildx build .* --tag a:1 --tag b /);
});

test('hands BentoML’s options to what builds', () => {
  const options = ['--no-cache', '--pull', '--build-arg', 'A=1', '--build-arg=B=2', '--no-cache-filter', 'base'];
  const others = ['--opt', 'memory=1g', '--opt', 'force-rm', '--progress', 'plain', '--load', '--do-not-track'];
  expect(containerize(['risk', ...options, ...others])).toMatchObject({ status: 0 });
  expect(lastCall()).toContain(
    '--build-arg A=1 --build-arg B=2 --no-cache --pull --no-cache-filter base --memory 1g --force-rm --tag',
  );
});

test('pushes, and writes to a file', () => {
  const pushed = containerize(['risk', '--platform', 'linux/amd64,linux/arm64', '--push', '-t', 'r.example/risk:1']);
  expect(pushed).toMatchObject({
    status: 0,
    stdout: expect.stringContaining('Successfully pushed "r.example/risk:1"\n'),
  });
  expect(lastCall()).toMatch(/--output type=registry .*--platform linux\/amd64,linux\/arm64/);
  const file = path.join(dir, 'risk.tar');
  const saved = containerize(['risk', '--output', 'type=docker,dest=risk.tar']);
  expect(saved).toMatchObject({ status: 0, stdout: expect.stringContaining(`The image is in ${file}\n`) });
  expect(lastCall()).toBe(`save --output ${file} risk:v1`);
});

test.each([
  [['risk', '--push', '--load'], 2, /'--load' cannot be used with option '--push'/],
  [['risk', '--backend', 'kaniko'], 2, /Allowed choices are docker, podman, buildah, oci/],
  [['risk', '--enable-features', 'grpc'], 1, /a bento of Ekiben has what it imports/],
  [['risk', '--output', 'type=local,dest=x'], 1, /an image goes into a tar file/],
  [['none'], 1, /no Bentos with name 'none' exist/],
  [[], 2, /missing required argument 'BENTO_TAG'/],
])('%j ends with %d', (args, status, message) => {
  expect(containerize(args)).toMatchObject({ status, stderr: expect.stringMatching(message) });
});

test('a failure shows the last that was said', () => {
  expect(containerize(['risk', '-q'], { DOCKER_EXIT: '7' })).toEqual({
    status: 1,
    stdout: '',
    stderr: 'Error: `docker build` failed (7); it says:\na step of the build\n',
  });
});
