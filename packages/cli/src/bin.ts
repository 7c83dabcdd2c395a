#!/usr/bin/env node
import * as nodeModule from 'node:module';
import process from 'node:process';

// Who stops reading, as `| head` does, does not stop the work: what is deleted or imported is, without a word.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') return;
    if (stream === process.stdout) console.error(`Error: the output cannot be written: ${error.message}`);
    process.exit(1);
  });
}

interface CompileCache {
  enableCompileCache?(): { readonly directory?: string };
}

// Node 22 keeps what it has compiled, for the next start and for the processes that are started from here.
const { directory } = (nodeModule as CompileCache).enableCompileCache?.() ?? {};
if (directory !== undefined) process.env['NODE_COMPILE_CACHE'] ??= directory;

// Only now, or it would be compiled before.
const { run } = await import('./program.ts');
process.exitCode = await run(process.argv.slice(2));

/** For what a command leaves to be done last, such as removing what it unpacked. */
const LAST_STEPS_MS = 500;
// A service that was loaded may have timers and connections of its own, which would keep the process for ever.
setTimeout(() => process.exit(), LAST_STEPS_MS).unref();
