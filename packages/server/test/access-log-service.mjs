// Answers two requests with the access log on.
import { json } from '@ekiben/io-descriptors';
import { serve } from '@ekiben/server';
import { Service } from '@ekiben/service';
import * as z from 'zod';

const svc = new Service('echo').api('echo', { input: json(z.string()), output: json(z.string()) }, (word) => word);
const server = await serve(svc, { port: 0, accessLog: true });
const headers = { 'content-type': 'application/json', 'x-request-id': 'mine' };
await (await fetch(`${server.url}/echo`, { method: 'POST', headers, body: '"x"' })).text();
await (await fetch(`${server.url}/nowhere`)).text();
await server.close();
