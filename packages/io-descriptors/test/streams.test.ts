import { Readable } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import * as z from 'zod';
import { collect, eventStream, ndjson, textStream } from '../src/index.ts';
import type { Body, EncodedBody } from '../src/index.ts';
import { bytes, thrownBy } from './thrown.ts';

async function* each<T>(...values: T[]): AsyncGenerator<T, void> {
  yield* values;
}

const all = async <T>(values: AsyncIterable<T>): Promise<T[]> => {
  const list: T[] = [];
  for await (const value of values) list.push(value);
  return list;
};

const textOf = async (encoded: EncodedBody | Promise<EncodedBody>) =>
  Buffer.from(await collect((await encoded) as Body, Infinity)).toString();

const inPieces = (whole: string, size: number) => {
  const body = bytes(whole);
  return Readable.from(
    Array.from({ length: Math.ceil(body.length / size) }, (_, i) => body.subarray(i * size, (i + 1) * size)),
  );
};

describe('a stream of text', () => {
  test('goes out chunk by chunk, as it is made', async () => {
    let made = 0;
    const endless = (async function* () {
      for (;;) yield `${made++} `;
    })();
    const chunks = ((await textStream().encode(endless)) as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
    expect([(await chunks.next()).value, (await chunks.next()).value]).toEqual([bytes('0 '), bytes('1 ')]);
    expect(made).toBe(2);
    await chunks.return?.();
    expect((await endless.next()).done).toBe(true);
  });

  test('comes so, cut inside a character', async () => {
    const decoded = await textStream().decode(inPieces('grüße, 雪', 2), 'text/plain');
    expect((await all(decoded)).join('')).toBe('grüße, 雪');
    for (const body of [Uint8Array.of(0xff), Uint8Array.of(0xc3)]) {
      expect((await thrownBy(async () => all(await textStream().decode(body, undefined)))).code).toBe(
        'EKIBEN_INVALID_INPUT',
      );
    }
    const small = textStream({ maxBytes: 3 });
    expect((await thrownBy(async () => all(await small.decode(inPieces('abcd', 2), undefined)))).code).toBe(
      'EKIBEN_BODY_TOO_LARGE',
    );
  });

  test('of anything else is the fault of the server', async () => {
    expect((await thrownBy(() => textStream().encode('text' as never))).code).toBe('EKIBEN_INVALID_OUTPUT');
    expect((await thrownBy(() => textOf(textStream().encode(each(3) as never)))).code).toBe('EKIBEN_INVALID_OUTPUT');
  });
});

describe('lines of JSON', () => {
  const lines = ndjson(z.object({ n: z.int() }));

  test.each([1, 3, 64])('come in pieces of %d bytes', async (size) => {
    const body = '{"n":1}\n\n{"n":2}\r\n  {"n":3}';
    expect(await all(await lines.decode(inPieces(body, size), 'application/x-ndjson'))).toEqual([
      { n: 1 },
      { n: 2 },
      { n: 3 },
    ]);
  });

  test.each([
    ['{"n":1}\n{"n":"x"}\n', 1, '/1/n'],
    ['{"n":1}\n\n{"n":\n', 1, '/2'],
  ])('%j: a fault shows when its line is reached', async (body, before, pointer) => {
    const seen: unknown[] = [];
    const error = await thrownBy(async () => {
      for await (const value of await lines.decode(bytes(body), undefined)) seen.push(value);
    });
    expect(seen).toHaveLength(before);
    expect(error).toMatchObject({ code: 'EKIBEN_INVALID_INPUT', details: { errors: [{ pointer }] } });
  });

  test('that are too long are refused before their end', async () => {
    const endless = (async function* () {
      for (;;) yield bytes('[[[[');
    })();
    const short = ndjson(z.unknown(), { maxLineBytes: 10 });
    expect(await thrownBy(async () => all(await short.decode(endless, undefined)))).toMatchObject({
      code: 'EKIBEN_BODY_TOO_LARGE',
      message: 'Line 1 has more than the 10 bytes that are taken here.',
    });
    expect((await thrownBy(() => lines.decode(bytes(''), 'text/plain'))).code).toBe('EKIBEN_UNSUPPORTED_MEDIA_TYPE');
  });

  test('go out one by one, each validated', async () => {
    expect(await textOf(lines.encode(each({ n: 1 }, { n: 2 })))).toBe('{"n":1}\n{"n":2}\n');
    expect((await thrownBy(() => textOf(lines.encode(each({ n: 'x' }) as never)))).code).toBe('EKIBEN_INVALID_OUTPUT');
    expect(await all(await lines.toWire(each({ n: 1 })))).toEqual([{ n: 1 }]);
    expect((await thrownBy(async () => all(await lines.parse(each({ n: 'x' }))))).code).toBe('EKIBEN_INVALID_INPUT');
  });

  test('are documented by what a line is', () => {
    expect(ndjson({ type: 'integer' }).jsonSchema('output')).toEqual({
      type: 'string',
      description: 'A JSON value a line',
      'x-item-media-type': 'application/json',
      'x-items': { type: 'integer' },
    });
    expect(ndjson({ type: 'integer', example: 7 }).example).toBe('7\n');
  });
});

describe('server-sent events', () => {
  test('are written so that EventSource reads them', async () => {
    const events = each({ data: 'one\ntwo\r\n' }, { data: '', event: 'done', id: '7', retry: 1000 });
    expect(await textOf(eventStream().encode(events))).toBe(
      'data: one\ndata: two\ndata: \n\nevent: done\nid: 7\nretry: 1000\ndata: \n\n',
    );
    const typed = eventStream(z.object({ token: z.string() }));
    expect(await textOf(typed.encode(each({ data: { token: 'a' } })))).toBe('data: {"token":"a"}\n\n');
    expect(await all(await typed.toWire(each({ data: { token: 'a' }, id: '1' })))).toEqual([
      { data: { token: 'a' }, id: '1' },
    ]);
  });

  test('are documented by what one is', () => {
    expect(eventStream({ type: 'integer' }).jsonSchema('output')).toMatchObject({
      type: 'object',
      properties: { data: { type: 'string' }, id: { type: 'string' } },
      required: ['data'],
      'x-item-media-type': 'application/json',
      'x-items': { type: 'integer' },
    });
  });

  test.each([{ event: 'a\ndata: x' }, { id: 'a\rb' }, { id: '\0' }])('cannot be forged by %j', async (fields) => {
    const error = await thrownBy(() => textOf(eventStream().encode(each({ data: '', ...fields }))));
    expect(error.code).toBe('EKIBEN_INVALID_OUTPUT');
  });

  test('whose data does not match are the fault of the server', async () => {
    const typed = eventStream({ type: 'integer' });
    expect((await thrownBy(() => textOf(typed.encode(each({ data: 'x' }) as never)))).code).toBe(
      'EKIBEN_INVALID_OUTPUT',
    );
  });

  test('are no input', async () => {
    expect((await thrownBy(() => eventStream().decode(bytes(''), undefined))).code).toBe(
      'EKIBEN_UNSUPPORTED_MEDIA_TYPE',
    );
  });
});
