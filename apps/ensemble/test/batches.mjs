// Loaded into the process that serves: prints the batches that its workers run.
import { subscribe } from 'node:diagnostics_channel';

subscribe('ekiben:runners:batch', (batch) => console.log(`BATCH ${JSON.stringify(batch)}`));
