// Started by a test: tells when this process has loaded Express.
import { createRequire } from 'node:module';
import { json } from '@ekiben/io-descriptors';
import { Service } from '@ekiben/service';
import { serve } from '@ekiben/server';

const { cache } = createRequire(import.meta.url);
const hasExpress = () => Object.keys(cache).some((file) => file.includes('/node_modules/express/'));

const service = new Service('s').api('same', { input: json({}), output: json({}) }, (value) => value);
const server = await serve(service, { port: 0 });
const started = hasExpress();
await fetch(`${server.url}/same`, { method: 'POST', body: '1' });
const classified = hasExpress();
await fetch(`${server.url}/`);
const visited = hasExpress();
await server.close();
console.log(JSON.stringify({ started, classified, visited }));
