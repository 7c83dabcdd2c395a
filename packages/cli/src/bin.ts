#!/usr/bin/env node
import { run } from './program.ts';

// Who stops reading, as `| head` does, does not stop the work: what is deleted or imported is, without a word.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') return;
    if (stream === process.stdout) console.error(`Error: the output cannot be written: ${error.message}`);
    process.exit(1);
  });
}

process.exitCode = await run(process.argv.slice(2));
