// `npm test`: installs, builds, checks types and runs the tests of every package through turbo, then sums their counts.
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { plainLine, sum } from './counts.mjs';
import { install, pnpm } from './pnpm.mjs';
import { workspacePackages } from './workspace.mjs';

if (install() !== 0) process.exit(1);
const tested = workspacePackages().filter(({ manifest }) => manifest.scripts?.test);
const reportOf = ({ dir }) => join(dir, 'report/test.json');
for (const each of tested) rmSync(reportOf(each), { force: true });

const { status } = pnpm(['exec', 'turbo', 'run', 'build', 'typecheck', 'test', '--continue=dependencies-successful']);

const counts = [];
console.log('');
for (const each of tested) {
  const found = existsSync(reportOf(each)) ? JSON.parse(readFileSync(reportOf(each), 'utf8')) : undefined;
  console.log(`${each.name.padEnd(28)} ${found ? plainLine(found) : 'did not run'}`);
  counts.push(found ?? { passed: 0, failed: 1, skipped: 0 });
}
const total = sum(counts);
if (status !== 0 && total.failed === 0) total.failed = 1; // a build or a typecheck
console.log(plainLine(total));
process.exitCode = status !== 0 || total.failed > 0 ? 1 : 0;
