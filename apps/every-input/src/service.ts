// A route for each descriptor. All answer with what they were sent, so that a client of any language can see whether it is still that.
import { image } from '@ekiben/io-descriptors/image';
import { parquet } from '@ekiben/io-descriptors/parquet';
import {
  dataFrame,
  eventStream,
  file,
  fromSample,
  json,
  multipart,
  ndarray,
  ndjson,
  optional,
  repeated,
  series,
  Service,
  text,
  textStream,
} from 'ekiben';
import * as z from 'zod';
import { checksum } from './checksum.ts';

const Person = z.object({
  name: z.string().min(1).max(100),
  age: z.int().min(0).max(150),
  tags: z.array(z.string()).max(10).optional(),
});
const personSchema = {
  type: 'object',
  properties: {
    name: { type: 'string', minLength: 1, maxLength: 100 },
    age: { type: 'integer', minimum: 0, maximum: 150 },
    tags: { type: 'array', items: { type: 'string' }, maxItems: 10 },
  },
  required: ['name', 'age'],
  additionalProperties: false,
} as const;

const columns = {
  id: 'int64',
  count: 'int32',
  price: 'float64',
  ratio: 'float32',
  home: { dtype: 'string', nullable: true },
  ok: 'bool',
} as const;
const frame = (options: object) => dataFrame({ columns, formats: [parquet], ...options });

const photo = image({ contentType: 'image/png', maxPixels: 2 ** 22 });
const rows = ndarray({ dtype: 'float32', shape: [-1, 4], enforceShape: true });
const same = <T>(value: T): T => value;

const Digest = json({
  type: 'object',
  properties: { bytes: { type: 'integer' }, sha256: { type: 'string' } },
  required: ['bytes', 'sha256'],
});

export const svc = new Service('every_input')
  .api('json_zod', { input: json(Person), output: json(Person) }, same)
  .api('json_schema', { input: json(personSchema), output: json(personSchema) }, same)
  .api('json_coerced', { input: json(Person, { coerce: true }), output: json(Person) }, same)
  .api('from_sample', { input: fromSample({ a: 1, b: ['x'] }), output: fromSample({ a: 1, b: ['x'] }) }, same)
  .api('ndarray', { input: ndarray(), output: ndarray() }, same)
  .api('npy', { input: ndarray(), output: ndarray({ format: 'npy' }) }, same)
  .api('floats', { input: rows, output: ndarray({ dtype: 'float32' }) }, same)
  .api('frame', { input: frame({}), output: frame({}) }, same)
  .api('frame_columns', { input: frame({ orient: 'columns' }), output: frame({ orient: 'columns' }) }, same)
  .api('frame_index', { input: frame({ orient: 'index' }), output: frame({ orient: 'index' }) }, same)
  .api('frame_split', { input: frame({ orient: 'split' }), output: frame({ orient: 'split' }) }, same)
  .api('frame_values', { input: frame({ orient: 'values' }), output: frame({ orient: 'values' }) }, same)
  .api('frame_csv', { input: frame({}), output: frame({ format: 'csv' }) }, same)
  .api('frame_parquet', { input: frame({}), output: frame({ format: 'parquet' }) }, same)
  .api('frame_any', { input: dataFrame({ formats: [parquet] }), output: dataFrame() }, same)
  .api('series', { input: series({ dtype: 'float64' }), output: series({ dtype: 'float64' }) }, same)
  .api('series_index', { input: series({ orient: 'index' }), output: series({ orient: 'index' }) }, same)
  .api('series_split', { input: series({ orient: 'split' }), output: series({ orient: 'split' }) }, same)
  .api('text', { input: text({ maxLength: 10_000 }), output: text() }, same)
  .api('file', { input: file(), output: file() }, same)
  .api('upload', { input: file({ stream: true, maxBytes: 2 ** 31 }), output: Digest }, ({ stream }) => checksum(stream))
  .api('image', { input: photo, output: photo }, same)
  .api('image_grey', { input: image({ mode: 'L' }), output: image({ contentType: 'image/png' }) }, same)
  .api('image_small', { input: image({ size: { width: 8, height: 8 } }), output: photo }, same)
  .api('image_rgba', { input: image({ mode: 'RGBA' }), output: image({ contentType: 'image/png' }) }, same)
  .api('image_jpeg', { input: photo, output: image({ quality: 95 }) }, same)
  .api('image_webp', { input: photo, output: image({ contentType: 'image/webp', quality: 95 }) }, same)
  .api('form', { input: formOf(), output: formOf() }, same)
  .api(
    'form_upload',
    {
      input: multipart({ meta: json(Person), data: file({ stream: true }) }, { maxBytes: 2 ** 31 }),
      output: json({
        type: 'object',
        properties: { name: { type: 'string' }, bytes: { type: 'integer' }, sha256: { type: 'string' } },
        required: ['name', 'bytes', 'sha256'],
      }),
    },
    async ({ meta, data }) => ({ name: meta.name, ...(await checksum(data.stream)) }),
  )
  .api('text_stream', { input: textStream(), output: textStream() }, same)
  .api('lines', { input: ndjson(Person), output: ndjson(Person) }, same)
  .api('events', { input: text(), output: eventStream() }, async function* (words) {
    for (const word of words.split(' ')) yield { data: word };
    yield { data: '', event: 'done' };
  });

function formOf() {
  return multipart({
    meta: json(Person),
    note: optional(text()),
    rows: ndarray({ dtype: 'float32', shape: [-1, 2] }),
    table: optional(frame({})),
    photos: repeated(photo, { max: 3 }),
    files: repeated(file({ maxBytes: 2 ** 20 }), { max: 5 }),
  });
}
