import { describe, expect, test } from '@jest/globals';
import { file, noBody, text } from '../src/index.ts';
import type { FileStream } from '../src/index.ts';
import { bytes, thrownBy } from './thrown.ts';

async function* pieces(...chunks: string[]) {
  for (const chunk of chunks) yield bytes(chunk);
}

const gathered = async ({ stream }: FileStream) => {
  let all = '';
  for await (const chunk of stream) all += Buffer.from(chunk).toString();
  return all;
};

describe('text', () => {
  test.each([undefined, '', 'text/plain', 'TEXT/Markdown; charset="UTF-8"', 'text/plain; charset=us-ascii'])(
    'of type %j is taken',
    (type) => expect(text().decode(bytes('\ufeffgrüße'), type)).toBe('\ufeffgrüße'),
  );

  test.each(['application/json', 'text/plain; charset=latin1', 'nonsense'])('of type %s is not', async (type) => {
    expect((await thrownBy(() => text().decode(bytes('x'), type))).code).toBe('EKIBEN_UNSUPPORTED_MEDIA_TYPE');
  });

  test('may come in pieces, cut inside a character', async () => {
    const [first, ...rest] = bytes('雪');
    const chunks = (async function* () {
      yield Uint8Array.of(first ?? 0);
      yield Uint8Array.from(rest);
    })();
    expect(await text().decode(chunks, undefined)).toBe('雪');
  });

  test.each([
    ['bytes that are no UTF-8', text(), Uint8Array.of(0xff), 'EKIBEN_INVALID_INPUT'],
    ['more characters than allowed', text({ maxLength: 2 }), bytes('abc'), 'EKIBEN_INVALID_INPUT'],
    ['more bytes than allowed', text({ maxBytes: 2 }), bytes('abc'), 'EKIBEN_BODY_TOO_LARGE'],
  ])('refuses %s', async (_what, descriptor, body, code) => {
    expect((await thrownBy(() => descriptor.decode(body, undefined))).code).toBe(code);
  });

  test('goes out as it is; anything else is the fault of the server', async () => {
    expect(text().encode('grüße')).toBe('grüße');
    expect(text().contentType).toBe('text/plain; charset=utf-8');
    expect((await thrownBy(() => text().encode(3 as unknown as string))).code).toBe('EKIBEN_INVALID_OUTPUT');
    expect((await thrownBy(() => text().parse(3))).code).toBe('EKIBEN_INVALID_INPUT');
  });

  test('documents itself', () => {
    expect(text({ maxLength: 5, example: 'x' }).jsonSchema('input')).toEqual({ type: 'string', maxLength: 5 });
    expect(text({ example: 'x' }).example).toBe('x');
  });
});

describe('a file', () => {
  test('is its bytes, and what the client says of it', () => {
    expect(file().decode(bytes('x'), 'image/gif', 'a.gif')).toEqual({
      bytes: bytes('x'),
      contentType: 'image/gif',
      name: 'a.gif',
    });
  });

  test.each(['../../etc/passwd', '/etc/passwd', 'C:\\etc\\passwd', 'passwd'])('%s has no path in its name', (name) => {
    expect(file().decode(bytes(''), undefined, name)).toMatchObject({ name: 'passwd' });
  });

  test('of another type than is taken is refused', async () => {
    const pdf = file({ mediaTypes: ['application/pdf'] });
    expect(pdf.decode(bytes('x'), 'application/PDF; x=y')).toMatchObject({ bytes: bytes('x') });
    for (const type of [undefined, 'text/plain']) {
      expect(await thrownBy(() => pdf.decode(bytes('x'), type))).toMatchObject({
        code: 'EKIBEN_UNSUPPORTED_MEDIA_TYPE',
        message: expect.stringContaining('application/pdf is expected'),
      });
    }
  });

  test('is gathered up to its limit', async () => {
    expect(await file().decode(pieces('ab', 'c'), undefined)).toMatchObject({ bytes: bytes('abc') });
    expect((await thrownBy(() => file({ maxBytes: 2 }).decode(pieces('ab', 'c'), undefined))).code).toBe(
      'EKIBEN_BODY_TOO_LARGE',
    );
  });

  test('streams, when asked to, up to its limit', async () => {
    const stream = file({ stream: true, maxBytes: 3 });
    expect(stream.streams).toBe(true);
    expect(await gathered(await stream.decode(pieces('ab', 'c'), 'text/plain'))).toBe('abc');
    expect(await gathered(await stream.parse(bytes('abc')))).toBe('abc');
    const long = await stream.decode(pieces('ab', 'cd'), undefined);
    expect((await thrownBy(() => gathered(long))).code).toBe('EKIBEN_BODY_TOO_LARGE');
  });

  test('goes out as bytes or as a stream', async () => {
    expect(file().encode({ bytes: bytes('x') })).toEqual(bytes('x'));
    expect(file({ contentType: 'image/gif' }).contentType).toBe('image/gif');
    expect(await file({ stream: true }).toWire({ stream: pieces('a', 'b') })).toEqual(bytes('ab'));
    expect((await thrownBy(() => file().encode({} as never))).code).toBe('EKIBEN_INVALID_OUTPUT');
    expect((await thrownBy(() => file({ stream: true }).encode({} as never))).code).toBe('EKIBEN_INVALID_OUTPUT');
  });

  test('documents itself', () => {
    expect(file().mediaTypes).toEqual(['*/*']);
    expect(file({ mediaTypes: ['application/pdf'] }).contentType).toBe('application/pdf');
    expect(file().jsonSchema('input')).toEqual({ type: 'string', format: 'binary' });
  });
});

test('no body is nothing, and no output', async () => {
  expect(noBody().decode(bytes(''), undefined)).toBeUndefined();
  expect((await thrownBy(() => noBody().parse(null))).code).toBe('EKIBEN_INVALID_INPUT');
  expect((await thrownBy(() => noBody().encode(undefined))).code).toBe('EKIBEN_INVALID_OUTPUT');
});
