// Bentos of apps/credit-risk: how long `ekiben build` takes when it has been run before, how large the bento is without its models, and
// how long `ekiben serve TAG` takes from the start of the process to the first answer of /readyz.
//
//   pnpm bench builder          a minute or two
//   pnpm bench builder --quick  shows that it runs
//
// Every figure stands beside that of an empty process of Node in the same round, so that a machine that is busy is seen.
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, sep } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from '../packages/store/checks/harness.mjs';
import { BentoStore, ModelStore } from '../packages/store/dist/index.js';
import { shownSeconds, spread, VoidRun } from './harness.mjs';

const LIMITS = { build: 1.5, megabytes: 5, serve: 1 };
const ROUNDS = 9;
/** Between two looks at /readyz. */
const LOOK_MS = 5;

const path = (name) => fileURLToPath(new URL(`../${name}`, import.meta.url));
const bin = path('packages/cli/dist/bin.js');
const project = path('apps/credit-risk');

export async function run(args) {
  const quick = args.includes('--quick');
  const home = mkdtempSync(join(tmpdir(), 'ekiben-bench-builder-'));
  try {
    await new ModelStore(home).import(join(project, 'model/credit_risk_model.bentomodel'));
    const env = { ...process.env, EKIBEN_HOME: home };
    const rounds = quick ? 1 : ROUNDS;
    ekiben(env, 'build', '--quiet');
    const figures = { empty: [], again: [], build: [], serve: [] };
    for (let round = 0; round < rounds; round++) {
      figures.empty.push(time(process.execPath, ['-e', '']));
      figures.build.push(time(process.execPath, [bin, 'build', '--quiet'], { cwd: project, env }));
      figures.again.push(time(process.execPath, ['-e', '']));
      figures.serve.push(await readyAfter(env));
    }
    const megabytes = (await sizeWithoutModels(home)) / 1e6;
    report(figures, megabytes, quick);
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

function ekiben(env, ...args) {
  return time(process.execPath, [bin, ...args], { cwd: project, env });
}

/** Seconds of a whole process. */
function time(command, args, options = {}) {
  const start = performance.now();
  const { status, stderr } = spawnSync(command, args, { encoding: 'utf8', ...options });
  if (status !== 0) throw new Error(stderr);
  return (performance.now() - start) / 1000;
}

async function readyAfter(env) {
  const port = await freePort();
  const start = performance.now();
  const serve = [bin, 'serve', 'credit_risk_classifier:latest', '--port', String(port), '--quiet'];
  const child = spawn(process.execPath, serve, { env, cwd: tmpdir(), stdio: 'ignore' });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  for (;;) {
    const ready = await fetch(`http://127.0.0.1:${port}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (ready) break;
    if (child.exitCode !== null) throw new Error(`the server ended with ${child.exitCode}`);
    await sleep(LOOK_MS);
  }
  const seconds = (performance.now() - start) / 1000;
  child.kill('SIGTERM');
  await ended;
  return seconds;
}

async function sizeWithoutModels(home) {
  const { path: bento } = await new BentoStore(home).get('credit_risk_classifier');
  const files = readdirSync(bento, { recursive: true }).filter((file) => !file.startsWith(`models${sep}`));
  return files.reduce((sum, file) => {
    const stats = statSync(join(bento, file));
    return stats.isFile() ? sum + stats.size : sum;
  }, 0);
}

function report(figures, megabytes, quick) {
  const spreads = Object.fromEntries(Object.entries(figures).map(([name, values]) => [name, spread(values)]));
  const lines = [
    `an empty process of Node: ${shownSeconds(spreads.empty)}; again: ${shownSeconds(spreads.again)}`,
    `ekiben build, warm: ${shownSeconds(spreads.build)}, at most ${LIMITS.build} s`,
    `ekiben serve TAG until /readyz: ${shownSeconds(spreads.serve)}, at most ${LIMITS.serve} s`,
    `a bento without its models: ${megabytes.toFixed(2)} MB, at most ${LIMITS.megabytes} MB`,
  ];
  console.log(lines.join('\n'));
  mkdirSync(path('report'), { recursive: true });
  writeFileSync(path('report/bench-builder.json'), JSON.stringify({ quick, ...spreads, megabytes }, null, 2));
  if (quick) return;
  if (Math.abs(spreads.again.median / spreads.empty.median - 1) > 0.05) {
    throw new VoidRun('an empty process does not take the time of an empty process: the machine is not quiet');
  }
  const over = [spreads.build.median > LIMITS.build, spreads.serve.median > LIMITS.serve, megabytes > LIMITS.megabytes];
  if (over.some(Boolean)) {
    console.log('above what is to be reached');
    process.exitCode = 1;
  }
}
