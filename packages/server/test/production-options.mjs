// Serves from several processes on a Unix socket, under a prefix, with the access log on; asks it, and ends. Argument: the socket.
import { once } from 'node:events';
import { request } from 'node:http';
import { fileURLToPath } from 'node:url';
import { serveProduction } from '@ekiben/server';

const [, , unixSocket] = process.argv;
const module = fileURLToPath(new URL('hooks-service.mjs', import.meta.url));

const server = await serveProduction({ module, unixSocket, apiWorkers: 2, pathPrefix: '/models/hooks', accessLog: {} });
const pids = [];
for (let i = 0; i < 4; i += 1) pids.push(await ask('/models/hooks/pid'));
process.stdout.write(`${JSON.stringify({ url: server.url, pids })}\n`);
await server.close();

/** Over a connection of its own. */
async function ask(path) {
  const headers = { 'content-type': 'application/json', connection: 'close' };
  const [answer] = await once(
    request({ socketPath: unixSocket, path, method: 'POST', headers }).end('null'),
    'response',
  );
  let text = '';
  for await (const chunk of answer) text += chunk;
  return JSON.parse(text);
}
