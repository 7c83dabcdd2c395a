import { Readable } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import { tensor } from '@ekiben/tensor';
import * as z from 'zod';
import { collect, file, json, multipart, ndarray, optional, repeated, text } from '../src/index.ts';
import type { Body, FileStream } from '../src/index.ts';
import { bytes, thrownBy } from './thrown.ts';

const TYPE = 'multipart/form-data; boundary=b';

interface Sent {
  readonly name: string;
  readonly content: string | Uint8Array;
  readonly filename?: string;
  readonly type?: string;
}

function formOf(...parts: Sent[]): Buffer {
  const pieces = parts.flatMap(({ name, content, filename, type }) => [
    `--b\r\nContent-Disposition: form-data; name="${name}"${filename === undefined ? '' : `; filename="${filename}"`}\r\n`,
    type === undefined ? '\r\n' : `Content-Type: ${type}\r\n\r\n`,
    content,
    '\r\n',
  ]);
  return Buffer.concat(
    [...pieces, '--b--\r\n'].map((piece) => (typeof piece === 'string' ? Buffer.from(piece) : piece)),
  );
}

const inPieces = (body: Uint8Array, size: number): Body =>
  Readable.from(
    Array.from({ length: Math.ceil(body.length / size) }, (_, i) => body.subarray(i * size, (i + 1) * size)),
  );

const form = multipart({
  meta: json(z.object({ n: z.int() })),
  note: optional(text()),
  rows: ndarray({ dtype: 'float32' }),
  photos: repeated(file({ maxBytes: 10 }), { max: 2 }),
});
const good: Sent[] = [
  { name: 'meta', content: '{"n":1}', type: 'application/json' },
  { name: 'rows', content: '[1,2]' },
  { name: 'photos', content: 'one', filename: '1.jpg', type: 'image/jpeg' },
  { name: 'photos', content: 'two', filename: 'C:\\2.jpg' },
];
const expected = {
  meta: { n: 1 },
  rows: tensor([1, 2], [2], 'float32'),
  photos: [
    { bytes: bytes('one'), contentType: 'image/jpeg', name: '1.jpg' },
    { bytes: bytes('two'), contentType: undefined, name: '2.jpg' },
  ],
};

describe('a form', () => {
  test('is read part by part, each by its own descriptor', async () => {
    expect(await form.decode(formOf(...good), TYPE)).toEqual(expected);
    const { note } = await form.decode(formOf(...good, { name: 'note', content: 'grüße' }), TYPE);
    expect(note).toBe('grüße');
  });

  test.each([1, 2, 3, 5, 7, 11, 64])('may come in pieces of %d bytes', async (size) => {
    const preamble = Buffer.concat([bytes('preamble\r\n'), formOf(...good), bytes('epilogue: x\r\n\r\n--b\r\n')]);
    expect(await form.decode(inPieces(preamble, size), TYPE)).toEqual(expected);
  });

  test.each(['text/plain', 'application/octet-stream'])('may say %s of a part that is something else', async (type) => {
    const one = multipart({ meta: json(z.object({ n: z.int() })) });
    const body = formOf({ name: 'meta', content: '{"n":1}', filename: 'n.json', type });
    expect(await one.decode(body, TYPE)).toEqual({ meta: { n: 1 } });
  });

  test('reports every fault of every part', async () => {
    const body = formOf(
      { name: 'meta', content: '{"n":"x"}' },
      { name: 'rows', content: '[1,' },
      { name: 'extra/', content: '' },
      ...['a', 'b', 'c'].map((content) => ({ name: 'photos', content, filename: content })),
    );
    const error = await thrownBy(() => form.decode(body, TYPE));
    expect(error).toMatchObject({
      code: 'EKIBEN_INVALID_INPUT',
      details: {
        errors: [
          { pointer: '/meta/n' },
          { pointer: '/rows', message: expect.stringMatching(/^Malformed JSON/) },
          { pointer: '/extra~1', message: 'is no part of this form' },
          { pointer: '/photos', message: 'must come at most 2 times' },
        ],
      },
    });
    const missing = await thrownBy(() => form.decode(formOf(), TYPE));
    expect(missing.details?.errors).toEqual([
      { pointer: '/meta', message: 'is required' },
      { pointer: '/rows', message: 'is required' },
    ]);
  });

  test.each<[string, Sent, string, RegExp]>([
    [
      'a part of another type',
      { name: 'rows', content: 'x', type: 'image/png' },
      'EKIBEN_UNSUPPORTED_MEDIA_TYPE',
      /^Part rows: /,
    ],
    [
      'a part beyond its limit',
      { name: 'photos', content: 'x'.repeat(11), filename: 'x' },
      'EKIBEN_BODY_TOO_LARGE',
      /^Part photos\/0: .* 10 bytes/,
    ],
  ])('with %s has its code', async (_what, part, code, message) => {
    const error = await thrownBy(() => form.decode(formOf(part), TYPE));
    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
  });

  test.each([
    ['is JSON', 'application/json', '', 'EKIBEN_UNSUPPORTED_MEDIA_TYPE'],
    ['has no type', undefined, '', 'EKIBEN_UNSUPPORTED_MEDIA_TYPE'],
    ['has no boundary', 'multipart/form-data', '', 'EKIBEN_INVALID_INPUT'],
    ['is empty', TYPE, '', 'EKIBEN_INVALID_INPUT'],
    ['has no end', TYPE, formOf(...good).subarray(0, -4), 'EKIBEN_INVALID_INPUT'],
    ['ends in a header', TYPE, '--b\r\nContent-Dispo', 'EKIBEN_INVALID_INPUT'],
    ['ends after a boundary', TYPE, '--b\r\n', 'EKIBEN_INVALID_INPUT'],
    [
      'has a part without a name',
      TYPE,
      '--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--',
      'EKIBEN_INVALID_INPUT',
    ],
    ['has a header that is none', TYPE, '--b\r\n\0: x\r\n\r\nx\r\n--b--', 'EKIBEN_INVALID_INPUT'],
    [
      'has a filename with a broken escape',
      TYPE,
      `--b\r\nContent-Disposition: form-data; name="a"; filename*=utf-8''%ff\r\n\r\nx\r\n--b--`,
      'EKIBEN_INVALID_INPUT',
    ],
  ])('that %s is refused', async (_what, type, body, code) => {
    const whole = typeof body === 'string' ? bytes(body) : body;
    expect((await thrownBy(() => form.decode(whole, type))).code).toBe(code);
    expect((await thrownBy(() => form.decode(inPieces(whole, 3), type))).code).toBe(code);
  });

  test('with too many parts, or too large, is refused before the rest is read', async () => {
    const many = multipart({ x: repeated(text()) }, { maxParts: 3 });
    const endless = (async function* () {
      for (;;) yield bytes('--b\r\nContent-Disposition: form-data; name="x"\r\n\r\nx\r\n');
    })();
    expect((await thrownBy(() => many.decode(endless, TYPE))).details?.errors).toEqual([
      { pointer: '', message: 'must have at most 3 parts' },
    ]);
    const small = multipart({ x: text() }, { maxBytes: 20 });
    expect((await thrownBy(() => small.decode(formOf({ name: 'x', content: '' }), TYPE))).code).toBe(
      'EKIBEN_BODY_TOO_LARGE',
    );
  });

  test('has only the properties of its parts', async () => {
    const body = formOf({ name: '__proto__', content: 'x' }, { name: 'constructor', content: 'x' });
    const error = await thrownBy(() => multipart({ a: optional(text()) }).decode(body, TYPE));
    expect(error.details?.errors?.map(({ pointer }) => pointer)).toEqual(['/__proto__', '/constructor']);
  });
});

describe('a part that streams', () => {
  const upload = multipart({ meta: json(z.object({ n: z.int() })), data: file({ stream: true, maxBytes: 1000 }) });
  const meta = good[0] as Sent;
  const data = { name: 'data', content: 'x'.repeat(100), filename: 'big' };
  const read = async ({ stream }: FileStream) => Buffer.from(await collect(stream, Infinity)).toString();

  test('is read by the handler, while it comes', async () => {
    const whole = formOf(meta, data);
    let sent = 0;
    const body = (async function* () {
      for (let at = 0; at < whole.length; at += 16) yield whole.subarray(at, (sent = at + 16));
    })();
    const decoded = await upload.decode(body, TYPE);
    expect(decoded.meta).toEqual({ n: 1 });
    expect(decoded.data.name).toBe('big');
    expect(sent).toBeLessThan(whole.length - 80);
    expect(await read(decoded.data)).toBe('x'.repeat(100));
  });

  test('has to be the last', async () => {
    const early = await thrownBy(() => upload.decode(formOf(data, meta), TYPE));
    expect(early.details?.errors).toEqual([
      { pointer: '/meta', message: 'is required, before data, which has to come last' },
    ]);
    const more = await upload.decode(formOf(meta, data, { name: 'more', content: '' }), TYPE);
    expect((await thrownBy(() => read(more.data))).details?.errors).toEqual([
      { pointer: '/more', message: 'must come before data, which has to come last' },
    ]);
  });

  test('ends with the fault that the form has', async () => {
    const cut = await upload.decode(inPieces(formOf(meta, data).subarray(0, -20), 50), TYPE);
    expect((await thrownBy(() => read(cut.data))).code).toBe('EKIBEN_INVALID_INPUT');
    const long = await upload.decode(inPieces(formOf(meta, { ...data, content: 'x'.repeat(2000) }), 500), TYPE);
    expect((await thrownBy(() => read(long.data))).code).toBe('EKIBEN_BODY_TOO_LARGE');
  });

  test('lets go of the body when the handler stops', async () => {
    let isClosed = false;
    const whole = formOf(meta, data);
    const body = (async function* () {
      try {
        for (let at = 0; at < whole.length; at += 16) yield whole.subarray(at, at + 16);
      } finally {
        isClosed = true;
      }
    })();
    const { stream } = (await upload.decode(body, TYPE)).data;
    for await (const _ of stream) break;
    expect(isClosed).toBe(true);
  });
});

describe('a file alone', () => {
  const body = formOf(
    { name: 'note', content: 'x' },
    { name: 'any', content: 'y', filename: 'y.gif', type: 'image/gif' },
  );

  test('may come as the first file of a form', async () => {
    const expectedFile = { contentType: 'image/gif', name: 'y.gif' };
    expect(await file().decode(body, TYPE)).toEqual({ ...expectedFile, bytes: bytes('y') });
    const streamed = await file({ stream: true }).decode(inPieces(body, 7), TYPE);
    expect(streamed).toMatchObject(expectedFile);
    expect(await collect(streamed.stream, 10)).toEqual(bytes('y'));
  });

  test('is not looked for in forms within forms, which would be read once for each level', async () => {
    const within = formOf({ name: 'a', content: 'x', filename: 'a' }).toString().replaceAll('--b', '--c');
    const outer = formOf({ name: 'a', content: within, filename: 'a', type: 'multipart/form-data; boundary=c' });
    const error = await thrownBy(() => file().decode(outer, TYPE));
    expect(error.details?.errors).toEqual([{ pointer: '', message: 'must not have a form within' }]);
  });

  test('has to be there, and of the type that is taken', async () => {
    expect((await thrownBy(() => file().decode(formOf({ name: 'a', content: '' }), TYPE))).code).toBe(
      'EKIBEN_INVALID_INPUT',
    );
    const pdf = file({ mediaTypes: ['application/pdf'] });
    expect((await thrownBy(() => pdf.decode(body, TYPE))).code).toBe('EKIBEN_UNSUPPORTED_MEDIA_TYPE');
  });
});

describe('a form that goes out', () => {
  const value = {
    meta: { n: 1 },
    rows: tensor([1, 2], [2], 'float32'),
    photos: [{ bytes: bytes('one'), name: 'a"b\r\n.jpg' }],
  };

  test('is read again', async () => {
    const encoded = (await form.encode(value)) as Uint8Array;
    expect(await form.decode(encoded, form.contentType)).toMatchObject({
      ...value,
      photos: [{ bytes: bytes('one'), name: 'a%22b%0D%0A.jpg' }],
    });
    const parsed = await new Response(encoded, { headers: { 'content-type': form.contentType } }).formData();
    expect([...parsed.keys()]).toEqual(['meta', 'rows', 'photos']);
    expect(parsed.get('rows')).toBe('[1,2]');
  });

  test('streams where a part does', async () => {
    const streamed = multipart({ note: text(), data: file({ stream: true }) });
    const encoded = await streamed.encode({ note: 'x', data: { stream: Readable.from([bytes('a'), bytes('b')]) } });
    expect(encoded).not.toBeInstanceOf(Uint8Array);
    const { note, data } = await streamed.decode(encoded as Body, streamed.contentType);
    expect([note, await collect(data.stream, 10)]).toEqual(['x', bytes('ab')]);
  });

  test('cannot be broken by content that holds its boundary', async () => {
    const [, boundary = ''] = form.contentType.split('boundary=');
    const photos = [{ bytes: bytes(`\r\n--${boundary}\r\n`) }];
    expect((await thrownBy(() => form.encode({ ...value, photos }))).code).toBe('EKIBEN_INVALID_OUTPUT');
  });

  test('has a boundary of its own, which nobody knows before, so that all content can go out', async () => {
    const first = await form.encodeTyped?.(value);
    const note = `\r\n--${first?.contentType.split('boundary=')[1]}\r\n`;
    const { contentType = '', body } = (await form.encodeTyped?.({ ...value, note })) ?? {};
    expect(contentType).not.toBe(first?.contentType);
    expect((await form.decode(body as Body, contentType)).note).toBe(note);
  });

  test('without a part is the fault of the server', async () => {
    expect((await thrownBy(() => form.encode({ meta: { n: 1 } } as never))).code).toBe('EKIBEN_INVALID_OUTPUT');
    expect((await thrownBy(() => form.encode(3 as never))).code).toBe('EKIBEN_INVALID_OUTPUT');
  });

  test('is an object of parts in a call without bytes', async () => {
    const wire = await form.toWire(value);
    expect(wire).toEqual({ meta: { n: 1 }, rows: [1, 2], photos: [bytes('one')] });
    expect(await form.parse(wire)).toEqual({ ...value, photos: [{ bytes: bytes('one') }] });
    expect((await thrownBy(() => form.parse({ meta: { n: 1 } }))).code).toBe('EKIBEN_INVALID_INPUT');
  });
});

test('a form within a form, or two parts that stream, are refused at once', async () => {
  expect((await thrownBy(() => multipart({ a: multipart({}) }))).code).toBe('EKIBEN_INVALID_SCHEMA');
  const stream = file({ stream: true });
  expect((await thrownBy(() => multipart({ a: stream, b: stream }))).message).toContain('not a, b');
  expect((await thrownBy(() => multipart({ a: repeated(stream) }))).message).toContain('only once');
  for (const options of [{ min: 2, max: 1 }, { max: 0 }, { min: -1 }, { max: NaN }]) {
    expect((await thrownBy(() => repeated(text(), options))).code).toBe('EKIBEN_INVALID_SCHEMA');
  }
});

test('documents its parts, and in what type each comes', () => {
  expect(form.jsonSchema('input')).toMatchObject({
    type: 'object',
    properties: { meta: { type: 'object' }, photos: { type: 'array', items: { format: 'binary' }, maxItems: 2 } },
    required: ['meta', 'rows'],
  });
  expect(form.encoding).toEqual({
    meta: { contentType: 'application/json' },
    note: { contentType: 'text/plain' },
    rows: { contentType: 'application/json' },
  });
  expect(form.example).toEqual({ meta: { n: 1 }, note: 'string', rows: [1] });
  expect(multipart({ a: file() }).example).toBeUndefined();
});
