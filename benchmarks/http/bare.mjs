// The baseline: what node:http itself costs. Parses the same JSON, answers a fixed JSON, and does nothing else.
import { createServer } from 'node:http';

const answer = JSON.stringify({ Status: 'APPROVED' });
const head = ['content-type', 'application/json', 'content-length', Buffer.byteLength(answer)];

createServer((request, response) => {
  if (request.method !== 'POST') return void response.writeHead(405).end();
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    const body = chunks.length === 1 ? chunks[0] : Buffer.concat(chunks);
    const application = JSON.parse(body.toString());
    response.writeHead(typeof application === 'object' ? 200 : 400, head);
    response.end(answer);
  });
}).listen(Number(process.env.PORT), '127.0.0.1');

process.once('SIGTERM', () => process.exit());
