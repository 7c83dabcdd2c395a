// `ekiben containerize` with Docker, Podman and Buildah on a base image made here, and the containers: what they answer, what they do
// without, how they end. No registry of images is asked.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Load } from '../../cli/checks/load.mjs';
import { check, finish, run, temporary } from '../../store/checks/harness.mjs';
import {
  canMake,
  containersIn,
  hadolint,
  missingPrograms,
  rootFileSystem,
  startContainer,
  startDocker,
} from './image-tools.mjs';
import { commandsIn, copyExample, ekiben, expectedAnswers, homeWithModel, post, root } from './projects.mjs';

const BASE = 'localhost/ekiben-base:node';
const answers = expectedAnswers();
const [first] = answers;

if (canMake('images', missingPrograms('buildah', 'podman', 'runc', 'mmdebstrap'))) await checkImages();
finish();

async function checkImages() {
  // What is mounted in it is not removed before it is unmounted.
  const work = mkdtempSync(join(tmpdir(), 'ekiben-images-'));
  const home = await homeWithModel();
  const base = rootFileSystem('minbase', []);
  const env = { ...process.env, ...containersIn(work), EKIBEN_HOME: home };
  const linter = hadolint();

  const { command, succeed, build } = commandsIn(env);
  const containerize = (tag, ...args) => succeed(['containerize', tag, '--base-image', BASE, ...args]);
  const lint = (tag) => run(linter, [join(home, 'bentos', tag.replace(':', '/'), 'env/docker/Dockerfile')]);
  const podman = (...args) => run('podman', args, { env }).trim();
  /** One run of an image to its end. */
  const once = (image, ...args) =>
    spawnSync('podman', ['run', '--rm', '--network=host', image, ...args], { env, encoding: 'utf8' });

  podman('import', '--quiet', base, BASE);
  const project = copyExample(join(temporary(), 'project'));
  const tag = build(project, '--version', 'v1');

  await check('the Dockerfile passes hadolint', () => assert.equal(lint(tag), ''));

  await check('Buildah builds it, in BentoML’s words', () => {
    const { stdout, stderr } = containerize(tag, '--backend', 'buildah', '-t', 'risk:buildah');
    assert.equal(
      stdout,
      `Successfully built Bento container for "${tag}" with tag(s) "risk:buildah"
To run your newly built Bento container, run:
    podman run -it --rm -p 3000:3000 risk:buildah serve
`,
    );
    assert.match(stderr, new RegExp(`^Building OCI-compliant image for ${tag} with buildah\n`));
  });

  await check('it answers the 3,000 applications as Python does, in production mode on all addresses', async () => {
    const container = await startContainer('podman', 'risk:buildah', { env, args: ['serve'] });
    console.log(`  first answer of the container after ${Math.round(container.readyMs)} ms, podman's start included`);
    assert.match(container.logs(), /Serving on http:\/\/0\.0\.0\.0:\d+ with \d+ API workers? \(pid 1\)/);
    for (let at = 0; at < answers.length; at += 50) {
      const some = answers.slice(at, at + 50);
      const got = await Promise.all(some.map(({ application }) => post(`${container.url}/classify`, application)));
      assert.deepEqual(
        got,
        some.map(({ status }) => ({ Status: status })),
      );
    }
    const page = await fetch(`${container.url}/`);
    assert.match(await page.text(), /swagger-ui/i);
    assert.equal(await container.end(), 0);
    container.remove();
  });

  await check('with nothing to write to, as a user nobody knows, on a quarter of a CPU and 512 MB', async () => {
    const flags = ['--read-only', '--read-only-tmpfs=false', '--user=1234567:0', '--cpus=0.25', '--memory=512m'];
    const hardened = [...flags, '--cap-drop=ALL', '--security-opt=no-new-privileges'];
    const container = await startContainer('podman', 'risk:buildah', { env, flags: hardened });
    console.log(`  first answer of the container after ${Math.round(container.readyMs)} ms`);
    assert.match(container.logs(), /with 1 API worker/);
    for (const { application, status } of answers.slice(0, 300)) {
      assert.deepEqual(await post(`${container.url}/classify`, application), { Status: status });
    }
    assert.equal(container.exec('sh', '-c', 'id -u; touch probe 2>/dev/null || echo read-only'), '1234567\nread-only');
    assert.equal(await container.end(), 0);
    assert.equal(container.inspect('{{.State.OOMKilled}}'), 'false');
    container.remove();
  });

  await check('SIGTERM under load: every request that was taken is answered', async () => {
    const container = await startContainer('podman', 'risk:buildah', { env });
    const load = new Load(container.url, {
      path: '/classify',
      body: () => first.application,
      judge: ({ Status }) => (Status === first.status ? undefined : Status),
      connections: 32,
      pauseMs: 0,
      untilRefused: true,
    });
    await sleep(1500);
    const code = await container.end();
    await load.ended();
    console.log(`  ${load.answered} answers`);
    assert.deepEqual({ code, failed: load.failed, wrong: [...load.counts.wrong] }, { code: 0, failed: 0, wrong: [] });
    assert.ok(load.answered > 100, load.toString());
    container.remove();
  });

  await check('SIGTERM before it serves ends it, too, as soon as Node runs', async () => {
    const id = podman('run', '--detach', '--network=host', '--env=PORT=0', 'risk:buildah');
    // The kernel keeps signals from the first process of a container that has not asked for them.
    const isRunning = () => podman('inspect', '--format', '{{.State.Running}}', id) === 'true';
    while (isRunning()) spawnSync('podman', ['kill', '--signal', 'SIGTERM', id], { env });
    assert.equal(podman('inspect', '--format', '{{.State.ExitCode}}', id), '143');
    assert.doesNotMatch(podman('logs', id), /Serving on/);
    podman('rm', id);
  });

  await check('arguments are taken as BentoML’s entrypoint takes them', async () => {
    assert.deepEqual(once('risk:buildah', 'node', '-p', '6 * 7').stdout, '42\n');
    assert.equal(once('risk:buildah', 'sh', '-c', 'exit 7').status, 7);
    const twice = await startContainer('podman', 'risk:buildah', { env, args: ['--api-workers', '2'] });
    assert.match(twice.logs(), /with 2 API workers/);
    await twice.end();
    twice.remove();
    const alone = await startContainer('podman', 'risk:buildah', { env, args: ['serve', '--development'] });
    assert.doesNotMatch(alone.logs(), /API worker/);
    await alone.end();
    alone.remove();
    const script = once('risk:buildah', 'sh', '/home/ekiben/bento/env/docker/entrypoint.sh', 'node', '-p', '1');
    assert.equal(script.stdout, '1\n');
  });

  await check('a change of the code makes the layers of the models and packages anew for nobody', () => {
    const file = join(project, 'src/service.ts');
    writeFileSync(file, `${readFileSync(file, 'utf8')}\nexport const changed = true;\n`);
    const layers = (image) => JSON.parse(podman('inspect', '--format', '{{json .RootFS.Layers}}', image));
    const before = layers('risk:buildah');
    containerize(build(project, '--version', 'v2'), '--backend', 'buildah', '-t', 'risk:changed');
    const after = layers('risk:changed');
    const copied = readFileSync(join(home, 'bentos/credit_risk_classifier/v2/env/docker/Dockerfile'), 'utf8');
    // All up to the first COPY of what changes with the code.
    const kept =
      before.length -
      copied
        .split('\nCOPY ')
        .slice(1)
        .filter((line) => /^(?:apis|env|src|README)/.test(line)).length;
    assert.deepEqual(after.slice(0, kept), before.slice(0, kept));
    assert.notDeepEqual(after, before);
  });

  await check('a bento that a strict umask keeps from others is built from a copy, and served by anybody', async () => {
    const archive = join(temporary(), 'strict.bento');
    const strict = temporary();
    const options = { env: { ...env, EKIBEN_HOME: strict }, encoding: 'utf8' };
    assert.equal(command(['export', tag, archive]).status, 0);
    const importing = `umask 077 && exec "${process.execPath}" "${ekiben}" import "${archive}"`;
    assert.equal(spawnSync('sh', ['-c', importing], options).status, 0);
    const args = ['containerize', tag, '--backend', 'buildah', '--base-image', BASE, '-t', 'risk:strict', '-q'];
    const { status, stderr } = command(args, options);
    assert.equal(status, 0, stderr);
    const container = await startContainer('podman', 'risk:strict', { env, flags: ['--user=4321:0'] });
    assert.deepEqual(await post(`${container.url}/classify`, first.application), { Status: first.status });
    await container.end();
    container.remove();
  });

  const everything = copyExample(join(temporary(), 'everything'));
  writeFileSync(
    join(everything, 'bentofile.yaml'),
    `${readFileSync(join(everything, 'bentofile.yaml'), 'utf8')}
envs:
  - { name: REGION, value: 'eu $HOME' }
docker:
  base_image: ${BASE}
  system_packages: [hello]
  env: [PRICE=5, GREETING=a "b" c]
  setup_script: setup.sh
  dockerfile_template: Dockerfile.template
`,
  );
  writeFileSync(
    join(everything, 'setup.sh'),
    '#!/bin/sh\nset -eu\nid -u > /root-was-here\nls bento.yaml > /in-bento\n',
  );
  writeFileSync(
    join(everything, 'Dockerfile.template'),
    `{% extends bento_base_template %}
{% block SETUP_BENTO_ENVARS %}
{{ super() }}
ENV TEMPLATE={{ bento__path }}
{% endblock %}
`,
  );

  await check('every key of the section docker: packages, variables, setup script, template, base image', () => {
    const all = build(everything, '--version', 'all');
    assert.equal(lint(all), '');
    const options = ['--backend', 'podman', '--network', 'host', '-t', 'all:1', '-q'];
    const { status, stderr } = command(['containerize', all, ...options]);
    assert.equal(status, 0, stderr);
    const script =
      'cat /root-was-here /in-bento; echo $TEMPLATE; hello | head -c 5; echo; echo "$REGION|$PRICE|$GREETING"; id -u';
    assert.equal(
      once('all:1', 'sh', '-c', script).stdout,
      '0\nbento.yaml\n/home/ekiben/bento\nHello\neu $HOME|5|a "b" c\n1034\n',
    );
    // Nothing is left of what apt downloaded, nor is there anything to compile with.
    assert.equal(once('all:1', 'sh', '-c', 'ls /var/cache/apt/archives/*.deb; command -v gcc make npm').stdout, '');
  });

  await check('every distribution’s Dockerfile passes hadolint', () => {
    for (const distro of ['alpine', 'ubi8', 'amazonlinux']) {
      const folder = copyExample(join(temporary(), distro));
      const docker = `docker: { distro: ${distro}, base_image: ${BASE}, system_packages: [hello] }\n`;
      writeFileSync(join(folder, 'bentofile.yaml'), `service: src/service.ts:svc\n${docker}`);
      assert.equal(lint(build(folder, '--version', distro)), '', distro);
    }
  });

  await check('linux/arm64: only its native packages are inside', () => {
    // Nothing is run in the build, so that the base may have the wrong programs.
    podman('import', '--quiet', '--arch', 'arm64', base, `${BASE}-arm64`);
    const native = build(join(root, 'apps/every-input'), '--version', 'native');
    const options = ['--backend', 'buildah', '--platform', 'linux/arm64', '-t', 'native:arm64', '-q'];
    const { status, stderr } = command(['containerize', native, '--base-image', `${BASE}-arm64`, ...options]);
    assert.equal(status, 0, stderr);
    assert.equal(podman('image', 'inspect', '--format', '{{.Os}}/{{.Architecture}}', 'native:arm64'), 'linux/arm64');
    // The wrong programs run here.
    const list = ['--entrypoint', '/bin/ls', 'native:arm64', '/home/ekiben/bento/node_modules/@img'];
    assert.deepEqual(
      podman('run', '--rm', '--network=host', ...list)
        .split('\n')
        .filter((name) => name.startsWith('sharp-')),
      ['sharp-libvips-linux-arm64', 'sharp-linux-arm64'],
    );
    const none = command([
      'containerize',
      native,
      '--base-image',
      BASE,
      '--backend',
      'buildah',
      '--platform',
      'linux/386',
    ]);
    assert.equal(none.status, 1);
    assert.match(none.stderr, /Error: sharp \S+ has no build for linux\/ia32/);
  });

  await check('a tar file that another Podman loads', async () => {
    const file = join(temporary(), 'risk.tar');
    const { stdout } = containerize(tag, '--backend', 'podman', '-t', 'risk:saved', '--output', file);
    assert.match(stdout, new RegExp(`The image is in ${file}\n`));
    const elsewhere = mkdtempSync(join(tmpdir(), 'ekiben-images-'));
    const other = { ...process.env, ...containersIn(elsewhere) };
    assert.match(run('podman', ['load', '--input', file], { env: other }), /risk:saved/);
    spawnSync('podman', ['system', 'reset', '--force'], { env: other });
    rmSync(elsewhere, { recursive: true, force: true });
  });

  await check('Docker builds it, finds it healthy, and it answers', async () => {
    const docker = await startDocker(work);
    const inDocker = { ...env, ...docker.env };
    run('docker', ['import', base, 'ekiben-base:node'], { env: inDocker });
    const args = ['containerize', tag, '--base-image', 'ekiben-base:node'];
    const { status, stdout, stderr } = command(args, { env: inDocker });
    assert.equal(status, 0, stderr);
    // Docker, since it is installed first.
    assert.match(stderr, /with docker\n/);
    assert.match(stdout, new RegExp(`docker run -it --rm -p 3000:3000 ${tag} serve\n$`));
    const flags = ['--read-only', '--user=1234567:0', '--health-interval=1s'];
    const container = await startContainer('docker', tag, { env: inDocker, flags });
    for (const { application, status: expected } of answers.slice(0, 300)) {
      assert.deepEqual(await post(`${container.url}/classify`, application), { Status: expected });
    }
    for (let tries = 0; container.inspect('{{.State.Health.Status}}') !== 'healthy'; tries++) {
      assert.ok(tries < 100, container.inspect('{{json .State.Health}}'));
      await sleep(200);
    }
    assert.equal(await container.end(), 0);
    container.remove();
    await docker.stop();

    const { status: code, stderr: error } = command(args, { env: inDocker });
    assert.equal(code, 1);
    assert.match(error, /docker is installed, but its daemon does not answer: .*--backend oci/);
  });

  await check('what goes wrong is explained, and nothing is left behind', async () => {
    const failing = (args, options) => {
      const { status, stderr } = command(['containerize', ...args], options);
      assert.equal(status, 1, stderr);
      return stderr;
    };
    const buildah = ['--backend', 'buildah', '--base-image', BASE];
    assert.match(failing(['no_such_bento']), /no Bentos with name 'no_such_bento' exist/);
    assert.match(failing([tag, ...buildah, '-t', 'Risk']), /"Risk" is no name of an image/);
    assert.match(failing([tag, ...buildah, '--platform', 'linux/pdp11']), /'linux\/pdp11' is no platform/);
    const nothing = temporary();
    copyFileSync(process.execPath, join(nothing, 'node'));
    const noPath = { env: { ...env, PATH: nothing } };
    assert.match(
      failing([tag, '--backend', 'podman'], noPath),
      /podman is not installed: `apt-get install podman`.*--backend oci/,
    );
    assert.match(failing([tag, '--backend', 'buildah', '--base-image', 'localhost/none:1']), /localhost\/none:1/);

    writeFileSync(join(everything, 'setup.sh'), '#!/bin/sh\necho the last words\nexit 3\n');
    const broken = build(everything, '--version', 'broken');
    const said = failing([broken, '--backend', 'buildah', '--network', 'host', '-q']);
    assert.match(said, /Error: `buildah build` failed \(\d+\); it says:\n[^]*the last words/);
    assert.match(
      failing([broken, '--backend', 'oci', '-q']),
      /docker\.system_packages.*takes Docker, Podman or Buildah/,
    );
  });

  await check('a registry that refuses, or is not there, is told apart', async () => {
    const registry = createServer((_request, response) => {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="check"', 'content-type': 'application/json' });
      response.end('{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}');
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => registry.once('listening', resolve));
    const host = `127.0.0.1:${registry.address().port}`;
    const insecure = join(temporary(), 'registries.conf');
    writeFileSync(insecure, `[[registry]]\nlocation = "${host}"\ninsecure = true\n`);
    const push = async () => {
      const args = [
        'containerize',
        tag,
        '--backend',
        'buildah',
        '--base-image',
        BASE,
        '-t',
        `${host}/risk:1`,
        '--push',
        '-q',
      ];
      const child = spawn(process.execPath, [ekiben, ...args], {
        env: { ...env, CONTAINERS_REGISTRIES_CONF: insecure },
      });
      let stderr = '';
      child.stderr.on('data', (chunk) => (stderr += chunk));
      const [code] = await new Promise((resolve) => child.on('close', (...ended) => resolve(ended)));
      assert.equal(code, 1, stderr);
      return stderr;
    };
    assert.match(await push(), /The registry does not let this user push: `buildah login`/);
    registry.close();
    assert.match(await push(), /Error: `buildah push` failed/);
  });

  await check('a full disk is told as such', () => {
    const disk = temporary();
    run('mount', ['-t', 'tmpfs', '-o', 'size=330m', 'tmpfs', disk]);
    const small = { ...env, ...containersIn(disk) };
    try {
      const filled = spawnSync('podman', ['import', '--quiet', base, BASE], { env: small, encoding: 'utf8' });
      assert.equal(filled.status, 0, filled.stderr);
      writeFileSync(join(disk, 'fill'), Buffer.alloc(1));
      spawnSync('sh', ['-c', `head -c 400m /dev/zero > ${join(disk, 'fill')}; truncate -s -2M ${join(disk, 'fill')}`]);
      const args = ['containerize', tag, '--backend', 'buildah', '--base-image', BASE, '-q'];
      const { status, stderr } = command(args, { env: small });
      assert.equal(status, 1, stderr);
      assert.match(stderr, /The disk is full: `buildah prune`/);
    } finally {
      spawnSync('umount', ['--recursive', join(disk, 'storage/overlay')]);
      run('umount', ['--lazy', disk]);
    }
  });

  spawnSync('podman', ['system', 'reset', '--force'], { env });
  rmSync(work, { recursive: true, force: true });
}
