// `npm start`: from a clean clone to the credit-risk service on port 3000, one line of progress per step.
// Options go to `ekiben serve`: `npm start -- --port 3001`.
import { pnpm } from './pnpm.mjs';

const quietly = { stdio: ['ignore', 'pipe', 'pipe'], encoding: 'utf8' };

step(1, 'Installing the dependencies', ['install', '--frozen-lockfile', '--prefer-offline']);
step(2, 'Building the packages', [
  'exec',
  'turbo',
  'run',
  'build',
  '--filter=credit-risk...',
  '--output-logs=errors-only',
]);
console.log('3/3 Starting apps/credit-risk');
await import('../apps/credit-risk/start.mjs');

function step(number, title, args) {
  process.stdout.write(`${number}/3 ${title} … `);
  const started = Date.now();
  const { status, output } = pnpm(args, quietly);
  if (status !== 0) {
    console.log('failed');
    console.error(output);
    process.exit(1);
  }
  console.log(`done in ${((Date.now() - started) / 1000).toFixed(1)} s`);
}
