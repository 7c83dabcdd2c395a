// Mutated bodies, seeded, through the service's own dispatch: whatever comes, there is an answer that is no failure of the service's, in
// time, and memory stays level. `fuzz.mjs [BODIES] [SEED] [ROUTE…]`: bodies a descriptor, 5,000 unless said otherwise; further routes of a
// descriptor get a fifth.
import assert from 'node:assert/strict';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { check, finish } from '../../../packages/store/checks/harness.mjs';
import { loadService } from '../../../packages/cli/dist/load-service.js';
import { goodBodies } from './bodies.mjs';

const [bodies = 5000, seed = 20261124] = process.argv.slice(2, 4).map(Number);
const only = process.argv.slice(4);
const app = fileURLToPath(new URL('..', import.meta.url));

/** What a body takes on a machine that others keep busy, the longest of Parquet's aside. */
const WATCHDOG_MS = 60_000;
/** In the place of a status. */
const BROKEN_OFF = 499;
/** Growth, after a first tenth of the bodies and a collection, of what JavaScript holds: of code and caches. */
const ALLOWED_GROWTH = 16 * 2 ** 20;
/** The same of the whole process: what the allocators keep, and libvips, whose cache of results has 50 MiB. */
const ALLOWED_RESIDENT_GROWTH = 256 * 2 ** 20;
/** A route for each descriptor. */
const MAIN = [
  ...[
    'json_zod',
    'json_schema',
    'ndarray',
    'frame',
    'series',
    'text',
    'file',
    'upload',
    'image',
    'form',
    'form_upload',
  ],
  ...['text_stream', 'lines', 'events'],
];

const mebibytes = (bytes) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;

/** Mulberry32: the same bodies for the same seed, on every machine. */
function random(state) {
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

const TOKENS = [
  ...[
    '{',
    '}',
    '[',
    ']',
    '"',
    ',',
    ':',
    '\\',
    '\r\n',
    '\n',
    '\0',
    '-',
    '--',
    'null',
    'true',
    'NaN',
    '1e999',
    '-1',
    '0',
    '1e-7',
    '""',
  ],
  ...[
    '__proto__',
    'constructor',
    '\\u0000',
    '\ud800',
    'Content-Disposition: form-data; name="x"\r\n\r\n',
    '9007199254740993',
    'é',
    "'",
  ],
].map((text) => Buffer.from(text));
const NUMBERS = [0, 1, 127, 128, 255, 2 ** 15, 2 ** 16 - 1, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1];

function mutated(body, next) {
  let bytes = Buffer.from(body);
  for (let times = 1 + (next(2) && next(4)); times > 0; times--) {
    const at = next(bytes.length + 1);
    const length = next(1 + Math.min(64, bytes.length - at));
    switch (next(13)) {
      case 0:
      case 6: // flip a bit
        if (at < bytes.length) bytes[at] ^= 1 << next(8);
        break;
      case 1:
      case 7: // another byte
        if (at < bytes.length) bytes[at] = next(256);
        break;
      case 2:
      case 8: // leave out
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)]);
        break;
      case 3:
      case 9: // say twice
        bytes = Buffer.concat([bytes.subarray(0, at + length), bytes.subarray(at)]);
        break;
      case 4:
      case 10: // put something in
        bytes = Buffer.concat([bytes.subarray(0, at), TOKENS[next(TOKENS.length)], bytes.subarray(at)]);
        break;
      case 5:
      case 11: // a number of four bytes that means much to a binary format
        if (at + 4 <= bytes.length) bytes.writeUInt32LE(NUMBERS[next(NUMBERS.length)], at);
        break;
      default: // cut short
        bytes = bytes.subarray(0, at);
    }
  }
  return bytes;
}

/** In one piece, or in several: chunked, as a client that streams sends. */
function bodyOf(bytes, next) {
  if (next(4) > 0) return bytes;
  const cuts = [next(bytes.length + 1), next(bytes.length + 1)].toSorted((a, b) => a - b);
  const pieces = [bytes.subarray(0, cuts[0]), bytes.subarray(cuts[0], cuts[1]), bytes.subarray(cuts[1])];
  return ReadableStream.from(pieces.filter(({ length }) => length > 0));
}

const problems = [];
process.on('uncaughtException', (error) => problems.push(error));
process.on('unhandledRejection', (error) => problems.push(error));

const { service } = await loadService('src/service.ts:svc', app);
const level = async () => {
  // What a Request holds is let go of by finalizers, which run between turns.
  for (let times = 0; times < 3; times++) {
    await nextTurn();
    globalThis.gc?.();
  }
  const { heapUsed, external, rss } = process.memoryUsage();
  return { held: heapUsed + external, rss };
};

for (const { name, path, seeds } of await goodBodies(service)) {
  if (only.length > 0 && !only.includes(name)) continue;
  const count = Math.ceil(bodies * (MAIN.includes(name) ? 1 : 0.2));
  await check(`${name}: ${count} bodies`, async () => {
    const next = random(seed);
    const statuses = new Map();
    let start;
    for (let i = 0; i < count; i++) {
      const { body, type } = seeds[next(seeds.length)];
      const bytes = i < seeds.length ? seeds[i].body : mutated(body, next);
      const headers = { 'content-type': i < seeds.length ? seeds[i].type : type };
      const request = new Request(`http://service${path}`, {
        method: 'POST',
        body: bodyOf(bytes, next),
        headers,
        duplex: 'half',
      });
      const { status, error } = await answered(service.fetch(request), bytes);
      if (i < seeds.length) assert.equal(status, 200, `a good body of ${seeds[i].type} is refused`);
      const isExpected = status === 200 || (status >= 400 && status < 500);
      assert.ok(isExpected, `${status} for ${bytes.toString('base64')} as ${headers['content-type']}: ${error}`);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      if (i % 100 === 0) await nextTurn();
      if (i === Math.floor(count / 10)) start = await level();
    }
    assert.deepEqual(problems, []);
    const end = await level();
    const [grown, resident] = [end.held - start.held, end.rss - start.rss];
    const counts = [...statuses].map(([status, times]) => `${status}: ${times}`).join(', ');
    console.log(`  ${counts}; memory ${mebibytes(grown)}, of the process ${mebibytes(resident)}`);
    assert.ok(grown < ALLOWED_GROWTH, `what is held has grown by ${grown} bytes`);
    assert.ok(resident < ALLOWED_RESIDENT_GROWTH, `the process has grown by ${resident} bytes`);
    assert.ok(statuses.size > 1 || /^(file|upload)$/.test(name), 'no body was refused');
  });
}

/** The whole answer is read. One that breaks off in the middle is as good as a refusal: its status was sent before. */
async function answered(response, bytes) {
  let timer;
  const hang = new Promise((_, reject) => {
    const message = `no answer within ${WATCHDOG_MS} ms for ${bytes.toString('base64')}`;
    // In two halves: after a machine that slept, an answer that is there has the second to be heard.
    timer = setTimeout(() => {
      timer = setTimeout(() => reject(new Error(message)), WATCHDOG_MS / 2);
    }, WATCHDOG_MS / 2);
  });
  try {
    return await Promise.race([readWhole(response), hang]);
  } finally {
    clearTimeout(timer);
  }
}

async function readWhole(response) {
  const { status, body } = await response;
  let text = '';
  try {
    for await (const chunk of body ?? []) if (text.length < 1000) text += Buffer.from(chunk).toString('latin1');
  } catch (error) {
    return { status: BROKEN_OFF, error };
  }
  return { status, error: status >= 500 ? text : undefined };
}

finish();
