// A good body for every route, made by the descriptors themselves, from which the mutated ones are made.
import { tensor } from 'ekiben';

const row = { id: 7n, count: 3, price: 1.5, ratio: 0.5, home: 'owner', ok: true };
const rows = Array.from({ length: 4 }, (_, i) => ({ ...row, id: BigInt(i), home: i % 2 === 0 ? null : 'rent' }));
const person = { name: 'Ada', age: 36, tags: ['a', 'b'] };
const pixels = { width: 12, height: 9, channels: 3, data: Uint8Array.from({ length: 324 }, (_, i) => (i * 7) % 256) };
const numbers = tensor([1, 2.5, -3, 4, 5, 6, 7, 8], [2, 4], 'float32');
const bytes = Buffer.from('some bytes \0\xff\r\n--');
const form = {
  meta: person,
  note: 'a note',
  rows: numbers,
  table: rows,
  photos: [pixels],
  files: [{ bytes, name: 'a.bin' }],
};

/** What an output descriptor encodes, by the route whose output it is. */
const VALUES = {
  json_zod: person,
  json_schema: person,
  json_coerced: person,
  from_sample: { a: 1, b: ['x'] },
  ndarray: numbers,
  npy: numbers,
  floats: numbers,
  series: [1, 2.5, NaN],
  series_index: [1, 'a', null],
  series_split: [1, 'a', null],
  text: 'some text, grüße',
  file: { bytes },
  upload: undefined,
  image: pixels,
  image_grey: pixels,
  image_small: pixels,
  image_rgba: { ...pixels, channels: 4, data: new Uint8Array(432) },
  image_jpeg: pixels,
  image_webp: pixels,
  form,
  form_upload: undefined,
};

async function encoded(output, value) {
  const body = await output.encode(value);
  if (typeof body === 'string') return Buffer.from(body);
  if (body instanceof Uint8Array) return Buffer.from(body);
  const chunks = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** @returns {Promise<{ name: string, path: string, seeds: { body: Buffer, type: string }[] }[]>} */
export async function goodBodies(svc) {
  const output = (name) => svc.apis.find((api) => api.name === name).output;
  const made = async (name, value) => ({ body: await encoded(output(name), value), type: output(name).contentType });
  const frames = await Promise.all(['frame', 'frame_csv', 'frame_parquet'].map((name) => made(name, rows)));
  const image = async (type) => {
    const { default: sharp } = await import('sharp');
    const { data, ...raw } = pixels;
    return { body: await sharp(data, { raw }).toFormat(type).toBuffer(), type: `image/${type}` };
  };
  const images = await Promise.all(['png', 'jpeg', 'webp'].map(image));
  const tensors = [await made('ndarray', numbers), await made('npy', numbers)];
  const upload = [
    '--b\r\nContent-Disposition: form-data; name="meta"\r\n\r\n{"name":"Ada","age":36}\r\n',
    '--b\r\nContent-Disposition: form-data; name="data"; filename="d.bin"\r\nContent-Type: application/octet-stream\r\n\r\n',
    'x'.repeat(300),
    '\r\n--b--\r\n',
  ];
  const seeds = {
    form_upload: [{ body: Buffer.from(upload.join('')), type: 'multipart/form-data; boundary=b' }],
    upload: [{ body: bytes, type: 'application/octet-stream' }],
    text_stream: [{ body: Buffer.from('some text, grüße'), type: 'text/plain' }],
    events: [{ body: Buffer.from('some text, grüße'), type: 'text/plain' }],
    lines: [{ body: Buffer.from(`${JSON.stringify(person)}\n`.repeat(3)), type: 'application/x-ndjson' }],
    ndarray: tensors,
    npy: tensors,
    floats: tensors,
    image: images,
    image_grey: images,
    image_small: images,
    image_rgba: images,
    image_jpeg: images,
    image_webp: images,
    frame: frames,
    frame_csv: frames,
    frame_parquet: frames,
    frame_any: frames,
  };
  return Promise.all(
    svc.apis.map(async ({ name, path }) => ({
      name,
      path,
      seeds: seeds[name] ?? [await made(name, name.startsWith('frame') ? rows : VALUES[name])],
    })),
  );
}
