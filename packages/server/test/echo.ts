/** A service that says what it hears, and servers that end with the test that started them. */
import { afterEach } from '@jest/globals';
import * as z from 'zod';
import { json } from '@ekiben/io-descriptors';
import { Service } from '@ekiben/service';
import { serve } from '../src/index.ts';
import type { RunningServer, ServeOptions } from '../src/index.ts';

export const Word = { input: json(z.string()), output: json(z.string()) };
export const echo = new Service('echo').api('echo', Word, (word) => word);

const running: RunningServer[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.close()));
});

export async function start(service: Parameters<typeof serve>[0], options: ServeOptions = {}): Promise<RunningServer> {
  const server = await serve(service, { port: 0, ...options });
  running.push(server);
  return server;
}
