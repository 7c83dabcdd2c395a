// `pnpm bench NAME [args]` runs benchmarks/NAME.mjs, which exports `run(args)`; without a name it lists what there is.
import { readdirSync } from 'node:fs';
import { VoidRun } from './harness.mjs';

const notBenchmarks = ['run.mjs', 'harness.mjs', 'load.mjs'];
const names = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith('.mjs') && !notBenchmarks.includes(file))
  .map((file) => file.slice(0, -'.mjs'.length));

const [name, ...args] = process.argv.slice(2);
if (name === undefined || !names.includes(name)) {
  console.error(name === undefined ? 'usage: pnpm bench NAME [--quick]' : `There is no benchmark "${name}".`);
  console.error(`Benchmarks: ${names.join(', ') || 'none yet'}`);
  process.exit(name === undefined ? 0 : 2);
}

const benchmark = await import(`./${name}.mjs`);
try {
  await benchmark.run(args);
} catch (error) {
  if (!(error instanceof VoidRun)) throw error;
  console.error(`void: ${error.message}`);
  process.exitCode = 1;
}
