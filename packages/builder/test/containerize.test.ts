// With programs of our own in the place of Docker and its like, which note what they are asked, and fail as those do.
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { containerize, type ContainerizeOptions } from '../src/images.ts';
import { project, temporary } from './support.ts';

const PATH = process.env['PATH'];
let bin: string;
let home: string;

const BENTO = `service: src/service.ts:svc
name: risk
version: v1
creation_time: '2026-01-02T03:04:05.000000+00:00'
labels: {}
models: []
docker: { distro: debian }
node:
  version: '20'
  platform: linux/amd64
  module: src/__bundle__/service.js
  server: src/__bundle__/server.js
`;

beforeEach(async () => {
  bin = await temporary();
  home = await project({
    'bentos/risk/v1/bento.yaml': BENTO,
    'bentos/risk/v1/env/docker/Dockerfile': 'FROM scratch\n',
    'bentos/risk/latest': 'v1',
  });
  process.env['PATH'] = bin;
});
afterEach(() => {
  process.env['PATH'] = PATH;
});

/** A program that notes its arguments, says something, and ends so. */
async function program(name: string, script = ''): Promise<void> {
  const path = join(bin, name);
  const note = `require('node:fs').appendFileSync(${JSON.stringify(join(bin, 'calls'))}, JSON.stringify([${JSON.stringify(name)}, ...process.argv.slice(2)]) + '\\n');`;
  await writeFile(path, `#!${process.execPath}\nconst args = process.argv.slice(2);\n${note}\n${script}\n`);
  await chmod(path, 0o755);
}
const calls = async (): Promise<string[][]> =>
  (await readFile(join(bin, 'calls'), 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as string[]);
const make = (options: ContainerizeOptions = {}) => containerize('risk:latest', { home, ...options });

const withoutBuildx = `if (args[0] === 'buildx') { console.error("docker: 'buildx' is not a docker command."); process.exit(1); }`;
const versions = ['--build-arg', 'BENTO_VERSION=v1', '--build-arg', 'BENTO_CREATED=2026-01-02T03:04:05.000Z'];

test('Docker builds from the bento as it is, with its tag', async () => {
  await program('docker');
  const chosen: string[] = [];
  const done = await make({ platforms: ['linux/amd64'], onBackend: (backend, { tag }) => chosen.push(backend, tag) });
  expect(done).toMatchObject({ backend: 'docker', images: ['risk:v1'], platforms: ['linux/amd64'], output: undefined });
  expect(chosen).toEqual(['docker', 'risk:v1']);
  const path = join(home, 'bentos/risk/v1');
  const common = ['--file', join(path, 'env/docker/Dockerfile'), '--platform', 'linux/amd64', ...versions];
  expect(await calls()).toEqual([
    ['docker', 'buildx', 'version'],
    ['docker', 'buildx', 'build', '--load', ...common, '--tag', 'risk:v1', path],
  ]);
});

test('without Buildx, Docker itself builds, pushes and saves', async () => {
  await program('docker', withoutBuildx);
  const output = join(bin, 'image.tar');
  const options = { base: 'node:22', images: ['a.example/risk:1', 'risk'], push: true, output };
  await make({ ...options, platforms: ['linux/arm64'], buildOptions: ['--no-cache'] });
  const [, build, ...rest] = await calls();
  expect(build?.slice(1, 2)).toEqual(['build']);
  expect(build?.join(' ')).toContain('--platform linux/arm64 --build-arg BASE_IMAGE=node:22');
  expect(build?.join(' ')).toContain('--no-cache --tag a.example/risk:1 --tag risk');
  expect(rest).toEqual([
    ['docker', 'push', 'a.example/risk:1'],
    ['docker', 'push', 'risk'],
    ['docker', 'save', '--output', output, 'a.example/risk:1', 'risk'],
  ]);
});

test.each(['podman', 'buildah'] as const)(
  '%s, which is installed, is taken; it builds with the health check',
  async (name) => {
    await program(name);
    const output = join(bin, 'image.tar');
    expect(await make({ push: true, output })).toMatchObject({ backend: name, output });
    const [build, push, save] = await calls();
    expect(build?.join(' ')).toContain('--format docker');
    expect(push).toEqual([name, 'push', 'risk:v1']);
    expect(save?.join(' ')).toContain(output);
  },
);

test('several platforms become one image, under every name', async () => {
  const platforms = ['linux/amd64', 'linux/arm64'];
  const output = join(bin, 'image.tar');
  const images = ['risk:1', 'a.example/risk:1'];
  // There is nothing to remove.
  await program('podman', "if (['rm', 'rmi'].includes(args[0]) || args[1] === 'rm') process.exit(1);");
  await make({ platforms, images, push: true, output });
  const [list, image, build, ...rest] = await calls();
  expect([list, image]).toEqual([
    ['podman', 'manifest', 'rm', 'risk:1'],
    ['podman', 'rmi', 'risk:1'],
  ]);
  expect(build?.join(' ')).toMatch(/--platform linux\/amd64,linux\/arm64 .*--manifest risk:1/);
  expect(rest).toEqual([
    ['podman', 'tag', 'risk:1', 'a.example/risk:1'],
    ['podman', 'manifest', 'push', '--all', 'risk:1', 'docker://risk:1'],
    ['podman', 'manifest', 'push', '--all', 'risk:1', 'docker://a.example/risk:1'],
    ['podman', 'manifest', 'push', '--all', 'risk:1', `oci-archive:${output}`],
  ]);

  await program('docker');
  await make({ platforms, push: true, output, backend: 'docker' });
  expect((await calls()).at(-1)?.join(' ')).toContain(`--output type=registry --output type=oci,dest=${output}`);
});

const failing = (text: string, step = 'build') =>
  `if (args[0] === '${step}') { for (let n = 1; n < 60; n++) console.log('step ' + n); console.error(${JSON.stringify(text)}); process.exit(1); }`;

test.each([
  [
    'build',
    'E: Unable to locate package libnone',
    'EKIBEN_IMAGE_BUILD_FAILED',
    /^`podman build` failed \(1\); it says:\n/,
  ],
  [
    'build',
    'Cannot connect to the Docker daemon at unix:///x',
    'EKIBEN_BACKEND_NOT_RUNNING',
    /start it.*--backend oci/,
  ],
  ['build', 'write /x: no space left on device', 'EKIBEN_IMAGE_DISK_FULL', /`podman system prune`/],
  ['build', 'exec /bin/sh: exec format error', 'EKIBEN_IMAGE_BUILD_FAILED', /install emulation/],
  [
    'build',
    'no image found in manifest list for architecture "arm64"',
    'EKIBEN_IMAGE_BUILD_FAILED',
    /docker\.base_image/,
  ],
  ['build', 'Error: unknown flag: --build-context', 'EKIBEN_BACKEND_TOO_OLD', /Podman 4\.2/],
  ['push', 'unauthorized: authentication required', 'EKIBEN_IMAGE_PUSH_REFUSED', /`podman login`/],
  ['push', 'dial tcp: connection refused', 'EKIBEN_IMAGE_PUSH_FAILED', /`podman push` failed/],
  ['save', 'permission denied', 'EKIBEN_IMAGE_SAVE_FAILED', /`podman save` failed/],
] as const)('%s fails with %j: %s', async (step, text, code, message) => {
  await program('podman', failing(text, step));
  const lines: string[] = [];
  const failure = make({ push: true, output: join(bin, 'x.tar'), onLog: (line) => lines.push(line) });
  await expect(failure).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  await expect(failure).rejects.toMatchObject({ message: expect.stringContaining(text) });
  await expect(failure).rejects.toMatchObject({ message: expect.not.stringContaining('step 5\n') });
  expect(lines).toContain('step 5');
});

test.each([
  [
    { backend: 'buildah' },
    'EKIBEN_BACKEND_NOT_INSTALLED',
    /buildah is not installed: .*apt-get install buildah.*--backend oci/,
  ],
  [
    { backend: 'podman', buildOptions: ['--builder', 'x'] },
    'EKIBEN_BACKEND_OPTION_UNKNOWN',
    /--builder is Buildx's, and not podman's/,
  ],
  [{ backend: 'oci', buildOptions: ['--no-cache'] }, 'EKIBEN_BACKEND_OPTION_UNKNOWN', /steps of a Dockerfile/],
  [{ images: ['Risk:1'] }, 'EKIBEN_IMAGE_NAME_INVALID', /capitals/],
  [{ platforms: ['windows/amd64'] }, 'EKIBEN_PLATFORM_UNKNOWN', /Images are for Linux/],
  [{ platforms: ['linux'] }, 'EKIBEN_PLATFORM_UNKNOWN', /'linux' is no platform/],
] as const)('refuses %j', async (options, code, message) => {
  await expect(make(options)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
});

test('a Python bento is for BentoML', async () => {
  const python = { 'bentos/risk/v1/bento.yaml': BENTO.replace(/node:[^]*/, 'bentoml_version: 1.0.7\n') };
  const other = await project(python);
  await expect(containerize('risk:v1', { home: other })).rejects.toMatchObject({
    code: 'EKIBEN_BENTO_IS_PYTHON',
    message: expect.stringContaining('`bentoml containerize risk:v1`'),
  });
});

test('stops what it started when it is told to', async () => {
  await program('podman', `console.log('started'); setInterval(() => {}, 1000);`);
  const stop = new AbortController();
  const failure = make({ signal: stop.signal, onLog: () => stop.abort() });
  await expect(failure).rejects.toMatchObject({ name: 'AbortError' });
});

const NATIVE = {
  'env/node/package.json': '{"name":"risk","dependencies":{"image":"1.0.0"}}',
  'env/node/package-lock.json': '{"lockfileVersion":3,"packages":{}}',
  'node_modules/image/package.json':
    '{"name":"image","version":"1.0.0","optionalDependencies":{"image-linux-x64":"1.0.0","image-linux-arm64":"1.0.0"}}',
  'node_modules/image/index.js': '1',
  'node_modules/image-linux-x64/package.json':
    '{"name":"image-linux-x64","version":"1.0.0","os":["linux"],"cpu":["x64"]}',
  'node_modules/image-linux-x64/image.node': 'x64',
};

/** npm that installs these files, and notes which packages it installed. */
const npm = (files: Readonly<Record<string, string>>) => `
const fs = require('node:fs'), path = require('node:path');
const files = ${JSON.stringify(files)};
const packages = {};
for (const [name, text] of Object.entries(files)) {
  fs.mkdirSync(path.dirname(name), { recursive: true });
  fs.writeFileSync(name, text);
  if (name.endsWith('/package.json')) packages[path.dirname(name)] = {};
}
fs.writeFileSync('node_modules/.package-lock.json', JSON.stringify({ packages }));
`;

/** Notes what the build context has. */
const LIST = `
const fs = require('node:fs');
const at = args.indexOf('--build-context');
const folder = at < 0 ? undefined : args[at + 1].replace('packages=', '');
const list = folder === undefined ? [] : fs.readdirSync(folder, { recursive: true }).filter((name) => fs.statSync(folder + '/' + name).isFile());
console.log(JSON.stringify(list.sort()));
`;

async function nativeBento(): Promise<void> {
  for (const [path, text] of Object.entries(NATIVE)) {
    const file = join(home, 'bentos/risk/v1', path);
    await mkdir(join(file, '..'), { recursive: true });
    await writeFile(file, text);
  }
}

const manifestOf = (name: string, cpu: string) => JSON.stringify({ name, version: '1.0.0', os: ['linux'], cpu: [cpu] });
const common = {
  'node_modules/image/package.json': NATIVE['node_modules/image/package.json'],
  'node_modules/image/index.js': '1',
};

test('another platform gets its own native packages, and nothing that the bento does without', async () => {
  await nativeBento();
  await program('podman', LIST);
  const installed = {
    ...common,
    'node_modules/image/unused.js': '1',
    'node_modules/never-loaded/package.json': '{"name":"never-loaded","version":"1.0.0"}',
    'node_modules/image-linux-arm64/package.json': manifestOf('image-linux-arm64', 'arm64'),
    'node_modules/image-linux-arm64/image.js': 'arm64',
  };
  await program('npm', npm(installed));
  const lines: string[] = [];
  await make({ platforms: ['linux/arm64'], onLog: (line) => lines.push(line) });
  expect(JSON.parse(lines.at(-1) ?? '')).toEqual([
    'linux/arm64/node_modules/image-linux-arm64/image.js',
    'linux/arm64/node_modules/image-linux-arm64/package.json',
    'linux/arm64/node_modules/image/index.js',
    'linux/arm64/node_modules/image/package.json',
  ]);
  const [install] = await calls();
  expect(install?.join(' ')).toMatch(/^npm ci .*--ignore-scripts .*--os=linux --cpu=arm64 --libc=glibc$/);

  lines.length = 0;
  await make({ platforms: ['linux/amd64'], onLog: (line) => lines.push(line) });
  expect(lines).toEqual(['[]']);
});

test('a native package without a build for the platform is refused before anything is built', async () => {
  await nativeBento();
  await program('podman');
  await program('npm', npm(common));
  await expect(make({ platforms: ['linux/386'] })).rejects.toMatchObject({
    code: 'EKIBEN_PLATFORM_MISSING',
    message: expect.stringContaining('image 1.0.0 has no build for linux/ia32'),
  });
  expect((await calls()).map(([name]) => name)).toEqual(['npm']);
});

test('what npm says is told when it cannot install', async () => {
  await nativeBento();
  await program('podman');
  await program('npm', `console.error('npm error code E401'); process.exit(1);`);
  await expect(make({ platforms: ['linux/arm64'] })).rejects.toMatchObject({
    code: 'EKIBEN_PACKAGES_NOT_INSTALLED',
    message: expect.stringMatching(/for linux\/arm64; npm says:\nnpm error code E401/),
  });
});

test('what only its owner may read is built from a copy that anybody may', async () => {
  await program(
    'podman',
    `const fs = require('node:fs'); const context = args.at(-1);
     console.log(context); console.log((fs.statSync(context + '/bento.yaml').mode & 0o777).toString(8), (fs.statSync(context).mode & 0o777).toString(8));`,
  );
  const path = join(home, 'bentos/risk/v1');
  await chmod(join(path, 'bento.yaml'), 0o600);
  await chmod(path, 0o700);
  const lines: string[] = [];
  await make({ onLog: (line) => lines.push(line) });
  expect(lines[0]).not.toBe(path);
  expect(lines[1]).toBe('644 755');
  await expect(readFile(join(lines[0] ?? '', 'bento.yaml'))).rejects.toMatchObject({ code: 'ENOENT' });
});
