// Runs the required checks that a file such as .ci/checks.json lists, prints a table of their counts and minutes, and closes with
// the plain line summed over all. A check that is missing, skips, counts nothing or fails makes the run red.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { plainLine, readPlainLine, sum } from './counts.mjs';
import { root, workspacePackages } from './workspace.mjs';

/**
 * @typedef {object} Check
 * @property {string} name
 * @property {string} command  for the shell, in the repository's root; it ends with a plain line, or `count` finds its number
 * @property {string} [count]  a pattern whose first group, where it matches last, is how many things passed, for a tool that prints no
 *   plain line
 * @property {string[]} [packages]  whose tests the command runs, each a check of its own by its report/test.json
 * @property {Record<string, string>} [env]
 * @property {number} [minutes]  what it may take, if that is more than others may
 */

/** A check that takes longer hangs: all of them together may take 45 minutes. */
const WATCHDOG_MINUTES = 30;

const [file, reports = 'report'] = process.argv.slice(2);
/** @type {{ checks: Check[] }} */
const { checks } = JSON.parse(readFileSync(resolve(root, file), 'utf8'));

/** @type {{ name: string, passed: number, failed: number, skipped: number, minutes: number, faults: string[] }[]} */
const rows = [];
for (const check of checks) {
  console.log(`\n▶ ${check.name}: ${check.command}`);
  const started = performance.now();
  const { status, output } = await run(check);
  const minutes = (performance.now() - started) / 60_000;
  if (check.packages) rows.push(...packageRows(check.packages, status, minutes));
  else rows.push(row(check.name, minutes, countsOf(check, status, output), status));
}

const width = Math.max(...rows.map(({ name }) => name.length));
const lines = rows.map(
  ({ name, passed, failed, skipped, minutes, faults }) =>
    `${name.padEnd(width)} ${String(passed).padStart(6)} ${String(failed).padStart(6)} ${String(skipped).padStart(7)} ` +
    `${minutes.toFixed(1).padStart(7)}  ${faults.join('; ')}`.trimEnd(),
);
const table = [`${'check'.padEnd(width)} passed failed skipped minutes`, ...lines].join('\n');
console.log(`\n${table}\n`);
const folder = resolve(root, reports);
mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, 'ci.txt'), `${table}\n`);
writeFileSync(join(folder, 'ci.json'), `${JSON.stringify(rows, null, 2)}\n`);

// A fault that no count shows is one more failure, so that the line never reads as if all were well.
const total = sum(rows);
total.failed += rows.filter(({ failed, faults }) => faults.length > 0 && failed === 0).length;
console.log(plainLine(total));
process.exitCode = total.failed > 0 ? 1 : 0;

function row(name, minutes, counts, status) {
  const faults = [];
  if (counts === undefined) faults.push('printed no count');
  else if (counts.passed === 0) faults.push('counted nothing');
  if (counts?.skipped > 0) faults.push('skipped');
  if (counts?.failed > 0) faults.push('failed');
  else if (status !== 0) faults.push(`ended with ${status}`);
  return { name, ...(counts ?? { passed: 0, failed: 0, skipped: 0 }), minutes, faults };
}

function countsOf(check, status, output) {
  if (!check.count) return readPlainLine(output);
  const passed = Number([...output.matchAll(new RegExp(check.count, 'g'))].at(-1)?.[1] ?? 0);
  return { passed, failed: status === 0 ? 0 : 1, skipped: 0 };
}

/**
 * One row a package: what is in the workspace with tests and what the check names must be the same.
 * @param {string[]} names
 */
function packageRows(names, status, minutes) {
  const tested = workspacePackages().filter(({ manifest }) => manifest.scripts?.test);
  const all = [...new Set([...names, ...tested.map(({ name }) => name)])].sort();
  const result = all.map((name) => {
    const found = tested.find((each) => each.name === name);
    const report = found && join(found.dir, 'report/test.json');
    const counts = report && existsSync(report) ? JSON.parse(readFileSync(report, 'utf8')) : undefined;
    const line = row(name, 0, counts, 0);
    if (!found) line.faults = ['is no package with a test script'];
    else if (!names.includes(name)) line.faults.push(`is missing in ${file}`);
    return line;
  });
  const whole = { passed: 0, failed: 0, skipped: 0, minutes };
  const unseen = status !== 0 && result.every(({ faults }) => faults.length === 0);
  return [{ name: 'all packages', ...whole, faults: unseen ? ['a build or a typecheck failed'] : [] }, ...result];
}

/** Runs a check without standard input; its output is shown indented, so that only the last line of all is a plain one. */
async function run({ command, env, minutes = WATCHDOG_MINUTES }) {
  const child = spawn(command, {
    cwd: root,
    env: { ...process.env, ...env, TURBO_TELEMETRY_DISABLED: '1' },
    shell: true,
    detached: process.platform !== 'win32',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const watchdog = setTimeout(() => {
    console.log(`  gave up after ${minutes} minutes`);
    process.kill(process.platform === 'win32' ? child.pid : -child.pid, 'SIGKILL');
  }, minutes * 60_000);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      output += `${line}\n`;
      console.log(`  ${line}`);
    });
  }
  const status = await new Promise((resolve) => child.once('close', (code, signal) => resolve(code ?? signal)));
  clearTimeout(watchdog);
  return { status, output };
}
