// How long `ekiben serve` takes: from the start of the process to the first answer of /readyz, for apps/credit-risk and for its model
// alone; and with --reload from saving a file to the first answer of the new code.
//
//   pnpm bench serve          a minute
//   pnpm bench serve --quick  shows that it runs
//
// Every figure stands beside that of an empty process of Node in the same round, so that a machine that is busy is seen.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ModelStore } from '../packages/store/dist/index.js';
import { shownSeconds, spread, VoidRun } from './harness.mjs';

/** In seconds. */
const LIMITS = { service: 1, model: 1, reload: 0.3 };
const ROUNDS = 9;
/** Between two looks. */
const LOOK_MS = 2;
/** Nobody saves faster; the process that stands by is there again. */
const BETWEEN_SAVES_MS = 1500;

const path = (name) => fileURLToPath(new URL(`../${name}`, import.meta.url));
const bin = path('packages/cli/dist/bin.js');
const project = path('apps/credit-risk');

/** The model of credit-risk, and a number of a file beside it. */
const SERVICE = `
import { Service, json, models, toRunner, xgboost } from 'ekiben';
import { version } from './version.ts';
const creditRisk = toRunner(await models.get('credit_risk_model:latest', xgboost));
export const svc = new Service('bench', { runners: [creditRisk] }).api(
  'version', { input: json({}), output: json({ type: 'number' }) }, () => version);
`;

export async function run(args) {
  const quick = args.includes('--quick');
  const home = mkdtempSync(join(tmpdir(), 'ekiben-bench-serve-'));
  try {
    await new ModelStore(home).import(join(project, 'model/credit_risk_model.bentomodel'));
    const env = { ...process.env, EKIBEN_HOME: home };
    const rounds = quick ? 1 : ROUNDS;
    const figures = { empty: [], again: [], service: [], model: [], reload: [] };
    await readyAfter(env, 'src/service.ts:svc'); // the files are read once
    for (let round = 0; round < rounds; round++) {
      figures.empty.push(emptyProcess());
      figures.service.push(await readyAfter(env, 'src/service.ts:svc'));
      figures.again.push(emptyProcess());
      figures.model.push(await readyAfter(env, 'credit_risk_model:latest'));
    }
    await reloads(env, rounds, figures.reload);
    report(figures, quick);
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

function emptyProcess() {
  const start = performance.now();
  spawnSync(process.execPath, ['-e', '']);
  return (performance.now() - start) / 1000;
}

async function readyAfter(env, target) {
  const start = performance.now();
  const { url, stop } = await serve(env, project, target);
  while ((await ask(`${url}/readyz`, 'GET')).status !== 200) await sleep(LOOK_MS);
  const seconds = (performance.now() - start) / 1000;
  await stop();
  return seconds;
}

async function reloads(env, rounds, seconds) {
  const folder = join(project, 'node_modules/.cache/bench-serve');
  mkdirSync(folder, { recursive: true });
  const save = (version) => writeFileSync(join(folder, 'version.ts'), `export const version: number = ${version};\n`);
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  writeFileSync(join(folder, 'service.ts'), SERVICE);
  save(0);
  const { url, stop } = await serve(env, folder, '.', '--reload');
  try {
    for (let version = 1; version <= rounds; version++) {
      await sleep(BETWEEN_SAVES_MS);
      const start = performance.now();
      save(version);
      while ((await ask(`${url}/version`, 'POST', '{}')).text !== String(version)) await sleep(LOOK_MS);
      seconds.push((performance.now() - start) / 1000);
    }
  } finally {
    await stop();
    rmSync(folder, { recursive: true });
  }
}

async function serve(env, cwd, ...args) {
  const child = spawn(process.execPath, [bin, 'serve', ...args, '--port', '0'], { cwd, env });
  let output = '';
  const url = await new Promise((resolve, reject) => {
    const hear = (chunk) => {
      output += String(chunk);
      const found = /Serving .*?(http:\/\/[\d.:]+)/.exec(output)?.[1];
      if (found !== undefined) resolve(found);
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    child.once('exit', (code) => reject(new Error(`the server ended with ${code}: ${output}`)));
  });
  const stop = async () => {
    child.kill('SIGTERM');
    await once(child, 'exit');
  };
  return { url, stop };
}

/** Over a connection of its own: one that is kept stays with the process that has it. */
function ask(url, method, body) {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json' };
    const asked = request(url, { method, headers, agent: false }, (response) => {
      let text = '';
      response.on('data', (chunk) => (text += chunk)).on('end', () => resolve({ status: response.statusCode, text }));
    });
    asked.on('error', reject).end(body);
  });
}

function report(figures, quick) {
  const spreads = Object.fromEntries(Object.entries(figures).map(([name, values]) => [name, spread(values)]));
  const lines = [
    `an empty process of Node ${process.version}: ${shownSeconds(spreads.empty)}; again: ${shownSeconds(spreads.again)}`,
    `ekiben serve src/service.ts:svc until /readyz: ${shownSeconds(spreads.service)}, at most ${LIMITS.service} s`,
    `ekiben serve credit_risk_model:latest until /readyz: ${shownSeconds(spreads.model)}, at most ${LIMITS.model} s`,
    `--reload, from saving to the new answer: ${shownSeconds(spreads.reload)}, at most ${LIMITS.reload} s`,
  ];
  console.log(lines.join('\n'));
  mkdirSync(path('report'), { recursive: true });
  writeFileSync(path('report/bench-serve.json'), JSON.stringify({ quick, ...spreads }, null, 2));
  if (quick) return;
  if (Math.abs(spreads.again.median / spreads.empty.median - 1) > 0.05) {
    throw new VoidRun('an empty process does not take the time of an empty process: the machine is not quiet');
  }
  if (Object.entries(LIMITS).some(([name, seconds]) => spreads[name].median > seconds)) {
    console.log('above what is to be reached');
    process.exitCode = 1;
  }
}
