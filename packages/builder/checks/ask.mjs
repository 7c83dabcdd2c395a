// Runs inside of a namespace without a network: starts a server, asks it the 3,000 applications, prints what it answered.
// Argument: { args, hide } as JSON; a directory in `hide` is covered by an empty one, as if it were deleted.
import { connect } from 'node:net';
import { expectedAnswers, post, startServer } from './projects.mjs';

const { args, hide } = JSON.parse(process.argv[2]);
const applications = expectedAnswers().map(({ application }) => application);

/** An address that is on the public internet answers, refuses, or cannot be reached at all. */
const network = await new Promise((resolve) => {
  const socket = connect(443, '1.1.1.1');
  socket.on('connect', () => resolve('there'));
  socket.on('error', ({ code }) => resolve(['ENETUNREACH', 'EHOSTUNREACH'].includes(code) ? 'none' : code));
});

const mounts = hide.map((directory) => `mount -t tmpfs none '${directory}' && `).join('');
const covered = ['--mount', 'sh', '-c', `${mounts}exec "$0" "$@"`, process.execPath];
const running = await startServer('unshare', [...covered, ...args, '--port', '0']);
const statuses = [];
for (let at = 0; at < applications.length; at += 50) {
  const some = applications.slice(at, at + 50);
  statuses.push(...(await Promise.all(some.map(async (each) => (await post(`${running.url}/classify`, each)).Status))));
}
const [code] = await running.stop();
if (code !== 0) throw new Error(`the server ended with ${code}`);
console.log(JSON.stringify({ network, statuses }));
