// The baseline of the transport: what comes on a Unix socket is sent back, byte by byte as it came. Nothing less can be a server.
import { createServer } from 'node:net';

createServer((socket) => {
  socket.on('data', (chunk) => socket.write(chunk));
}).listen(process.argv[2], () => process.send('ready'));

process.on('message', () => process.send(process.cpuUsage()));
process.on('disconnect', () => process.exit());
