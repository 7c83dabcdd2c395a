// The model store: listing ten thousand versions, getting one of them, and archives against the programs that do the same.
//
//   pnpm bench store           everything, some ten minutes
//   pnpm bench store list      only listing and getting
//   pnpm bench store tar       only archives of one format: tar, gz or xz
//   pnpm bench store --quick   shows that it runs
//
// Archives are written to memory (/dev/shm) where there is enough of it: the disk is not what is compared. An export does what tar and
// the compressor do, and flushes; it hashes nothing. An import also hashes every file, so its baseline has sha256sum.
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, rmSync, statfsSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ModelStore } from '../packages/store/dist/index.js';
import { compare, spread, VoidRun } from './harness.mjs';

const MIB = 1024 ** 2;
/** Of the weights, so that a run takes about a quarter of a second. */
const SIZES = { tar: 256 * MIB, gz: 12 * MIB, xz: 6 * MIB };
/** Of runs in a sample, which is their median: a neighbour of this machine may take half a second of any of them. */
const RUNS = 3;
/** What we take by default for tar.gz, and for large models as tar.xz. */
const LEVELS = { tar: 0, gz: 6, xz: 1 };
const VERSIONS = 10_000;
/** Of the whole process, over an empty one of Node. */
const LIST_LIMIT_SECONDS = 0.3;
const [EXPORT, IMPORT] = ['export, MiB', 'import, MiB'];
const LEAST = { tar: 0.8, gz: 0.8, xz: 0.5 };

export async function run(args) {
  const quick = args.includes('--quick');
  const only = args.filter((arg) => !arg.startsWith('--'));
  const wanted = (name) => only.length === 0 || only.includes(name);
  const work = mkdtempSync(join(roomy() ? '/dev/shm' : tmpdir(), 'ekiben-bench-store-'));
  try {
    if (wanted('list')) await listing(work, quick);
    for (const format of Object.keys(SIZES)) if (wanted(format)) await archives(work, format, quick);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function roomy() {
  if (!existsSync('/dev/shm')) return false;
  const { bavail, bsize } = statfsSync('/dev/shm');
  return bavail * bsize > 6 * SIZES.tar;
}

async function archives(work, format, quick) {
  const home = join(work, 'home');
  const store = new ModelStore(home);
  const size = quick ? 2 * MIB : SIZES[format];
  const { path } = await store.create('weights:v1', (draft) => draft.write('weights.bin', weights(size)));
  const [theirs, ours, out] = [join(work, `theirs.${format}`), join(work, `ours.${format}`), join(work, 'out')];
  const level = LEVELS[format];
  const pack = { tar: '', gz: `| gzip -${level}`, xz: `| xz -${level} -T1` }[format];
  const unpack = { tar: `tar -xf ${theirs}`, gz: `gzip -dc ${theirs} | tar -xf -`, xz: `xz -dc ${theirs} | tar -xf -` };
  const measured = { operations: size / MIB, runs: quick ? 1 : RUNS, ground: work };
  const sources = [new URL(import.meta.url)];

  const exports = await compare({
    title: `store-export-${format}`,
    quick,
    pairs: 5,
    baseline: {
      name: `tar -c ${pack}`.trim(),
      sources,
      start: async () =>
        command(`tar -cf - -C ${path} . ${pack} > ${theirs} && sync ${theirs}`, measured, () => remove(theirs)),
    },
    contenders: [
      {
        name: EXPORT,
        start: async () =>
          here(
            () => store.export('weights', ours, { format, level }),
            measured,
            () => remove(ours),
          ),
      },
    ],
  });

  const imports = await compare({
    title: `store-import-${format}`,
    quick,
    pairs: 5,
    baseline: {
      name: `${unpack[format].replaceAll(theirs, `weights.${format}`)}, sha256sum, sync`,
      sources,
      start: async () =>
        command(`mkdir ${out} && ${unpack[format]} -C ${out} && sha256sum ${out}/* && sync ${out}/*`, measured, () =>
          remove(out),
        ),
    },
    contenders: [
      {
        name: IMPORT,
        start: async () =>
          here(
            () => new ModelStore(out).import(ours),
            measured,
            () => remove(out),
          ),
      },
    ],
  });
  rmSync(work, { recursive: true });
  mkdirSync(work);

  if (quick) return;
  for (const [what, summary] of [
    ['export', exports[EXPORT]],
    ['import', imports[IMPORT]],
  ]) {
    const ratio = summary.throughputRatio.median;
    console.log(`${format} ${what}: ${ratio.toFixed(2)} of the programs' throughput, at least ${LEAST[format]} wanted`);
    if (ratio < LEAST[format]) process.exitCode = 1;
  }
}

/** Half noise, as the weights of a network: float32 with sixteen bits that say something. */
function weights(bytes) {
  const noise = randomBytes(bytes / 2);
  const buffer = Buffer.alloc(bytes);
  for (let at = 0; at < bytes; at += 4) {
    buffer[at + 2] = noise[at / 2];
    buffer[at + 3] = 0x3c | (noise[at / 2 + 1] & 0x83);
  }
  return buffer;
}

/** A line of the shell. */
function command(line, measured, prepare) {
  const step = () => {
    const { status, stderr } = spawnSync('bash', ['-o', 'pipefail', '-c', `TIMEFORMAT='%U %S'; time { ${line}; }`]);
    if (status !== 0) throw new VoidRun(`${line} ended with ${status}: ${stderr}`);
    // bash counts in microseconds what /proc counts in hundredths of a second.
    const [user, system] = stderr.toString().trim().split('\n').at(-1).split(' ').map(Number);
    return user + system;
  };
  return { sample: () => medianRun(step, measured, prepare) };
}

function here(work, measured, prepare) {
  const step = async () => {
    const before = process.cpuUsage();
    await work();
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1e6;
  };
  return { sample: () => medianRun(step, measured, prepare) };
}

/**
 * @param measured - `ground`: a directory on the file system that is written to
 * @param step - returns the seconds of CPU that it took
 * @param prepare - what is not measured, before each run
 */
async function medianRun(step, { operations, runs, ground }, prepare) {
  const samples = [];
  for (let run = 0; run < runs; run++) {
    prepare();
    spawnSync('sync', ['-f', ground]);
    const start = performance.now();
    const cpuSeconds = await step();
    samples.push({ operations, seconds: (performance.now() - start) / 1000, cpuSeconds });
  }
  return samples.toSorted((a, b) => a.seconds - b.seconds)[Math.floor(runs / 2)];
}

function remove(path) {
  rmSync(path, { recursive: true, force: true });
}

async function listing(work, quick) {
  const home = join(work, 'many');
  const count = quick ? 100 : VERSIONS;
  // The newest last, as it would be.
  for (let each = count; each > 0; each--) writeVersion(home, 'many', `v${String(each).padStart(15, '0')}`, each);
  writeVersion(home, 'single', 'v1', 0);
  const bin = fileURLToPath(new URL('../packages/cli/dist/bin.js', import.meta.url));
  const ekiben = (...args) => [process.execPath, bin, 'models', ...args];
  const empty = [process.execPath, '-e', ''];
  time(ekiben('list'), home);

  console.log(`\nstore-list: ${count} versions, the whole process over an empty one of Node`);
  const rounds = quick ? 1 : 11;
  const over = (label, argv, before = () => {}) => {
    const differences = [];
    for (let round = 0; round < rounds; round++) {
      before(round);
      const idle = time(empty, home);
      differences.push(time(argv, home) - idle);
    }
    const { median, min, max } = spread(differences);
    console.log(`  ${label}: ${median.toFixed(3)} s (${min.toFixed(3)}–${max.toFixed(3)})`);
    return median;
  };
  const control = over('an empty process again', empty);
  const warm = over('list', ekiben('list'));
  const after = over('list after Python has added a model', ekiben('list'), (round) =>
    writeVersion(home, 'many', `w${round}`, round, Date.now()),
  );
  const many = over('get of one among them', ekiben('get', 'many:latest'));
  const single = over('get of one that is alone', ekiben('get', 'single:latest'));
  if (quick) return;
  if (Math.abs(control) > 0.05)
    throw new VoidRun('an empty process does not take the time of an empty process: the machine is not quiet');
  for (const [label, seconds] of [
    ['list', warm],
    ['list after Python', after],
  ]) {
    if (seconds > LIST_LIMIT_SECONDS) {
      console.log(`  ${label} takes more than ${LIST_LIMIT_SECONDS} s`);
      process.exitCode = 1;
    }
  }
  console.log(`  get among ${count} takes ${(many - single).toFixed(3)} s more than alone`);
}

/** As Python saves it: into the store's directory itself. */
function writeVersion(home, name, version, number, time = Date.now() - 3_600_000) {
  const dir = join(home, 'models', name, version);
  mkdirSync(dir, { recursive: true });
  const created = new Date(time - number * 1000).toISOString().replace('Z', '000+00:00');
  const manifest = `name: ${name}\nversion: ${version}\nmodule: bentoml.xgboost\nlabels: {stage: dev}\noptions: {}\nmetadata: {}\ncontext:\n  framework_name: xgboost\n  framework_versions: {xgboost: 1.6.2}\n  bentoml_version: 1.0.7\n  python_version: 3.9.18\nsignatures:\n  predict: {batchable: true, batch_dim: [0, 0]}\napi_version: v2\ncreation_time: '${created}'\n`;
  writeFileSync(join(dir, 'saved_model.ubj'), 'x'.repeat(1000));
  writeFileSync(join(dir, 'model.yaml'), manifest);
  writeFileSync(join(home, 'models', name, 'latest'), version);
  // Settled, but for what has just been added.
  const then = new Date(Math.min(time, Date.now()));
  for (const path of [join(dir, 'saved_model.ubj'), join(dir, 'model.yaml'), dir, join(home, 'models', name)])
    utimesSync(path, then, then);
}

function time([program, ...args], home) {
  const start = performance.now();
  const { status, stderr } = spawnSync(program, args, {
    env: { ...process.env, EKIBEN_HOME: home },
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 1e9,
  });
  if (status !== 0) throw new VoidRun(`${args.join(' ')} ended with ${status}: ${stderr}`);
  return (performance.now() - start) / 1000;
}
