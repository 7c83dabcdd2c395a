// Projects as people have them: installed by npm, pnpm and yarn, a member of a workspace, one with native packages. Each is built, and
// its bento served from another home; what stays outside is installed anew by the bento's own script, and serves again.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BentoStore } from '@ekiben/store';
import { check, finish, run, temporary } from '../../store/checks/harness.mjs';
import { workspacePackages } from '../../../scripts/workspace.mjs';
import { copyExample, ekiben, expectedAnswers, homeWithModel, post, root, startServer, treeOf } from './projects.mjs';

const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const [{ application, status }] = expectedAnswers();
const home = await homeWithModel();
const environment = { ...process.env, EKIBEN_HOME: home };

/** Ours as `npm i ekiben` would bring them. */
const tarballs = packed();

function packed() {
  const packages = new Map(workspacePackages().map((each) => [each.name, each]));
  const folder = temporary();
  const specifiers = {};
  const visit = (name) => {
    const each = packages.get(name);
    if (each === undefined || specifiers[name] !== undefined) return;
    const output = run('npx', ['-y', packageManager, 'pack', '--json', '--pack-destination', folder], {
      cwd: each.dir,
    });
    specifiers[name] = `file:${JSON.parse(output).filename}`;
    for (const dependency of Object.keys(each.manifest.dependencies ?? {})) visit(dependency);
  };
  visit('ekiben');
  return specifiers;
}

/** A project of its own that depends on packages from a registry, and on ours. */
function projectWith(dependencies, service, { bentofile = 'service: src/service.ts:svc\n', manifest = {} } = {}) {
  const folder = temporary();
  const all = { ekiben: tarballs.ekiben, ...dependencies };
  const overrides = { overrides: tarballs, resolutions: tarballs, pnpm: { overrides: tarballs } };
  const text = { name: 'my-service', version: '1.2.3', type: 'module', dependencies: all, ...overrides, ...manifest };
  mkdirSync(join(folder, 'src'));
  writeFileSync(join(folder, 'package.json'), JSON.stringify(text));
  writeFileSync(join(folder, 'bentofile.yaml'), bentofile);
  writeFileSync(join(folder, 'src/service.ts'), service);
  return folder;
}

const quiet = { npm_config_audit: 'false', npm_config_fund: 'false', npm_config_update_notifier: 'false' };
const INSTALL = {
  npm: ['npm', 'install', '--ignore-scripts', '--prefer-offline'],
  pnpm: ['npx', '-y', packageManager, 'install', '--prefer-offline', '--ignore-scripts'],
  yarn: ['npx', '-y', 'yarn@1.22.22', 'install', '--ignore-scripts', '--prefer-offline', '--non-interactive'],
  'yarn 4': ['npx', '-y', '@yarnpkg/cli-dist@4.18.1', 'install'],
};
/** Yarn 4 does not read npm's configuration. */
const YARN_4 = {
  YARN_NODE_LINKER: 'node-modules',
  YARN_ENABLE_SCRIPTS: 'false',
  YARN_ENABLE_TELEMETRY: 'false',
  YARN_ENABLE_IMMUTABLE_INSTALLS: 'false',
  YARN_NPM_REGISTRY_SERVER: run('npm', ['config', 'get', 'registry']).trim().replace(/\/$/, ''),
};
function install(folder, manager) {
  const [command, ...args] = INSTALL[manager];
  // Of a folder with a lock file, even an empty one, Yarn 4 knows that it is a project.
  if (manager === 'yarn 4') writeFileSync(join(folder, 'yarn.lock'), '');
  run(command, args, { cwd: folder, env: { ...process.env, ...quiet, ...YARN_4 } });
}

function build(folder, ...args) {
  const command = join(folder, 'node_modules/ekiben/dist/bin.js');
  const program = existsSync(command) ? command : ekiben;
  const {
    status: code,
    stdout,
    stderr,
  } = spawnSync(process.execPath, [program, 'build', '-o', 'tag', ...args], {
    cwd: folder,
    env: environment,
    encoding: 'utf8',
  });
  return { code, tag: /^__tag__:(.*)$/m.exec(stdout)?.[1], stderr };
}

async function built(folder, ...args) {
  const { code, tag, stderr } = build(folder, ...args);
  assert.equal(code, 0, stderr);
  return { ...(await new BentoStore(home).get(tag)), stderr };
}

/** Serves a copy of the bento elsewhere, by itself, and asks one API. */
async function answers(bento, api, input, { reinstall = false } = {}) {
  const copy = join(temporary(), 'bento');
  cpSync(bento.path, copy, { recursive: true });
  if (reinstall) run('sh', [join(copy, 'env/node/install.sh')], { env: { ...process.env, ...quiet } });
  const program = join(copy, bento.node.server);
  const running = await startServer(process.execPath, [program, 'serve', '--port', '0'], {
    cwd: copy,
    env: process.env,
  });
  const answer = await post(`${running.url}/${api}`, input);
  assert.deepEqual(await running.stop(), [0, null]);
  return answer;
}

const CRC = `
import { Service, json } from 'ekiben';
import { crc32 } from '@node-rs/crc32';
import ms from 'ms';
const text = json({ type: 'string' });
const number = json({ type: 'number' });
export const svc = new Service('checksum')
  .api('crc', { input: text, output: number }, (value) => crc32(value))
  .api('ms', { input: text, output: number }, (value) => ms(value));
`;
const lockOf = (bento) => JSON.parse(readFileSync(join(bento.path, 'env/node/package-lock.json'), 'utf8')).packages;

for (const [manager, lockfile] of [
  ['npm', 'package-lock.json'],
  ['pnpm', 'pnpm-lock.yaml'],
  ['yarn', 'yarn.lock'],
  ['yarn 4', 'yarn.lock'],
]) {
  await check(`a project of ${manager}, with a native package and one of plain JavaScript`, async () => {
    const folder = projectWith({ '@node-rs/crc32': '1.10.8', ms: '2.1.3' }, CRC);
    install(folder, manager);
    assert.ok(existsSync(join(folder, lockfile)));
    const bento = await built(folder);
    assert.equal(bento.document.node.package_manager, manager.replace(' 4', ''));
    assert.deepEqual(
      bento.document.node.packages.filter((name) => name === 'ms' || name === 'ekiben'),
      [],
    );
    // Of the native one, only this platform's build.
    const native = readdirSync(join(bento.path, 'node_modules/@node-rs'));
    assert.equal(native.filter((name) => name.startsWith('crc32-')).length, 1, native.join());
    const locked = lockOf(bento)['node_modules/@node-rs/crc32'];
    assert.equal(locked.version, '1.10.8');
    // Yarn 4's checksums are of archives that it packs itself.
    const hasIntegrity = manager !== 'yarn 4';
    if (hasIntegrity) assert.match(locked.integrity, /^sha512-/);
    assert.equal(/no integrity.*@node-rs\/crc32/.test(bento.stderr), !hasIntegrity, bento.stderr);
    const sbom = JSON.parse(readFileSync(join(bento.path, 'env/sbom.cdx.json'), 'utf8'));
    assert.ok(sbom.components.some(({ purl }) => purl === 'pkg:npm/ms@2.1.3'));
    rmSync(folder, { recursive: true });
    assert.equal(await answers(bento, 'crc', 'ekiben'), crc32('ekiben'));
    assert.equal(await answers(bento, 'ms', '2 days', { reinstall: /npm$|4/.test(manager) }), 172_800_000);
  });
}

/** Of ISO 3309, by itself, so that the native package is compared with something. */
function crc32(text) {
  let crc = -1;
  for (const byte of Buffer.from(text)) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ -1) >>> 0;
}

await check('what is not as locked is refused, and a package that is missing is named', async () => {
  const folder = projectWith({ ms: '2.1.3' }, CRC.replace(/.*crc.*\n/g, ''));
  install(folder, 'npm');
  const manifest = join(folder, 'node_modules/ms/package.json');
  writeFileSync(manifest, readFileSync(manifest, 'utf8').replace('2.1.3', '2.1.2'));
  assert.match(
    build(folder).stderr,
    /package-lock\.json does not have what is installed: ms@2\.1\.2\. Run `npm install`/,
  );
  rmSync(join(folder, 'node_modules/ms'), { recursive: true });
  const { code, stderr } = build(folder);
  assert.equal(code, 1);
  assert.match(stderr, /ms/);
});

await check('another platform: its build where it is installed, an error where it is not', async () => {
  const folder = projectWith({ '@node-rs/crc32': '1.10.8', ms: '2.1.3' }, CRC);
  install(folder, 'npm');
  const { code, stderr } = build(folder, '--platform', 'linux/arm64');
  assert.equal(code, 1);
  assert.match(
    stderr,
    /@node-rs\/crc32 needs @node-rs\/crc32-linux-arm64-gnu on linux\/arm64, which is not installed here/,
  );
  const [, command] = /npm: `npm ([^`]+)`/.exec(stderr);
  run('npm', [...command.split(' '), '--ignore-scripts'], { cwd: folder, env: { ...process.env, ...quiet } });
  const bento = await built(folder, '--platform', 'linux/arm64');
  const native = readdirSync(join(bento.path, 'node_modules/@node-rs')).filter((name) => name.startsWith('crc32-'));
  assert.deepEqual(native, ['crc32-linux-arm64-gnu']);
});

await check(
  'a member of a workspace, all packages outside: those of the workspace as tarballs, installed anew',
  async () => {
    const folder = copyExample(join(temporary(), 'member'));
    writeFileSync(
      join(folder, 'bentofile.yaml'),
      `${readFileSync(join(folder, 'bentofile.yaml'), 'utf8')}  bundle: false\n`,
    );
    const bento = await built(folder);
    const locked = lockOf(bento);
    assert.match(locked['node_modules/@ekiben/server'].resolved, /^file:packages\/ekiben-server-.*\.tgz$/);
    assert.match(locked['node_modules/@ekiben/server'].integrity, /^sha512-/);
    assert.equal(locked['node_modules/zod'].resolved, undefined);
    assert.deepEqual(await answers(bento, 'classify', application), { Status: status });
    assert.deepEqual(await answers(bento, 'classify', application, { reinstall: true }), { Status: status });
  },
);

await check('a declared package stays outside', async () => {
  const folder = copyExample(join(temporary(), 'declared'));
  const declared = `${readFileSync(join(folder, 'bentofile.yaml'), 'utf8')}  packages: [zod, left-pad]\n`;
  writeFileSync(join(folder, 'bentofile.yaml'), declared);
  const bento = await built(folder);
  assert.ok(existsSync(join(bento.path, 'node_modules/zod/package.json')));
  assert.match(bento.stderr, /node\.packages: left-pad is not imported/);
  assert.deepEqual(await answers(bento, 'classify', application), { Status: status });
});

await check('apps/ensemble: onnxruntime-node of one platform only, for this one and for arm64', async () => {
  const ensemble = join(root, 'apps/ensemble');
  const start = readFileSync(join(ensemble, 'start.mjs'), 'utf8');
  const save = start.slice(0, start.indexOf('process.exitCode'));
  run(process.execPath, ['--input-type=module', '--eval', save], { cwd: ensemble, env: environment });
  for (const [platform, present, absent] of [
    ['linux/amd64', 'x64', 'arm64'],
    ['linux/arm64', 'arm64', 'x64'],
  ]) {
    const bento = await built(ensemble, '--platform', platform);
    const files = [...treeOf(join(bento.path, 'node_modules/onnxruntime-node/bin')).keys()];
    assert.ok(
      files.some((file) => file.includes(`linux/${present}/`)),
      files.join(),
    );
    assert.ok(!files.some((file) => /darwin|win32/.test(file) || file.includes(`linux/${absent}/`)), files.join());
    const bytes = files.reduce(
      (sum, file) => sum + readFileSync(join(bento.path, 'node_modules/onnxruntime-node/bin', file)).length,
      0,
    );
    assert.ok(bytes < 80e6, `${bytes}`);
  }
});

finish();
