// Archives from the web: size, redirects, and addresses that are nobody else's business.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { globalAgent } from 'node:https';
import { pack } from 'tar-stream';
import { ModelStore, type HttpsOptions } from '../src/index.ts';
import { isPrivate } from '../src/transport/https.ts';
import { filesIn, fixture, temporary } from './support.ts';

const archive = readFileSync(fixture('archives/credit_risk_model.bentomodel'));
let server: Server;
let origin: string;
let other: Server;
const requests: string[] = [];

const routes: Readonly<Record<string, (request: IncomingMessage, response: ServerResponse) => unknown>> = {
  '/model': (_, response) => response.end(archive),
  '/model?v=1': (_, response) => response.end(archive),
  '/endless': async (_, response) => {
    const packing = pack();
    packing.entry({ name: 'weights.bin', size: 1e12 });
    for await (const header of packing as AsyncIterable<Uint8Array>) {
      response.write(header);
      break;
    }
    const more = () => {
      while (!response.destroyed && response.write(archive));
    };
    response.on('drain', more);
    more();
  },
  '/short': (_, response) => {
    response.writeHead(200, { 'content-length': archive.length });
    response.write(archive.subarray(0, 1000), () => response.destroy());
  },
  '/silent': () => {},
  '/missing': (_, response) => response.writeHead(404).end('no'),
  '/same': (_, response) => response.writeHead(302, { location: '/model' }).end(),
  '/loop': (_, response) => response.writeHead(302, { location: '/loop' }).end(),
  '/to-http': (_, response) => response.writeHead(302, { location: `${origin.replace('https', 'http')}/model` }).end(),
  '/to-file': (_, response) => response.writeHead(302, { location: 'file:///etc/passwd' }).end(),
  '/to-address': (_, response) =>
    response.writeHead(302, { location: `https://127.0.0.1:${portOf(other)}/model` }).end(),
  '/to-mapped': (_, response) =>
    response.writeHead(302, { location: `https://[::ffff:127.0.0.1]:${portOf(other)}/model` }).end(),
  '/to-name': (_, response) => response.writeHead(302, { location: `https://localhost:${portOf(other)}/model` }).end(),
  '/to-metadata': (_, response) =>
    response.writeHead(307, { location: 'https://169.254.169.254/latest/meta-data/' }).end(),
  '/to-nothing': (_, response) => response.writeHead(302, { location: 'https://' }).end(),
};

beforeAll(async () => {
  const dir = temporary();
  const openssl =
    'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1';
  execFileSync('openssl', [...openssl.split(' '), '-keyout', join(dir, 'key'), '-out', join(dir, 'cert')], {
    stdio: 'ignore',
  });
  const [key, cert] = [readFileSync(join(dir, 'key')), readFileSync(join(dir, 'cert'))];
  globalAgent.options.ca = [...rootCertificates, cert.toString()];
  server = createServer({ key, cert }, (request, response) => routes[request.url ?? '']?.(request, response));
  other = createServer({ key, cert }, (request, response) => {
    requests.push(request.url ?? '');
    response.end(archive);
  });
  for (const each of [server, other]) await new Promise<void>((resolve) => each.listen(0, '127.0.0.1', resolve));
  origin = `https://localhost:${portOf(server)}`;
});
afterAll(() => {
  for (const each of [server, other]) {
    each.closeAllConnections();
    each.close();
  }
});

function portOf(each: Server): number {
  return (each.address() as AddressInfo).port;
}

async function load(path: string, https: HttpsOptions = {}, signal?: AbortSignal) {
  const home = temporary();
  try {
    return await new ModelStore(home).import(`${origin}${path}`, { https, signal });
  } finally {
    const left = (await filesIn(home)).filter((file) => file.includes('drafts'));
    expect(left).toEqual([]);
  }
}

describe('an archive at an address', () => {
  test.each(['/model', '/model?v=1', '/same'])('%s is imported', async (path) => {
    expect(await load(path)).toMatchObject({ tag: 'credit_risk_model:sizn5hxhsk3i4ax4', outcome: 'added' });
  });

  test.each([
    ['/missing', 'EKIBEN_DOWNLOAD_FAILED', /answered 404/],
    ['/short', 'EKIBEN_DOWNLOAD_FAILED', /could not be read/],
    ['/loop', 'EKIBEN_DOWNLOAD_REFUSED', /more than 5 times/],
    ['/to-http', 'EKIBEN_DOWNLOAD_REFUSED', /redirects to http:\/\/, which is not https/],
    ['/to-file', 'EKIBEN_DOWNLOAD_REFUSED', /redirects to file:\/\//],
    ['/to-address', 'EKIBEN_DOWNLOAD_REFUSED', /private address/],
    ['/to-mapped', 'EKIBEN_DOWNLOAD_REFUSED', /private address/],
    ['/to-name', 'EKIBEN_DOWNLOAD_REFUSED', /private address/],
    ['/to-metadata', 'EKIBEN_DOWNLOAD_REFUSED', /private address/],
    ['/to-nothing', 'EKIBEN_DOWNLOAD_REFUSED', /not an address/],
  ])('%s is refused', async (path, code, message) => {
    await expect(load(path)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
    expect(requests).toEqual([]);
  });

  test('that is too large is refused, whether it says so or not', async () => {
    await expect(load('/model', { maxBytes: 1000 })).rejects.toMatchObject({
      code: 'EKIBEN_DOWNLOAD_REFUSED',
      message: expect.stringContaining('limit of 1000'),
    });
    await expect(load('/endless', { maxBytes: 5_000_000 })).rejects.toMatchObject({
      code: 'EKIBEN_DOWNLOAD_REFUSED',
      message: expect.stringContaining('limit of 5000000'),
    });
  });

  test('that never answers, or whose certificate is not trusted, is an error', async () => {
    await expect(load('/silent', { idleTimeoutMs: 50 })).rejects.toMatchObject({
      code: 'EKIBEN_DOWNLOAD_FAILED',
      message: expect.stringContaining('50 ms'),
    });
    await expect(load('/silent', {}, AbortSignal.timeout(50))).rejects.toMatchObject({ name: 'TimeoutError' });
    globalAgent.options.ca = [...rootCertificates];
    globalAgent.destroy();
    await expect(load('/model')).rejects.toMatchObject({
      code: 'EKIBEN_DOWNLOAD_FAILED',
      message: expect.stringContaining('certificate'),
    });
  });
});

describe('an address is private', () => {
  test.each([
    ['127.0.0.1', true],
    ['10.1.2.3', true],
    ['172.16.0.1', true],
    ['172.32.0.1', false],
    ['192.168.1.1', true],
    ['169.254.169.254', true],
    ['100.64.0.1', true],
    ['0.0.0.0', true],
    ['224.0.0.1', true],
    ['255.255.255.255', true],
    ['1.1.1.1', false],
    ['::', true],
    ['::1', true],
    ['fe80::1%eth0', true],
    ['fd00::1', true],
    ['ff02::1', true],
    ['2606:4700:4700::1111', false],
    ['::ffff:10.0.0.1', true],
    ['::ffff:1.1.1.1', false],
    ['64:ff9b::10.0.0.1', true],
    ['64:ff9b::101:101', false],
    ['2002:7f00:1::1', true],
    ['2002:101:101::1', false],
  ])('%s: %s', (address, expected) => expect(isPrivate(address)).toBe(expected));
});
