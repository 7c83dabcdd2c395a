// The client in a real Chromium, in a page of another origin than the service's, which lets that origin call it. The page has the client
// as a bundler makes it; what a case does runs there, and what the service saw of it is asked here.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { eventStream, file, json, multipart, ndjson, text } from '@ekiben/io-descriptors';
import { serve } from '@ekiben/server';
import { Service } from '@ekiben/service';
import { build } from 'esbuild';
import * as z from 'zod';
import { launchChromium } from '../../../scripts/chromium.mjs';
import { check, finish } from '../../store/checks/harness.mjs';

/** The reasons for which the signals of handlers that wait were aborted. */
const aborted = [];
let refusals = 2;
const Nothing = json(z.null());

const svc = new Service('all')
  .api('decide', { input: json(z.object({ income: z.number() })), output: json(z.string()) }, ({ income }) =>
    income > 1000 ? 'APPROVED' : 'DECLINED',
  )
  .api('reverse', { input: file(), output: file() }, ({ bytes }) => ({ bytes: bytes.toReversed() }))
  .api('measure', { input: multipart({ note: text(), data: file() }), output: json(z.string()) }, ({ note, data }) =>
    [note, data.name, data.bytes.length].join(' '),
  )
  .api('events', { input: json(z.int()), output: eventStream(z.int()) }, async function* (count) {
    for (let i = 0; i < count; i++) yield { data: i, event: 'tick' };
  })
  .api('lines', { input: Nothing, output: ndjson(z.int()) }, async function* (_, { signal }) {
    signal.addEventListener('abort', () => aborted.push(signal.reason.code));
    for (let i = 0; ; i++) yield i;
  })
  .api('total', { input: ndjson(z.int()), output: json(z.int()) }, async (numbers) => {
    let sum = 0;
    for await (const number of numbers) sum += number;
    return sum;
  })
  .api('hang', { input: Nothing, output: Nothing }, (_, { signal }) => {
    signal.addEventListener('abort', () => aborted.push(signal.reason.code));
    return new Promise(() => {});
  })
  .api('busy', { input: Nothing, output: text() }, (_, { response }) => {
    if (refusals-- <= 0) return 'at last';
    response.headers.set('retry-after', '0');
    throw Object.assign(new Error('busy'), { expose: true, status: 503 });
  });

const { outputFiles } = await build({
  entryPoints: [fileURLToPath(import.meta.resolve('@ekiben/client'))],
  bundle: true,
  format: 'esm',
  platform: 'browser',
  write: false,
});
const PAGE =
  '<!doctype html><script type="module">import * as ekiben from "/client.js"; Object.assign(window, ekiben)</script>';
const pages = createServer((request, response) => {
  if (request.url === '/') return response.setHeader('content-type', 'text/html').end(PAGE);
  return response.setHeader('content-type', 'text/javascript').end(outputFiles[0].contents);
});
await once(pages.listen(0, '127.0.0.1'), 'listening');
const origin = `http://127.0.0.1:${pages.address().port}`;
const cors = { origins: [origin], methods: ['POST'], exposeHeaders: ['retry-after'] };
const server = await serve(svc, { port: 0, cors });

const browser = await launchChromium();
const page = await browser.newPage();
await page.goto(origin);
await page.evaluate((url) => {
  window.service = window.client(url);
  window.failure = (error) => ({ name: error.name, code: error.code, message: error.message, ...error.details });
}, server.url);

/** Waits for the service to notice that a client has left. */
async function noticed(count) {
  while (aborted.length < count) await new Promise(setImmediate);
  return aborted.splice(0);
}

await check('JSON', async () => {
  assert.equal(await page.evaluate(() => window.service.decide({ income: 1200 })), 'APPROVED');
});

await check('a problem has its code and every fault', async () => {
  const found = await page.evaluate(() => window.service.decide({ income: 'much' }).catch(window.failure));
  assert.equal(found.code, 'EKIBEN_INVALID_INPUT');
  assert.deepEqual([found.status, found.errors.map(({ pointer }) => pointer)], [400, ['/income']]);
});

await check('bytes, and a Blob', async () => {
  const found = await page.evaluate(async () => [
    [...(await window.service.reverse(new Uint8Array([1, 2, 255])))],
    [...(await window.service.reverse(new Blob([new Uint8Array([4, 5])])))],
  ]);
  assert.deepEqual(found, [
    [255, 2, 1],
    [5, 4],
  ]);
});

await check('a form with a File', async () => {
  const send = () => window.service.measure({ note: 'grüße', data: new File(['four'], 'a.txt') });
  assert.equal(await page.evaluate(send), 'grüße a.txt 4');
});

await check('server-sent events, one by one', async () => {
  const found = await page.evaluate(async () => {
    const events = [];
    for await (const event of window.service.events.stream(3)) events.push(event);
    return events;
  });
  assert.deepEqual(
    found,
    [0, 1, 2].map((data) => ({ event: 'tick', data })),
  );
});

await check('a stream without end, which the reader leaves', async () => {
  const sum = await page.evaluate(async () => {
    let total = 0;
    for await (const line of window.service.lines.stream(null)) if ((total += line) > 1000) return total;
  });
  assert.equal(sum, 1035);
  assert.deepEqual(await noticed(1), ['EKIBEN_CLIENT_CLOSED']);
});

await check('a stream that goes in, which browsers send by HTTP/2 only', async () => {
  const found = await page.evaluate(async () => {
    async function* numbers() {
      for (let i = 1; i <= 4; i++) yield i;
    }
    return window.service.total(numbers()).catch(window.failure);
  });
  assert.equal(found.code, 'EKIBEN_CLIENT_CONNECTION');
});

await check('abort: the call rejects with the reason, and the service is told', async () => {
  const found = await page.evaluate(async () => {
    const stop = new AbortController();
    const call = window.service.hang(null, { signal: stop.signal });
    setTimeout(() => stop.abort(new TypeError('enough')), 200);
    return call.catch(window.failure);
  });
  assert.deepEqual([found.name, found.message], ['TypeError', 'enough']);
  assert.deepEqual(await noticed(1), ['EKIBEN_CLIENT_CLOSED']);
});

await check('deadline: the call rejects, and the service is told', async () => {
  const found = await page.evaluate(() => window.service.hang(null, { timeoutMs: 200 }).catch(window.failure));
  assert.equal(found.code, 'EKIBEN_DEADLINE_EXCEEDED');
  assert.deepEqual(await noticed(1), ['EKIBEN_CLIENT_CLOSED']);
});

await check('503 with Retry-After is tried again', async () => {
  assert.equal(await page.evaluate(() => window.service.busy(null)), 'at last');
});

await check('a service that is not there', async () => {
  const found = await page.evaluate(async () => {
    return window.client('http://127.0.0.1:1', { retries: 0 }).decide(null).catch(window.failure);
  });
  assert.equal(found.code, 'EKIBEN_CLIENT_CONNECTION');
});

await check('an origin that is not let in', async () => {
  const stranger = await serve(svc, { port: 0, cors: { origins: ['https://other.example'] } });
  const found = await page.evaluate(async (url) => {
    return window.client(url, { retries: 0 }).decide({ income: 1 }).catch(window.failure);
  }, stranger.url);
  assert.equal(found.code, 'EKIBEN_CLIENT_CONNECTION');
  await stranger.close();
});

await browser.close();
pages.close();
await server.close();
finish();
