// Takes traces as a collector does, and forgets them.
import { createServer } from 'node:http';

const answer = { 'content-type': 'application/x-protobuf' };
const sink = createServer((request, response) => {
  request.resume().once('end', () => response.writeHead(200, answer).end());
}).listen(0, '127.0.0.1', () => process.send(sink.address().port));
process.once('disconnect', () => process.exit());
