// What descriptors cost over the libraries that they stand on: JSON over JSON.parse and the schema library, images over sharp; whether a
// .npy file is copied, and how much memory an upload of 1 GiB takes.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Ajv2020 } from 'ajv/dist/2020.js';
import sharp from 'sharp';
import * as z from 'zod';
import { image } from '../packages/io-descriptors/dist/image.js';
import { json, ndarray } from '../packages/io-descriptors/dist/index.js';
import { encodeNpy, tensor } from '../packages/tensor/dist/index.js';
import { compare, inProcess, inTurn } from './harness.mjs';

const file = (path) => fileURLToPath(new URL(path, import.meta.url));
const sources = [new URL(import.meta.url)];

/** `bench descriptors [json|npy|image|upload] [--quick]` */
export async function run(args) {
  const quick = args.includes('--quick');
  const parts = { json: jsonPart, npy, image: imagePart, upload };
  const chosen = Object.keys(parts).filter((name) => args.includes(name));
  for (const name of chosen.length > 0 ? chosen : Object.keys(parts)) await parts[name](quick);
}

const JSON_SCHEMA = {
  type: 'object',
  properties: {
    ...Object.fromEntries(
      ['seniority', 'time', 'age', 'expenses', 'amount', 'price'].map((name) => [name, { type: 'integer' }]),
    ),
    ...Object.fromEntries(['home', 'marital', 'records', 'job'].map((name) => [name, { type: 'string' }])),
    ...Object.fromEntries(['income', 'assets', 'debt'].map((name) => [name, { type: 'number' }])),
  },
  required: [
    'seniority',
    'home',
    'time',
    'age',
    'marital',
    'records',
    'job',
    'expenses',
    'income',
    'assets',
    'debt',
    'amount',
    'price',
  ],
};
const zodOf = { integer: () => z.int(), string: () => z.string(), number: () => z.number() };
const ZOD = z.object(
  Object.fromEntries(Object.entries(JSON_SCHEMA.properties).map(([name, { type }]) => [name, zodOf[type]()])),
);

async function jsonPart(quick) {
  const [line] = readFileSync(file('../apps/credit-risk/test/fixtures/expected.jsonl'), 'utf8').split('\n', 1);
  const { application } = JSON.parse(line);
  const bodies = {
    'one application': application,
    '1,000 applications': Array.from({ length: 1000 }, () => application),
  };
  for (const [what, value] of Object.entries(bodies)) {
    const body = Buffer.from(JSON.stringify(value));
    const isMany = Array.isArray(value);
    const ajvSchema = isMany ? { type: 'array', items: JSON_SCHEMA } : JSON_SCHEMA;
    const zodSchema = isMany ? z.array(ZOD) : ZOD;
    const validate = new Ajv2020({ allErrors: true }).compile(ajvSchema);
    const subjects = {
      zod: [json(zodSchema), () => zodSchema.safeParse(JSON.parse(body.toString())).success],
      ajv: [json(ajvSchema), () => validate(JSON.parse(body.toString()))],
    };
    for (const [library, [descriptor, alone]] of Object.entries(subjects)) {
      console.log(`\n── json, ${what} (${body.length} bytes), by ${library} ──`);
      const ours = `json(${library})`;
      const { [ours]: summary } = await compare({
        title: `descriptors-json-${library}-${isMany ? 1000 : 1}`,
        quick,
        baseline: { name: `JSON.parse and ${library}`, sources, start: () => inProcess(alone, timing(quick)) },
        contenders: [
          { name: ours, start: () => inProcess(() => descriptor.decode(body, 'application/json'), timing(quick)) },
        ],
      });
      if (!quick) goal('of the speed of the libraries alone', summary.throughputRatio.median, { atLeast: 0.8 });
    }
  }
}

async function npy(quick) {
  console.log('\n── ndarray, a .npy file of 1 MiB of float32 ──');
  const body = Buffer.from(encodeNpy(tensor(new Float32Array(2 ** 18).fill(1), [256, 1024], 'float32')));
  const descriptor = ndarray({ dtype: 'float32', shape: [-1, 1024] });
  const { data } = descriptor.decode(body, 'application/x-npy');
  goal('bytes of the data that are copied', data.buffer === body.buffer ? 0 : data.byteLength, { atMost: 0 });
  const copy = () => new Float32Array(data);
  const { decoded } = await compare({
    title: 'descriptors-npy',
    quick,
    baseline: { name: 'a copy of the data', sources, start: () => inProcess(copy, timing(quick)) },
    contenders: [
      { name: 'decoded', start: () => inProcess(() => descriptor.decode(body, 'application/x-npy'), timing(quick)) },
    ],
  });
  if (!quick) goal('times as fast as a copy of the data', decoded.throughputRatio.median, {});
}

async function imagePart(quick) {
  const { data, info } = await sharp({
    create: {
      width: 1280,
      height: 960,
      channels: 3,
      background: 'grey',
      noise: { type: 'gaussian', mean: 128, sigma: 40 },
    },
  })
    .raw()
    .toBuffer({ resolveWithObject: true });
  const raw = { width: info.width, height: info.height, channels: info.channels };
  for (const type of ['jpeg', 'png', 'webp']) {
    const body = await sharp(data, { raw }).toFormat(type).toBuffer();
    console.log(`\n── image, ${type} of ${info.width} × ${info.height} (${body.length} bytes) ──`);
    const descriptor = image();
    const alone = () => sharp(body).removeAlpha().raw().toBuffer({ resolveWithObject: true });
    const { image: summary } = await compare({
      title: `descriptors-image-${type}`,
      quick,
      baseline: { name: 'sharp', sources, start: () => inTurn(alone, timing(quick)) },
      contenders: [
        { name: 'image', start: () => inTurn(() => descriptor.decode(body, `image/${type}`), timing(quick)) },
      ],
    });
    if (!quick) goal('of the speed of sharp alone', summary.throughputRatio.median, { atLeast: 0.95 });
  }
}

const timing = (quick) => ({ seconds: quick ? 0.05 : 0.5 });

async function upload(quick) {
  const bytes = quick ? 2 ** 26 : 2 ** 30;
  console.log(`\n── multipart, an upload of ${bytes / 2 ** 20} MiB in a part that streams ──`);
  const bin = file('../packages/cli/dist/bin.js');
  const server = spawn(process.execPath, [bin, 'serve', 'src/service.ts:svc', '--port', '0'], {
    cwd: file('../apps/every-input'),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const url = await new Promise((resolve, reject) => {
      server.once('exit', (code) => reject(new Error(`the server ended with ${code}`)));
      createInterface({ input: server.stdout }).on('line', (line) => {
        const [found] = /http:\/\/\S+/.exec(line) ?? [];
        if (found !== undefined) resolve(found);
      });
    });
    await send(url, 2 ** 20); // what is loaded once is no memory of the upload's
    const before = memory(server.pid, 'VmRSS');
    writeFileSync(`/proc/${server.pid}/clear_refs`, '5'); // the peak begins here
    const start = performance.now();
    await send(url, bytes);
    const seconds = (performance.now() - start) / 1000;
    const peak = memory(server.pid, 'VmHWM') - before;
    console.log(`  ${(bytes / 2 ** 20 / seconds).toFixed(0)} MiB/s`);
    goal('MiB that the server grew by', peak / 2 ** 20, { atMost: 64 });
  } finally {
    server.kill();
    await once(server, 'exit');
  }
}

function memory(pid, field) {
  const [, kibibytes] = new RegExp(`${field}:\\s+(\\d+) kB`).exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(kibibytes) * 1024;
}

async function send(url, bytes) {
  const chunk = Buffer.alloc(2 ** 16, 'a chunk of the file ');
  const before =
    '--b\r\nContent-Disposition: form-data; name="meta"\r\n\r\n{"name":"Ada","age":36}\r\n' +
    '--b\r\nContent-Disposition: form-data; name="data"; filename="large"\r\n\r\n';
  const post = request(`${url}/form_upload`, {
    method: 'POST',
    headers: { 'content-type': 'multipart/form-data; boundary=b' },
  });
  const answered = once(post, 'response');
  post.write(before);
  for (let sent = 0; sent < bytes; sent += chunk.length) if (!post.write(chunk)) await once(post, 'drain');
  post.end('\r\n--b--\r\n');
  const [response] = await answered;
  let text = '';
  for await (const part of response) text += part;
  if (JSON.parse(text).bytes !== bytes) throw new Error(`the upload was answered ${response.statusCode}: ${text}`);
}

function goal(what, value, { atLeast = -Infinity, atMost = Infinity }) {
  const reached = value >= atLeast && value <= atMost;
  const bound = atMost < Infinity ? `, at most ${atMost}` : atLeast > -Infinity ? `, at least ${atLeast}` : '';
  console.log(`${bound === '' ? 'seen   ' : reached ? 'reached' : 'MISSED '} ${what}: ${value.toFixed(3)}${bound}`);
  if (!reached) process.exitCode = 1;
}
