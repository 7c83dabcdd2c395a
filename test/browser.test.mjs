// `npm start` as a newcomer sees it, in a real Chromium: the documentation page, Try it out, Execute, the answer; also behind a
// path prefix, and without a request to any other host. Screenshots stay in report/.
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { chromium } from 'playwright-core';
import { root } from '../scripts/workspace.mjs';

jest.setTimeout(300_000); // a watchdog: Chromium may have to be installed

const PREFIX = '/some/prefix';
const home = mkdtempSync(join(tmpdir(), 'ekiben-browser-'));
let browser, service, proxy;

beforeAll(async () => {
  const args = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'];
  const quiet = ['--disable-background-networking', '--disable-component-update', '--disable-sync'];
  browser = await chromium.launch({ executablePath: findChromium(), args: [...args, ...quiet] });
  service = await start();
  proxy = await prefixProxy(service.port);
});

afterAll(async () => {
  await browser?.close();
  proxy?.server.close();
  service?.child.kill('SIGKILL');
  rmSync(home, { recursive: true });
});

test.each([
  ['at the root', 'docs', () => `http://127.0.0.1:${service.port}/`],
  ['behind a path prefix', 'docs-behind-prefix', () => `http://127.0.0.1:${proxy.port}${PREFIX}/`],
])('classify is tried out in Swagger UI %s', async (_where, picture, url) => {
  const page = await browser.newPage({ viewport: { width: 1280, height: 1600 } });
  const requests = [];
  page.on('request', (sent) => requests.push(sent.url()));

  await page.goto(url());
  const operation = page.locator('.opblock', { hasText: '/classify' }).first();
  await operation.locator('.opblock-summary').click();
  await operation.getByRole('button', { name: 'Try it out' }).click();
  await operation.getByRole('button', { name: 'Execute' }).click();
  const answer = operation.locator('.live-responses-table .response');
  await answer.locator('.response-col_status', { hasText: '200' }).waitFor();
  expect(await answer.innerText()).toMatch(/"Status": "(APPROVED|MAYBE|DECLINED)"/);

  await page.screenshot({ path: join(root, `report/${picture}.png`), fullPage: true });
  await page.close();
  expect(requests.filter((sent) => sent.endsWith('/classify'))).toHaveLength(1);
  expect(requests.filter((sent) => !sent.startsWith(url()) && !sent.startsWith('data:'))).toEqual([]);
});

test('Ctrl-C ends it with 0', async () => {
  service.child.kill('SIGINT');
  const [code, signal] = await once(service.child, 'exit');
  expect({ code, signal }).toEqual({ code: 0, signal: null });
});

/** `npm start` on a free port; done when it says where to look. */
async function start() {
  const port = await freePort();
  const script = join(root, 'scripts/start.mjs');
  const child = spawn(process.execPath, [script, '--port', String(port)], {
    cwd: root,
    env: { ...process.env, EKIBEN_HOME: home },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines = [];
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line);
    if (line.includes(`:${port}`)) {
      child.stdout.resume();
      return { child, port };
    }
  }
  throw new Error(`The service did not start:\n${lines.join('\n')}`);
}

/** A reverse proxy that strips the prefix, as an ingress does, and knows no other path. */
async function prefixProxy(port) {
  const server = createServer((incoming, outgoing) => {
    if (!incoming.url.startsWith(`${PREFIX}/`)) return outgoing.writeHead(404).end();
    const { method, headers } = incoming;
    const path = incoming.url.slice(PREFIX.length);
    incoming.pipe(
      request({ port, host: '127.0.0.1', path, method, headers }, (answer) => {
        answer.pipe(outgoing.writeHead(answer.statusCode, answer.headers));
      }),
    );
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return { server, port: server.address().port };
}

async function freePort() {
  const server = createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function findChromium() {
  const places = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
  const found = places.find((place) => place && existsSync(place));
  if (found) return found;
  if (!process.env.CI) throw new Error('No Chromium: install it, or say where it is by CHROMIUM=…');
  const apt = (...args) => execFileSync('apt-get', ['-q', '-y', ...args], { stdio: ['ignore', 'inherit', 'inherit'] });
  apt('update');
  apt('install', '--no-install-recommends', 'chromium');
  return '/usr/bin/chromium';
}
