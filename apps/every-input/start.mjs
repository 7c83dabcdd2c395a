// Serves the routes on port 3000.
import { fileURLToPath } from 'node:url';
import { run } from 'ekiben/cli';

process.chdir(fileURLToPath(new URL('.', import.meta.url)));
process.exitCode = await run(['serve', 'src/service.ts:svc', ...process.argv.slice(2)]);
