// Images of apps/credit-risk by `ekiben containerize --backend oci`, on a base as small as distroless, which lies on this disk: how long
// the command takes when base and Node have been used before and the code is new, how large the image is, which layers a change of the
// code makes, and how long a container takes from `podman run` to its first answer.
//
//   pnpm bench images          a minute or two
//   pnpm bench images --quick  shows that it runs
//
// It takes root, and Debian's mmdebstrap, podman and runc. Every figure stands beside that of an empty process of Node, or of a
// container with one, in the same round, so that a machine that is busy is seen.
import { spawnSync } from 'node:child_process';
import { appendFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseImageSource, writeOciImage } from '../packages/builder/dist/images.js';
import {
  containersIn,
  DISTROLESS,
  missingPrograms,
  rootFileSystem,
  startContainer,
} from '../packages/builder/checks/image-tools.mjs';
import { BentoStore, ModelStore } from '../packages/store/dist/index.js';
import { shownSeconds, spread, VoidRun } from './harness.mjs';

const LIMITS = { containerize: 3, ours: 15, whole: 65, start: 1 };
const ROUNDS = 7;
const MB = 1e6;

const path = (name) => fileURLToPath(new URL(`../${name}`, import.meta.url));
const bin = path('packages/cli/dist/bin.js');
const project = path('apps/credit-risk');

export async function run(args) {
  const missing = missingPrograms('mmdebstrap', 'podman', 'runc');
  if (missing.length > 0) throw new VoidRun(`${missing.join(', ')} must be installed`);
  const quick = args.includes('--quick');
  const work = mkdtempSync(join(tmpdir(), 'ekiben-bench-images-'));
  try {
    const home = join(work, 'home');
    await new ModelStore(home).import(join(project, 'model/credit_risk_model.bentomodel'));
    const env = { ...process.env, ...containersIn(work), EKIBEN_HOME: home };
    timed(process.execPath, [bin, 'build', '--quiet'], { cwd: project, env });
    const base = rootFileSystem('extract', DISTROLESS, { node: false });
    const bento = await new BentoStore(home).get('credit_risk_classifier');
    const layers = await layersAfterChange(bento, base, home, work);
    const figures = await measure(quick ? 1 : ROUNDS, { bento, base, env, work });
    report(figures, layers, quick);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** A copy of the bento whose service says something else. */
function changed({ path: directory }, work, name) {
  const copy = join(work, name);
  cpSync(directory, copy, { recursive: true });
  appendFileSync(join(copy, 'src/__bundle__/service.js'), `\nexport const change = ${JSON.stringify(name)};\n`);
  return copy;
}

/** Of an image made after the code has changed, with what is new in it. */
async function layersAfterChange(bento, base, home, work) {
  const write = (of) =>
    writeOciImage({
      bento: of,
      images: ['risk:1'],
      platforms: [{ os: 'linux', cpu: process.arch, libc: 'glibc' }],
      base: parseImageSource(base),
      outputs: [{ kind: 'tar', path: join(work, 'risk.tar') }],
      home,
    });
  await write(bento);
  const { manifests } = await write(await new BentoStore(home).open(changed(bento, work, 'first')));
  return manifests[0].layers;
}

async function measure(rounds, { bento, base, env, work }) {
  const figures = { empty: [], again: [], containerize: [], container: [], start: [] };
  const { application } = JSON.parse(
    readFileSync(join(project, 'test/fixtures/expected.jsonl'), 'utf8').split('\n')[0],
  );
  for (let round = 0; round < rounds; round++) {
    const copy = changed(bento, work, `round-${round}`);
    const output = join(work, `round-${round}.tar`);
    const words = [
      'containerize',
      copy,
      '--backend',
      'oci',
      '--base-image',
      base,
      '-t',
      'risk:1',
      '--output',
      output,
      '-q',
    ];
    figures.empty.push(timed(process.execPath, ['-e', '']));
    figures.containerize.push(timed(process.execPath, [bin, ...words], { env }));
    figures.again.push(timed(process.execPath, ['-e', '']));
    timed('podman', ['load', '--quiet', '--input', output], { env });
    rmSync(output);
    figures.container.push(
      timed('podman', ['run', '--rm', '--network=none', '--entrypoint=node', 'risk:1', '-e', ''], { env }),
    );
    figures.start.push(await firstAnswer(application, env));
  }
  return figures;
}

async function firstAnswer(application, env) {
  const start = performance.now();
  const container = await startContainer('podman', 'risk:1', { env });
  const response = await fetch(`${container.url}/classify`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(application),
  });
  await response.json();
  const seconds = (performance.now() - start) / 1000;
  await container.end();
  container.remove();
  if (!response.ok) throw new Error(`the container answered ${response.status}`);
  return seconds;
}

/** Seconds of a whole process. */
function timed(command, args, options = {}) {
  const start = performance.now();
  const { status, stderr, error } = spawnSync(command, args, { encoding: 'utf8', ...options });
  if (status !== 0) throw error ?? new Error(stderr);
  return (performance.now() - start) / 1000;
}

function report(figures, layers, quick) {
  const spreads = Object.fromEntries(Object.entries(figures).map(([name, values]) => [name, spread(values)]));
  const megabytes = (of) => layers.filter(of).reduce((sum, { size }) => sum + size, 0) / MB;
  const whole = megabytes(() => true);
  const ours = megabytes(({ part }) => part !== 'base' && part !== 'node');
  const anew = layers.filter(({ reused }) => !reused);
  const lines = [
    `an empty process of Node: ${shownSeconds(spreads.empty)}; again: ${shownSeconds(spreads.again)}`,
    `ekiben containerize, base and Node kept: ${shownSeconds(spreads.containerize)}, at most ${LIMITS.containerize} s`,
    `an empty process of Node in a container, to its end: ${shownSeconds(spreads.container)}`,
    `from podman run to the first answer: ${shownSeconds(spreads.start)}, at most ${LIMITS.start} s`,
    `the image, compressed: ${whole.toFixed(1)} MB, at most ${LIMITS.whole} MB; ${layers.map(({ part, size }) => `${part} ${(size / MB).toFixed(2)}`).join(', ')}`,
    `without base and Node: ${ours.toFixed(2)} MB, at most ${LIMITS.ours} MB`,
    `new after a change of the code: ${anew.map(({ part, size }) => `${part}, ${Math.round(size / 1000)} kB`).join('; ')}`,
  ];
  console.log(lines.join('\n'));
  mkdirSync(path('report'), { recursive: true });
  writeFileSync(path('report/bench-images.json'), JSON.stringify({ quick, ...spreads, layers }, null, 2));
  const over = [
    whole > LIMITS.whole,
    ours > LIMITS.ours,
    anew.some(({ part }) => part !== 'code') || anew.length !== 1,
  ];
  if (!quick) {
    if (Math.abs(spreads.again.median / spreads.empty.median - 1) > 0.05) {
      throw new VoidRun('an empty process does not take the time of an empty process: the machine is not quiet');
    }
    over.push(spreads.containerize.median > LIMITS.containerize, spreads.start.median > LIMITS.start);
  }
  if (over.some(Boolean)) {
    console.log('above what is to be reached');
    process.exitCode = 1;
  }
}
