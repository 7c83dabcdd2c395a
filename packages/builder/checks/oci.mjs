// `ekiben containerize --backend oci`: images that no other program makes, as other programs see them. Skopeo, umoci and crane read them,
// Podman runs them, a real registry takes and gives them; a wrong password, full disks, and a registry that dies in between.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { containerize } from '@ekiben/builder/images';
import { verifyBento } from '@ekiben/builder/verify';
import { BentoStore } from '@ekiben/store';
import { check, finish, isInstalled, run, temporary } from '../../store/checks/harness.mjs';
import { canMake, containersIn, DISTROLESS, missingPrograms, rootFileSystem, startContainer } from './image-tools.mjs';
import { commandsIn, copyExample, expectedAnswers, homeWithModel, post, root } from './projects.mjs';
import { crane, loggedIn, login, startRegistry } from './registry.mjs';

const MB = 1e6;

const missing = missingPrograms('mmdebstrap', 'skopeo', 'umoci', 'podman', 'runc', 'docker-registry');
if (!isInstalled('htpasswd', 'apache2-utils')) missing.push('apache2-utils');
if (canMake('OCI images', missing)) await checkImages();
finish();

async function checkImages() {
  // What is mounted in it is not removed before it is unmounted.
  const work = mkdtempSync(join(tmpdir(), 'ekiben-oci-'));
  const home = await homeWithModel();
  const base = rootFileSystem('extract', DISTROLESS, { node: false });
  const registry = await startRegistry(work);
  process.env.DOCKER_CONFIG = loggedIn(join(work, 'docker'), registry.host);
  const env = { ...process.env, ...containersIn(work), EKIBEN_HOME: home };
  const validator = crane();

  const { command, succeed, build } = commandsIn(env);
  const oci = (tag, ...args) => ['containerize', tag, '--backend', 'oci', '--base-image', base, '--quiet', ...args];
  const skopeo = (...args) => run('skopeo', args, { env });
  const inspected = (...args) => JSON.parse(skopeo('inspect', ...args));
  const fromRegistry = ['--tls-verify=false', '--creds', `${login.user}:${login.password}`];
  const rawDigest = (...args) => skopeo('inspect', '--format', '{{.Digest}}', ...args).trim();
  /** A file system that is soon full. */
  const smallDisk = (name, size) => {
    const path = join(work, name);
    mkdirSync(path);
    run('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'none', path]);
    return path;
  };

  const project = copyExample(join(temporary(), 'project'));
  const tag = build(project, '--version', 'v1');
  const layout = join(work, 'layout');
  let digest = '';

  await check('Skopeo and umoci read what is written, and it is as small as it should be', async () => {
    succeed(oci(tag, '-t', 'risk:1', '--output', layout));
    const { Digest, Architecture, Os, Labels, LayersData } = inspected(`oci:${layout}:1`);
    digest = Digest;
    assert.deepEqual([Os, Architecture], ['linux', process.arch === 'arm64' ? 'arm64' : 'amd64']);
    assert.equal(Labels['org.opencontainers.image.version'], 'v1');
    const sizes = readdirSync(join(layout, 'blobs/sha256')).map(
      (name) => readFileSync(join(layout, 'blobs/sha256', name)).length,
    );
    const all = sizes.reduce((sum, size) => sum + size, 0) / MB;
    console.log(`  ${all.toFixed(1)} MB in all, ${LayersData?.length ?? sizes.length - 2} layers`);
    assert.ok(all < 65, `${all} MB`);
    run('umoci', ['unpack', '--image', `${layout}:1`, join(work, 'unpacked')]);
    const unpacked = join(work, 'unpacked/rootfs');
    assert.ok(existsSync(join(unpacked, 'usr/local/bin/node')));
    assert.deepEqual(await verified(join(unpacked, 'home/ekiben/bento')), []);
  });

  await check('built again, in another home, it is the same to the digest', async () => {
    const elsewhere = temporary();
    cpSync(join(home, 'bentos'), join(elsewhere, 'bentos'), { recursive: true });
    cpSync(base, join(elsewhere, 'renamed.tar'));
    const again = join(work, 'again');
    const args = ['containerize', tag, '--backend', 'oci', '--base-image', join(elsewhere, 'renamed.tar')];
    succeed([...args, '-t', 'risk:1', '--output', again], {
      env: { ...env, EKIBEN_HOME: elsewhere, TZ: 'Asia/Tokyo' },
    });
    assert.equal(rawDigest(`oci:${again}:1`), digest);
  });

  const archive = join(work, 'risk.tar');
  const answers = expectedAnswers();
  await check(
    'Podman loads and runs it: the 3,000 answers, with nothing to write to, as a user nobody knows',
    async () => {
      succeed(oci(tag, '-t', 'risk:1', '--output', archive));
      assert.equal(rawDigest(`oci-archive:${archive}`), digest);
      run('podman', ['load', '--quiet', '--input', archive], { env });
      const flags = ['--read-only', '--read-only-tmpfs=false', '--user=1234567:0', '--cap-drop=ALL', '--memory=512m'];
      const container = await startContainer('podman', 'risk:1', { env, flags });
      console.log(`  first answer of the container after ${Math.round(container.readyMs)} ms, podman's start included`);
      assert.match(container.logs(), /Serving on http:\/\/0\.0\.0\.0:\d+/);
      for (let at = 0; at < answers.length; at += 50) {
        const some = answers.slice(at, at + 50);
        const got = await Promise.all(some.map(({ application }) => post(`${container.url}/classify`, application)));
        assert.deepEqual(
          got,
          some.map(({ status }) => ({ Status: status })),
        );
      }
      assert.match(await (await fetch(`${container.url}/`)).text(), /swagger-ui/i);
      assert.equal(container.exec('node', '/home/ekiben/bento/env/docker/health.mjs'), '');
      assert.equal(await container.end(), 0);
      container.remove();
    },
  );

  await check('it runs as it stands, with no option at all', async () => {
    const container = await startContainer('podman', 'risk:1', { env });
    assert.equal(container.inspect('{{.Config.User}}'), '1034:0');
    const [{ application, status }] = answers;
    assert.deepEqual(await post(`${container.url}/classify`, application), { Status: status });
    assert.equal(await container.end(), 0);
    container.remove();
  });

  const image = `${registry.host}/team/risk`;
  await check('a wrong password: an error that says so, and nothing is there', async () => {
    const wrong = loggedIn(join(work, 'wrong'), registry.host, 'another-password');
    const { status, stderr } = command(oci(tag, '-t', `${image}:1`, '--push'), {
      env: { ...env, DOCKER_CONFIG: wrong },
    });
    assert.notEqual(status, 0);
    assert.match(stderr, /refuses to take team\/risk: it does not accept the user "ekiben" of .*config\.json/);
    assert.doesNotMatch(stderr, /another-password/);
    assert.deepEqual(await registry.tags('team/risk'), []);
  });

  await check(
    'a registry that dies in the middle: an error, no name, and the next push sends only the rest',
    async () => {
      let killed;
      const pushing = containerize(tag, {
        home,
        backend: 'oci',
        images: [`${image}:1`],
        base,
        push: true,
        onProgress({ step, done = 0, total = 0 }) {
          if (step === 'push' && total > 30 * MB && done > 20 * MB) killed ??= registry.kill();
        },
      });
      await assert.rejects(pushing, (error) => {
        assert.equal(error.code, 'EKIBEN_REGISTRY_FAILED');
        assert.match(error.message, /could not be reached/);
        return true;
      });
      assert.ok(killed !== undefined);
      await registry.start();
      assert.deepEqual(await registry.tags('team/risk'), []);
      registry.requests();
      succeed(oci(tag, '-t', `${image}:1`, '--push'));
      const sent = registry.requests().filter((line) => /"PUT [^"]*blobs\/uploads/.test(line)).length;
      console.log(`  ${sent} blobs sent the second time`);
      assert.ok(sent < 8, `${sent}`);
      assert.equal(rawDigest(...fromRegistry, `docker://${image}:1`), digest);
    },
  );

  await check('one that comes back in time: the push goes on by itself', async () => {
    let isKilled = false;
    let killed = Promise.resolve();
    const { digest: pushed } = await containerize(tag, {
      home,
      backend: 'oci',
      images: [`${registry.host}/team/again:1`],
      base,
      push: true,
      onProgress({ step, done = 0, total = 0 }) {
        if (step === 'push' && total > 30 * MB && done > 20 * MB && !isKilled) {
          isKilled = true;
          killed = registry
            .kill()
            .then(() => sleep(500))
            .then(() => registry.start());
        }
      },
    });
    await killed;
    assert.ok(isKilled);
    assert.equal(pushed, digest);
    assert.equal(rawDigest(...fromRegistry, `docker://${registry.host}/team/again:1`), digest);
  });

  await check(
    'crane validates it in the registry, where its bill of materials refers to it; pulled back, it is the same',
    () => {
      run(validator, ['validate', '--remote', `${image}:1`], { env });
      const referrers = JSON.parse(run(validator, ['manifest', `${image}:${digest.replace(':', '-')}`], { env }));
      assert.equal(referrers.manifests[0].artifactType, 'application/vnd.cyclonedx+json');
      const referrer = JSON.parse(run(validator, ['manifest', `${image}@${referrers.manifests[0].digest}`], { env }));
      assert.equal(referrer.subject.digest, digest);
      const sbom = JSON.parse(run(validator, ['blob', `${image}@${referrer.layers[0].digest}`], { env }));
      assert.equal(sbom.bomFormat, 'CycloneDX');
      const back = join(work, 'back');
      skopeo(
        'copy',
        '--quiet',
        '--src-tls-verify=false',
        '--src-creds',
        `${login.user}:${login.password}`,
        `docker://${image}:1`,
        `oci:${back}:1`,
      );
      assert.equal(rawDigest(`oci:${back}:1`), digest);
    },
  );

  await check('a change of the code sends kilobytes', () => {
    const file = join(project, 'src/credit.ts');
    writeFileSync(file, `${readFileSync(file, 'utf8')}\nexport const changed = 'in the second version';\n`);
    const before = registry.size();
    const changed = build(project, '--version', 'v2');
    succeed(oci(changed, '-t', `${image}:2`, '--push'));
    const sent = registry.size() - before;
    console.log(`  ${Math.round(sent / 1000)} kB`);
    assert.ok(sent > 0 && sent < 500_000, `${sent} bytes`);
  });

  await check('a full disk: an error that says where, and nothing half-written', () => {
    const disk = smallDisk('small', '20m');
    for (const output of [join(disk, 'image'), join(disk, 'image.tar')]) {
      const { status, stderr } = command(oci(tag, '-t', 'risk:1', '--output', output));
      assert.notEqual(status, 0);
      assert.match(stderr, /small\/image\S* cannot be written: no space is left on the disk/);
      assert.deepEqual(readdirSync(disk), []);
    }
    cpSync(join(home, 'bentos'), join(disk, 'bentos'), { recursive: true });
    const { status, stderr } = command(oci(tag, '-t', 'risk:1', '--output', join(work, 'never.tar')), {
      env: { ...env, EKIBEN_HOME: disk },
    });
    assert.notEqual(status, 0);
    assert.match(stderr, /no space is left on the disk/);
    assert.ok(!existsSync(join(work, 'never.tar')));
    assert.deepEqual(readdirSync(join(disk, 'ekiben/images/drafts')), []);
  });

  await check('a registry whose disk is full: its error, and no name', async () => {
    const place = temporary();
    const full = await startRegistry(place, { files: smallDisk('full', '20m'), open: true });
    const { status, stderr } = command(oci(tag, '-t', `${full.host}/team/risk:1`, '--push'));
    assert.notEqual(status, 0);
    assert.match(stderr, new RegExp(`${full.host} answered 5\\d\\d`));
    assert.deepEqual(await full.tags('team/risk'), []);
    await full.kill();
  });

  await check('apps/ensemble for two platforms: in each the binaries of its own, and none of the others', async () => {
    const ensemble = join(root, 'apps/ensemble');
    const start = readFileSync(join(ensemble, 'start.mjs'), 'utf8');
    run(process.execPath, ['--input-type=module', '--eval', start.slice(0, start.indexOf('process.exitCode'))], {
      cwd: ensemble,
      env,
    });
    const bento = build(ensemble, '--version', 'v1');
    const bases = await startRegistry(temporary(), { open: true });
    const reference = `${bases.host}/library/base`;
    for (const arch of ['amd64', 'arm64']) {
      const files = rootFileSystem('extract', DISTROLESS, { node: false, arch });
      run(validator, ['append', '--oci-empty-base', '-f', files, '-t', `${reference}:${arch}`], { env });
      run(
        validator,
        ['mutate', `${reference}:${arch}`, '--set-platform', `linux/${arch}`, '-t', `${reference}:${arch}`],
        { env },
      );
    }
    const both = ['amd64', 'arm64'].flatMap((arch) => ['-m', `${reference}:${arch}`]);
    run(validator, ['index', 'append', ...both, '-t', `${reference}:both`], { env });
    const target = `${bases.host}/team/ensemble:1`;
    const platforms = 'linux/amd64,linux/arm64';
    bases.requests();
    const args = [
      'containerize',
      bento,
      '--backend',
      'oci',
      '--base-image',
      `${reference}:both`,
      '--platform',
      platforms,
    ];
    succeed([...args, '-t', target, '--push', '--quiet']);
    const mounted = bases.requests().filter((line) => /"POST [^"]*mount=[^"]*" 201/.test(line)).length;
    assert.ok(mounted >= 2, `${mounted} layers of the base were mounted`);
    run(validator, ['validate', '--remote', target], { env });
    for (const [arch, machine] of [
      ['amd64', 'x86-64'],
      ['arm64', 'ARM aarch64'],
    ]) {
      const files = join(work, `ensemble-${arch}`);
      mkdirSync(files);
      run('sh', [
        '-c',
        `'${validator}' export --platform linux/${arch} ${target} - | tar -x -C '${files}' usr/local/bin/node home/ekiben`,
      ]);
      const bentoFiles = join(files, 'home/ekiben/bento');
      const native = readdirSync(bentoFiles, { recursive: true }).filter((name) =>
        /\.(?:node|so|dll|dylib)(?:[.\d]*)$/.test(name),
      );
      console.log(`  linux/${arch}: ${native.join(', ')}`);
      assert.ok(native.some((name) => name.endsWith('onnxruntime_binding.node')));
      for (const name of [...native.map((each) => join(bentoFiles, each)), join(files, 'usr/local/bin/node')]) {
        assert.ok(machineIn(name) === machine, `${name} is for ${machineIn(name)}`);
      }
      assert.deepEqual(await verified(bentoFiles), []);
    }
    if (process.arch === 'x64') {
      run('podman', ['pull', '--quiet', '--tls-verify=false', target], { env });
      const container = await startContainer('podman', target, { env });
      const { paths } = JSON.parse(await (await fetch(`${container.url}/docs.json`)).text());
      assert.ok(Object.keys(paths).length > 2);
      assert.equal(await container.end(), 0);
      container.remove();
    }
    const { status, stderr } = command([
      ...oci(bento, '-t', 'ensemble:1', '--output', join(work, 'no.tar')),
      '--platform',
      'linux/386',
    ]);
    assert.notEqual(status, 0);
    assert.match(stderr, /onnxruntime-node .* has no build for linux\/(?:386|ia32)/);
    await bases.kill();
  });

  await registry.kill();
  for (const mounted of ['small', 'full', 'storage/overlay']) spawnSync('umount', ['--recursive', join(work, mounted)]);
  rmSync(work, { recursive: true, force: true });
}

/** What in a bento is not as its own digests have it. */
async function verified(directory) {
  return verifyBento(await new BentoStore(temporary()).open(directory));
}

function machineIn(file) {
  const machine = readFileSync(file).readUInt16LE(18);
  return { 62: 'x86-64', 183: 'ARM aarch64' }[machine] ?? `machine ${machine}`;
}
