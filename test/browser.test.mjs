// The documentation in a real Chromium: `npm start` as a newcomer sees it, and an app with every descriptor. Try it out, Execute, the
// answer; also behind a path prefix, and without a request to any other host. Screenshots stay in report/.
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { freePort } from '../packages/store/checks/harness.mjs';
import { launchChromium } from '../scripts/chromium.mjs';
import { root } from '../scripts/workspace.mjs';

jest.setTimeout(300_000); // a watchdog: Chromium may have to be installed

const PREFIX = '/some/prefix';
const home = mkdtempSync(join(tmpdir(), 'ekiben-browser-'));
let browser;

beforeAll(async () => {
  browser = await launchChromium();
});
afterAll(async () => {
  await browser?.close();
  rmSync(home, { recursive: true });
});

describe('npm start', () => {
  let service, proxy;
  beforeAll(async () => {
    service = await start('scripts/start.mjs', '--port', String(await freePort()));
    proxy = await startProxy(service.url, { strips: true });
  });
  afterAll(() => {
    proxy?.server.close();
    service?.child.kill('SIGKILL');
  });

  test.each([
    ['at the root', 'docs', () => service.url],
    ['behind a path prefix', 'docs-behind-prefix', () => proxy.url],
  ])('classify is tried out in Swagger UI %s', async (_where, picture, url) => {
    const { answer, close } = await tryOut(url(), 'classify', picture);
    expect(await answer.innerText()).toMatch(/"Status": "(APPROVED|MAYBE|DECLINED)"/);
    await close();
  });

  test('Ctrl-C ends it with 0', async () => {
    service.child.kill('SIGINT');
    const [code, signal] = await once(service.child, 'exit');
    expect({ code, signal }).toEqual({ code: 0, signal: null });
  });
});

describe('every descriptor', () => {
  let service, stripping, passing;
  beforeAll(async () => {
    service = await start('apps/every-input/checks/served.mjs', PREFIX);
    stripping = await startProxy(service.url, { strips: true });
    passing = await startProxy(service.url, { strips: false });
  });
  afterAll(() => {
    stripping?.server.close();
    passing?.server.close();
    service?.child.kill('SIGKILL');
  });

  describe.each([
    ['at the root', 'root', () => service.url],
    ['behind a proxy that strips the prefix', 'stripped', () => stripping.url],
    ['behind a proxy that leaves the prefix', 'prefixed', () => passing.url],
  ])('%s', (_where, place, url) => {
    test('JSON', async () => {
      const { answer, close } = await tryOut(url(), 'json_zod', `json-${place}`, (operation) =>
        operation.locator('textarea').fill('{ "name": "Grüße 雪", "age": 36 }'),
      );
      expect(await answer.innerText()).toContain('"name": "Grüße 雪"');
      await close();
    });

    test('a form with a file, the rest as it is filled in', async () => {
      const { answer, close } = await tryOut(url(), 'form', `form-${place}`, async (operation) => {
        const field = (name) => operation.locator(`[data-property-name="${name}"]`);
        await field('meta').locator('textarea').fill('{ "name": "Ada", "age": 36 }');
        await field('photos').locator('input[type=file]').setInputFiles(RED);
      });
      const text = await answer.innerText();
      for (const part of ['meta', 'note', 'rows', 'table', 'photos']) expect(text).toContain(`name="${part}"`);
      expect(text).toContain('{"name":"Ada","age":36}');
      await close();
    });

    test('an image, which is shown', async () => {
      const { answer, close } = await tryOut(url(), 'image', `image-${place}`, async (operation) => {
        await operation.locator('select.content-type').first().selectOption('image/png');
        await operation.locator('input[type=file]').setInputFiles(RED);
      });
      const shown = answer.locator('img');
      await shown.waitFor();
      const size = await shown.evaluate(async (image) => {
        await image.decode();
        return [image.naturalWidth, image.naturalHeight];
      });
      expect(size).toEqual([12, 9]);
      await close();
    });
  });
});

/** 12 × 9 pixels. */
const RED = {
  name: 'red.png',
  mimeType: 'image/png',
  buffer: Buffer.from(
    'iVBORw0KGgoAAAANSUhEUgAAAAwAAAAJCAIAAACJ2loDAAAACXBIWXMAAAPoAAAD6AG1e1JrAAAAFElEQVQYlWP4z8BAEDGMKmIgJggAaL1rlYWeSwoAAAAASUVORK5CYII=',
    'base64',
  ),
};

/** Executes a route in the page, filled in by `fill`; the answer has status 200, and nothing came from elsewhere. */
async function tryOut(url, route, picture, fill = async () => {}) {
  const page = await browser.newPage({ viewport: { width: 1280, height: 1600 } });
  const requests = [];
  page.on('request', (sent) => requests.push(sent.url()));

  await page.goto(url);
  const operation = page.locator('.opblock', { has: page.locator(`[data-path="/${route}"]`) });
  await operation.locator('.opblock-summary').click();
  await operation.getByRole('button', { name: 'Try it out' }).click();
  await fill(operation);
  await operation.getByRole('button', { name: 'Execute' }).click();
  const answer = operation.locator('.live-responses-table .response');
  await answer.locator('.response-col_status', { hasText: '200' }).waitFor();

  const close = async () => {
    await operation.screenshot({ path: join(root, `report/${picture}.png`) });
    await page.close();
    expect(requests.filter((sent) => sent === `${url}${route}`)).toHaveLength(1);
    const elsewhere = requests.filter((sent) => !sent.startsWith(url) && !/^(data|blob):/.test(sent));
    expect(elsewhere).toEqual([]);
  };
  return { answer, close };
}

/** A program that says in a line where it serves. */
async function start(script, ...args) {
  const child = spawn(process.execPath, [join(root, script), ...args], {
    cwd: root,
    env: { ...process.env, EKIBEN_HOME: home },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines = [];
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line);
    const [, port] = /\/\/(?:127\.0\.0\.1|localhost):(\d+)/.exec(line) ?? [];
    if (port === undefined) continue;
    child.stdout.resume();
    return { child, url: `http://127.0.0.1:${port}/` };
  }
  throw new Error(`The service did not start:\n${lines.join('\n')}`);
}

/** A reverse proxy, as an ingress is, which knows nothing but what is under the prefix. */
async function startProxy(target, { strips }) {
  const { hostname, port } = new URL(target);
  const server = createServer((incoming, outgoing) => {
    if (!incoming.url.startsWith(`${PREFIX}/`)) return outgoing.writeHead(404).end();
    const { method, headers } = incoming;
    const path = strips ? incoming.url.slice(PREFIX.length) : incoming.url;
    incoming.pipe(
      request({ hostname, port, path, method, headers }, (answer) => {
        answer.pipe(outgoing.writeHead(answer.statusCode, answer.headers));
      }),
    );
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return { server, url: `http://127.0.0.1:${server.address().port}${PREFIX}/` };
}
