// numpy, pandas, Pillow and requests send every format of every descriptor to the app as it is served, and read what comes back: equal
// both ways. The cases are in python_peers.py, which prints the closing line.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { virtualEnvironment } from '../../../packages/store/checks/python.mjs';

const PINS = ['numpy==2.4.6', 'pandas==3.1.1', 'pyarrow==26.0.1', 'Pillow==13.0.0', 'requests==2.34.2'];

const app = fileURLToPath(new URL('..', import.meta.url));
const bin = fileURLToPath(import.meta.resolve('ekiben')).replace(/index\.js$/, 'bin.js');
const venv = virtualEnvironment(PINS);
const server = spawn(process.execPath, [bin, 'serve', 'src/service.ts:svc', '--port', '0'], {
  cwd: app,
  stdio: ['ignore', 'pipe', 'inherit'],
});
process.on('exit', () => server.kill());
const url = await new Promise((resolve, reject) => {
  server.once('exit', (code) => reject(new Error(`the server ended with ${code}`)));
  createInterface({ input: server.stdout }).on('line', (line) => {
    const [found] = /http:\/\/\S+/.exec(line) ?? [];
    if (found !== undefined) resolve(found);
  });
});
const python = spawn(join(venv, 'bin', 'python'), ['checks/python_peers.py', url], { cwd: app, stdio: 'inherit' });
[process.exitCode] = await once(python, 'exit');
server.kill();
