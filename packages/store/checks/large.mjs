// A large model of random bytes, out through one pipe and in again, in every format: neither process may need much memory.
//
//   node checks/large.mjs                  512 MiB, and less of the slow formats
//   node checks/large.mjs 5 bentomodel     5 GiB, in one format
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import { closeSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { check, dist, finish, temporary } from './harness.mjs';

const MIB = 1024 ** 2;
const LIMIT_MIB = 200;
const gib = Number(process.argv[2] ?? 0);
const large = gib === 0 ? 512 * MIB : gib * 1024 * MIB;
/** xz and bzip2 do a few megabytes a second; what they hold is some blocks, however many there are. */
const FORMATS = { tar: large, gz: large, zip: large, bentomodel: gib === 0 ? 96 * MIB : large, bz2: 32 * MIB };

const { ModelStore } = await import(new URL('index.js', dist));
const work = temporary();

/** Does one thing and says how much memory it took. */
const script = join(work, 'step.mjs');
writeFileSync(
  script,
  `import { ModelStore } from ${JSON.stringify(new URL('index.js', dist).href)};
   const [step, home, format] = process.argv.slice(2);
   const store = new ModelStore(home);
   if (step === 'export') await store.export('large', '-', { format, level: 1 });
   else await store.import('-');
   process.stderr.write('MAXRSS ' + process.resourceUsage().maxRSS);`,
);

/** @returns {Promise<{ mib: number }>} */
function step(args, stdio) {
  const child = spawn(process.execPath, [script, ...args], { stdio });
  let errors = '';
  child.stderr.on('data', (chunk) => (errors += chunk));
  const ended = new Promise((resolve, reject) => {
    child.on('close', (status) => {
      const [, kib] = /MAXRSS (\d+)$/.exec(errors) ?? [];
      if (status === 0 && kib !== undefined) resolve({ mib: Number(kib) / 1024 });
      else reject(new Error(`${args.join(' ')} ended with ${status}: ${errors}`));
    });
  });
  return Object.assign(ended, { child });
}

const homes = new Map();
const wanted = process.argv.slice(3);
for (const [format, size] of Object.entries(FORMATS)) {
  if (wanted.length > 0 && !wanted.includes(format)) continue;
  let source = homes.get(size);
  if (source === undefined) {
    source = temporary();
    homes.set(size, source);
    await new ModelStore(source).create('large:v1', async ({ dir }) => {
      const file = openSync(join(dir, 'weights.bin'), 'w');
      const noise = Buffer.alloc(MIB);
      for (let written = 0; written < size; written += MIB) writeSync(file, randomFillSync(noise));
      closeSync(file);
    });
  }
  await check(`${size / MIB} MiB as ${format} through a pipe, below ${LIMIT_MIB} MiB on both sides`, async () => {
    const target = temporary();
    const start = performance.now();
    const exporting = step(['export', source, format], ['ignore', 'pipe', 'pipe']);
    const importing = step(['import', target], [exporting.child.stdout, 'ignore', 'pipe']);
    exporting.child.stdout.destroy();
    const [out, back] = await Promise.all([exporting, importing]);
    const seconds = (performance.now() - start) / 1000;
    console.log(
      `  out ${out.mib.toFixed(0)} MiB, in ${back.mib.toFixed(0)} MiB, ${(size / MIB / seconds).toFixed(1)} MiB/s`,
    );
    assert.ok(out.mib < LIMIT_MIB, `the export took ${out.mib.toFixed(0)} MiB`);
    assert.ok(back.mib < LIMIT_MIB, `the import took ${back.mib.toFixed(0)} MiB`);
    const store = new ModelStore(target);
    const [listed] = await store.list();
    assert.ok(listed.size > size);
    // What came in was hashed on the way; the two stores agree on it.
    const digests = (home) => new ModelStore(home).verify('large');
    assert.deepEqual(await digests(target), await digests(source));
    await store.delete('large');
  });
}

finish();
