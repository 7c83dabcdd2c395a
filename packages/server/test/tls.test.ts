// HTTPS and certificates of clients, with certificates that openssl makes here.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { request } from 'node:https';
import type { RequestOptions } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { json } from '@ekiben/io-descriptors';
import { Service } from '@ekiben/service';
import { serve } from '../src/index.ts';
import type { RunningServer, ServeOptions, TlsOptions } from '../src/index.ts';

const directory = mkdtempSync(join(tmpdir(), 'ekiben-tls-'));
const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: directory, stdio: 'pipe' });
const read = (name: string) => readFileSync(join(directory, name), 'utf8');

function authority(name: string): void {
  openssl(
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'],
    ...['-subj', `/CN=${name}`, '-keyout', `${name}.key`, '-out', `${name}.crt`],
  );
}

function certificate(name: string, by: string): void {
  openssl(
    ...['req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', `/CN=${name}`],
    ...['-keyout', `${name}.key`, '-out', `${name}.csr`],
  );
  writeFileSync(join(directory, 'ext'), 'subjectAltName=IP:127.0.0.1');
  openssl(
    ...['x509', '-req', '-in', `${name}.csr`, '-CA', `${by}.crt`, '-CAkey', `${by}.key`, '-days', '2'],
    ...['-extfile', 'ext', '-out', `${name}.crt`],
  );
}

beforeAll(() => {
  for (const name of ['root', 'stranger']) authority(name);
  certificate('server', 'root');
  certificate('friend', 'root');
  certificate('foe', 'stranger');
  openssl('pkey', '-in', 'server.key', '-aes256', '-passout', 'pass:secret', '-out', 'locked.key');
});
afterAll(() => rmSync(directory, { recursive: true }));

const server = (): TlsOptions => ({ cert: read('server.crt'), key: read('server.key') });
const withCertificate = (name: string) => ({ cert: read(`${name}.crt`), key: read(`${name}.key`) });

let running: RunningServer | undefined;
afterEach(() => running?.close());

async function start(tls: TlsOptions, options: ServeOptions = {}): Promise<RunningServer> {
  const number = json({ type: 'number' } as const);
  const svc = new Service('s').api('double', { input: number, output: number }, (x) => 2 * x);
  return (running = await serve(svc, { port: 0, graceMs: 1000, ...options, tls }));
}

interface Answer {
  readonly status: number | undefined;
  readonly text: string;
  readonly protocol: string | null;
  readonly cipher: string;
}

function ask({ port }: RunningServer, options: RequestOptions = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const target = { port, host: '127.0.0.1', method: 'POST', path: '/double', ca: read('root.crt'), agent: false };
    const asked = request({ ...target, ...options }, (response) => {
      const socket = response.socket as TLSSocket;
      const [protocol, cipher] = [socket.getProtocol(), socket.getCipher().name];
      let text = '';
      response
        .on('data', (chunk) => (text += chunk))
        .on('end', () => {
          resolve({ status: response.statusCode, text, protocol, cipher });
        });
    });
    asked.on('error', reject).setHeader('content-type', 'application/json');
    asked.end('2');
  });
}

test('serves HTTPS', async () => {
  const running = await start(server());
  expect(running.url).toBe(`https://127.0.0.1:${running.port}`);
  expect(await ask(running)).toMatchObject({ status: 200, text: '4', protocol: 'TLSv1.3' });
});

test('a client that speaks HTTP is turned away, and others go on', async () => {
  const running = await start(server());
  const plain = new Promise((resolve, reject) =>
    get(running.url.replace('https', 'http'), resolve).on('error', reject),
  );
  await expect(plain).rejects.toThrow(/socket hang up|ECONNRESET/);
  expect(await ask(running)).toMatchObject({ status: 200 });
});

test('takes a locked key, and says what is wrong with one', async () => {
  const tls = { ...server(), key: read('locked.key') };
  const running = await start({ ...tls, passphrase: 'secret' });
  expect(await ask(running)).toMatchObject({ status: 200 });
  await expect(start({ ...tls, passphrase: 'wrong' })).rejects.toMatchObject({ code: 'EKIBEN_TLS_INVALID' });
  await expect(start({ cert: 'no', key: 'pem' })).rejects.toMatchObject({ code: 'EKIBEN_TLS_INVALID' });
});

test('heeds the version and the ciphers', async () => {
  const ciphers = 'ECDHE-ECDSA-AES256-GCM-SHA384';
  const old = await start({ ...server(), maxVersion: 'TLSv1.2', ciphers });
  expect(await ask(old)).toMatchObject({ status: 200, protocol: 'TLSv1.2', cipher: ciphers });
  await old.close();
  expect(await ask(await start({ ...server(), ciphers }))).toMatchObject({ protocol: 'TLSv1.3' });
});

describe('certificates of clients', () => {
  const tls = (clientCertificate: 'optional' | 'required') => ({
    ...server(),
    ca: read('root.crt'),
    clientCertificate,
  });

  test('required: only those that the authority has signed', async () => {
    const running = await start(tls('required'));
    expect(await ask(running, withCertificate('friend'))).toMatchObject({ status: 200, text: '4' });
    await expect(ask(running, withCertificate('foe'))).rejects.toThrow();
    await expect(ask(running)).rejects.toThrow();
    expect(await ask(running, withCertificate('friend'))).toMatchObject({ status: 200 });
  });

  test.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'optional, %s: none, or one that the authority has signed',
    async (maxVersion) => {
      const running = await start(tls('optional'));
      const version = { maxVersion, minVersion: maxVersion };
      expect(await ask(running, version)).toMatchObject({ status: 200, protocol: maxVersion });
      expect(await ask(running, { ...version, ...withCertificate('friend') })).toMatchObject({ status: 200 });
      await expect(ask(running, { ...version, ...withCertificate('foe') })).rejects.toThrow();
    },
  );
});
