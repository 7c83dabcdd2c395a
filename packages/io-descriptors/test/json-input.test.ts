import { Readable } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import * as v from 'valibot';
import * as z from 'zod';
import { DEFAULT_MAX_JSON_BYTES, json } from '../src/index.ts';
import { bytes, thrownBy } from './thrown.ts';

const Application = z.object({ age: z.int(), home: z.string(), income: z.number() });
const application = json(Application);
const good = '{"age":26,"home":"owner","income":0.5}';

describe('a body', () => {
  test('becomes the validated value, without a promise', () => {
    expect(application.decode(bytes(good), 'application/json')).toEqual({ age: 26, home: 'owner', income: 0.5 });
  });

  test('may have fields that the schema does not know; zod drops them', () => {
    expect(application.decode(bytes('{"age":26,"home":"owner","income":0.5,"extra":1}'), undefined)).toEqual(
      JSON.parse(good),
    );
  });

  test('may come in chunks, cut inside a character', async () => {
    const whole = bytes('{"age":1,"home":"雪","income":0}');
    const chunks = Readable.from(Array.from(whole, (byte) => Uint8Array.of(byte)));
    expect(await application.decode(chunks, undefined)).toEqual({ age: 1, home: '雪', income: 0 });
  });

  test('may begin with a byte order mark', () => {
    expect(application.decode(bytes(`\ufeff${good}`), undefined)).toEqual(JSON.parse(good));
  });

  test('is refused beyond the limit, whole or in chunks, before all of it was read', async () => {
    const small = json(Application, { maxBytes: 10 });
    expect(application.maxBytes).toBe(DEFAULT_MAX_JSON_BYTES);
    expect(small.maxBytes).toBe(10);
    expect(await thrownBy(() => small.decode(bytes(good), undefined))).toMatchObject({
      code: 'EKIBEN_BODY_TOO_LARGE',
      details: { maxBytes: 10 },
    });
    let read = 0;
    const endless = (async function* () {
      for (;;) yield new Uint8Array((read += 1) && 4);
    })();
    expect(await thrownBy(() => small.decode(endless, undefined))).toMatchObject({ code: 'EKIBEN_BODY_TOO_LARGE' });
    expect(read).toBe(3);
  });
});

describe('every fault is named by JSON pointer', () => {
  const Deep = z.object({ 'a/b~c': z.array(z.object({ n: z.int() })), s: z.string() });
  const expected = [
    { pointer: '/a~1b~0c/1/n', message: expect.any(String) },
    { pointer: '/s', message: expect.any(String) },
  ];
  const body = bytes('{"a/b~c":[{"n":1},{"n":"x"}]}');
  const schemas = {
    zod: json(Deep),
    valibot: json(v.object({ 'a/b~c': v.array(v.object({ n: v.pipe(v.number(), v.integer()) })), s: v.string() })),
    'JSON Schema': json({
      type: 'object',
      properties: {
        'a/b~c': { type: 'array', items: { type: 'object', properties: { n: { type: 'integer' } }, required: ['n'] } },
        s: { type: 'string' },
      },
      required: ['a/b~c', 's'],
    }),
  };

  test.each(Object.entries(schemas))('by %s', async (_name, descriptor) => {
    const error = await thrownBy(() => descriptor.decode(body, undefined));
    expect(error.code).toBe('EKIBEN_INVALID_INPUT');
    expect([...(error.details?.errors ?? [])].sort((a, b) => a.pointer.localeCompare(b.pointer))).toEqual(expected);
    expect(error.message).toMatch(/^The input has 2 faults: .*\/s /);
  });

  test.each(Object.entries(schemas))('by %s, as in a call without bytes', async (_name, descriptor) => {
    const viaBytes = await thrownBy(() => descriptor.decode(body, undefined));
    const viaValue = await thrownBy(() => descriptor.parse(JSON.parse(Buffer.from(body).toString())));
    expect(viaValue.toJSON()).toEqual(viaBytes.toJSON());
  });

  test.each(['null', '[]', '"text"', '3', 'true'])('%s is no object', async (text) => {
    for (const descriptor of [application, schemas['JSON Schema']]) {
      const error = await thrownBy(() => descriptor.decode(bytes(text), undefined));
      expect(error).toMatchObject({ code: 'EKIBEN_INVALID_INPUT', details: { errors: [{ pointer: '' }] } });
    }
  });

  test('a numeric string is no number, and a number no string', async () => {
    const error = await thrownBy(() => application.decode(bytes('{"age":"26","home":7,"income":"0"}'), undefined));
    expect(error.details?.errors?.map(({ pointer }) => pointer)).toEqual(['/age', '/home', '/income']);
  });

  test('of a million only the first hundred are listed, all are counted', async () => {
    const error = await thrownBy(() => json(z.array(z.int())).decode(bytes(`[${'"x",'.repeat(999)}"x"]`), undefined));
    expect(error.details?.errors).toHaveLength(100);
    expect(error.message).toMatch(/^The input has 1000 faults: /);
  });

  test('no key or value of the body is repeated beyond 200 characters', async () => {
    const long = 'k'.repeat(10_000);
    for (const schema of [
      json(z.strictObject({})),
      json(z.record(z.string(), z.int())),
      json({ additionalProperties: false }),
    ]) {
      const error = await thrownBy(() => schema.decode(bytes(JSON.stringify({ [long]: long })), undefined));
      for (const { pointer, message } of error.details?.errors ?? []) {
        expect(pointer.length).toBeLessThanOrEqual(200);
        expect(message.length).toBeLessThanOrEqual(200);
      }
    }
  });
});

test('the words of ajv name what is missing, unknown or not allowed', async () => {
  const schema = json({
    type: 'object',
    properties: { a: { enum: ['x', 'y'] }, b: {} },
    required: ['b'],
    additionalProperties: false,
  });
  const error = await thrownBy(() => schema.decode(bytes('{"a":1,"c":2}'), undefined));
  expect(error.details?.errors).toEqual([
    { pointer: '/b', message: 'is required' },
    { pointer: '/c', message: 'is not a property of this object' },
    { pointer: '/a', message: 'must be one of "x","y"' },
  ]);
});

describe('malformed JSON', () => {
  test.each([
    ['{"age":1,}', 'line 1, column 10: expected a key in double quotes, got "}"'],
    ['{"age":1 "home":2}', "line 1, column 10: expected ',' or '}', got \"\\\"\""],
    ['{"age" 1}', 'line 1, column 8: expected \':\', got "1"'],
    ['{age:1}', 'line 1, column 2: expected a key in double quotes or \'}\', got "a"'],
    ["{'age':1}", "line 1, column 2: expected a key in double quotes or '}', got \"'\""],
    ['[1,2', "line 1, column 5: expected ',' or ']', got the end of the text"],
    ['[1,]', 'line 1, column 4: expected a value, got "]"'],
    ['[1}', "line 1, column 3: expected ',' or ']', got \"}\""],
    ['{"a":[]]', "line 1, column 8: expected ',' or '}', got \"]\""],
    ['{\n  "age": 1,\n  "income": NaN\n}', 'line 3, column 13: expected a value, got "N"'],
    ['{"a":01}', 'line 1, column 6: expected a value, got "0"'],
    ['{"a":"\u0001"}', 'line 1, column 6: expected a value, got "\\""'],
    ['{"a":"b', 'line 1, column 6: expected a value, got "\\""'],
    ['{} {}', 'line 1, column 4: expected the end of the text, got "{"'],
    ['{}x', 'line 1, column 3: expected the end of the text, got "x"'],
    ['"\\', 'line 1, column 1: expected a value, got "\\""'],
    ['😀', 'line 1, column 1: expected a value, got "\\ud83d"'],
  ])('%j: %s', async (text, where) => {
    const error = await thrownBy(() => application.decode(bytes(text), undefined));
    expect(error).toMatchObject({ code: 'EKIBEN_MALFORMED_JSON', message: `Malformed JSON at ${where}.` });
    expect(error.details?.errors).toEqual([{ pointer: '', message: error.message }]);
  });

  test.each(['', ' \n\t'])('a body of %j is called empty', async (text) => {
    expect(await thrownBy(() => application.decode(bytes(text), undefined))).toMatchObject({
      code: 'EKIBEN_MALFORMED_JSON',
      message: 'The body is empty; JSON is expected.',
    });
  });

  test.each([
    ['a stray continuation byte', [0x22, 0x80, 0x22]],
    ['an overlong slash', [0x22, 0xc0, 0xaf, 0x22]],
    ['a surrogate', [0x22, 0xed, 0xa0, 0x80, 0x22]],
    ['UTF-16', [0xff, 0xfe, 0x7b, 0x00]],
  ])('%s is no UTF-8', async (_what, octets) => {
    expect(await thrownBy(() => application.decode(Uint8Array.from(octets), undefined))).toMatchObject({
      code: 'EKIBEN_MALFORMED_JSON',
      message: 'The body is not UTF-8.',
    });
  });

  test('is not located in a body beyond a mebibyte', async () => {
    const text = `[${'1,'.repeat(2 ** 20)}`;
    expect((await thrownBy(() => application.decode(bytes(text), undefined))).message).toBe('Malformed JSON.');
  });
});

describe('content types', () => {
  test.each([
    undefined,
    '',
    'application/json',
    'application/json; charset=utf-8',
    'application/json;charset=UTF-8',
    'Application/JSON',
    'application/json; charset="utf-8"',
    'application/vnd.api+json',
    'application/problem+json; charset=utf8',
  ])('%s is JSON', (type) => {
    expect(application.decode(bytes(good), type)).toEqual(JSON.parse(good));
  });

  test.each([
    ['text/plain', /^The body is text\/plain; application\/json is expected\.$/],
    ['application/x-www-form-urlencoded', /application\/json is expected/],
    ['multipart/form-data; boundary=x', /application\/json is expected/],
    ['application/jsonp', /application\/json is expected/],
    ['text/json+xml', /application\/json is expected/],
    ['application/json; charset=latin1', /^The body is in latin1; JSON is expected in UTF-8\.$/],
    ['application/json; charset=utf-16', /utf-16/],
    ['nonsense', /nonsense/],
    [`text/${'x'.repeat(10_000)}`, /…; application\/json is expected/],
  ])('%s is not', async (type, message) => {
    const error = await thrownBy(() => application.decode(bytes(good), type));
    expect(error.code).toBe('EKIBEN_UNSUPPORTED_MEDIA_TYPE');
    expect(error.message).toMatch(message);
    expect(error.message.length).toBeLessThan(300);
  });
});

describe('a key __proto__', () => {
  const everything = [
    json(z.unknown()),
    json(z.looseObject({})),
    json(z.record(z.string(), z.unknown())),
    json(v.looseObject({})),
    json({}),
    json({ type: 'object', additionalProperties: true }),
  ];
  test.each([
    '{"a":1,"__proto__":{"polluted":true}}',
    '{"a":1,"\\u005f_proto__":{"polluted":true}}',
    '{"a":1,"__prot\\u006f__":{"polluted":true}}',
    '{"a":1,"__\\u0050roto__":0,"__\\u0070roto__":{"polluted":true}}',
  ])('in %s is ignored, however the schema treats unknown fields', async (body) => {
    for (const descriptor of everything) {
      const value = (await descriptor.decode(bytes(body), undefined)) as object;
      const copied = Object.assign({}, value) as { polluted?: boolean };
      expect(Object.keys(value)).not.toContain('__proto__');
      expect(Object.getPrototypeOf(value)).toBe(Object.getPrototypeOf(copied));
      expect(copied.polluted).toBeUndefined();
      expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
    }
  });

  test('is ignored at any depth, and other escapes stay what they are', () => {
    const body = bytes('{"a":[{"b":{"__proto__":1,"c":"\\u0050\\u0061"}}]}');
    expect(json(z.unknown()).decode(body, undefined)).toEqual({ a: [{ b: { c: 'Pa' } }] });
  });
});

describe('nesting', () => {
  const nested = (depth: number) => bytes(`${'{"next":'.repeat(depth)}null${'}'.repeat(depth)}`);
  const List = z.object({
    get next() {
      return List.nullable();
    },
  });
  test.each([
    ['zod', json(List)],
    ['JSON Schema', json({ type: ['object', 'null'], properties: { next: { $ref: '#' } } })],
    ['coerced', json(List, { coerce: true })],
  ])('beyond the stack is a fault of the input, by %s', async (_name, descriptor) => {
    expect(await descriptor.decode(nested(10), undefined)).toBeTruthy();
    expect(await thrownBy(() => descriptor.decode(nested(100_000), undefined))).toMatchObject({
      code: 'EKIBEN_INVALID_INPUT',
      details: { errors: [{ pointer: '', message: 'nests too deeply' }] },
    });
  });

  test('beyond the stack is malformed where a key has to be ignored', async () => {
    const body = bytes(`${'['.repeat(100_000)}{"__proto__":1}${']'.repeat(100_000)}`);
    expect(await thrownBy(() => json(z.unknown()).decode(body, undefined))).toMatchObject({
      code: 'EKIBEN_MALFORMED_JSON',
      message: 'The JSON nests too deeply.',
    });
  });
});

describe('a schema that validates asynchronously', () => {
  const taken = json(z.object({ name: z.string().refine(async (name) => name !== 'taken', 'is taken') }));

  test('makes a promise of the value', async () => {
    const value = taken.decode(bytes('{"name":"free"}'), undefined);
    expect(value).toBeInstanceOf(Promise);
    expect(await value).toEqual({ name: 'free' });
  });

  test('rejects with every fault', async () => {
    expect(await thrownBy(() => taken.decode(bytes('{"name":"taken"}'), undefined))).toMatchObject({
      code: 'EKIBEN_INVALID_INPUT',
      details: { errors: [{ pointer: '/name', message: 'is taken' }] },
    });
  });
});

test("an error of the schema's own code is not the client's", async () => {
  const broken = json(
    z.string().refine(() => {
      throw new Error('the database is down');
    }),
  );
  expect(await thrownBy(() => broken.decode(bytes('"x"'), undefined))).toMatchObject({
    message: 'the database is down',
  });
});

test('transforms give the handler what they make', () => {
  const when = json(z.object({ when: z.iso.datetime().transform((text) => new Date(text)) }));
  expect(when.decode(bytes('{"when":"2024-01-31T12:00:00Z"}'), undefined)).toEqual({
    when: new Date('2024-01-31T12:00:00Z'),
  });
});
