// Answers some requests with the access log on; argument: its options as JSON, and those of tracing.
import { json } from '@ekiben/io-descriptors';
import { serve } from '@ekiben/server';
import { Service } from '@ekiben/service';
import * as z from 'zod';

const { accessLog, ...options } = JSON.parse(process.argv[2] ?? '{}');
const svc = new Service('echo').api('echo', { input: json(z.string()), output: json(z.string()) }, (word) => word);
const server = await serve(svc, { port: 0, accessLog: { ...accessLog }, ...options });
const headers = {
  'content-type': 'application/json',
  'x-request-id': 'mine',
  traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
};
const answer = await fetch(`${server.url}/echo`, { method: 'POST', headers, body: '"x"' });
await answer.text();
for (const path of ['/nowhere', '/livez', '/metrics']) await (await fetch(server.url + path)).text();
await server.close();
process.stderr.write(JSON.stringify([...answer.headers]));
