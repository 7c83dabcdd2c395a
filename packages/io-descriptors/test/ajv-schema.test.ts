import { execFileSync } from 'node:child_process';
import { expect, test } from '@jest/globals';
import { json } from '../src/index.ts';
import type { JsonSchema } from '../src/index.ts';
import { bytes, thrownBy } from './thrown.ts';

test.each<[what: string, schema: JsonSchema, message: RegExp]>([
  ['an unknown type', { type: 'objekt' }, /type/],
  ['a misspelt keyword', { type: 'object', requierd: ['a'] }, /requierd/],
  ['an unknown format', { type: 'string', format: 'datetime' }, /datetime/],
  ['a reference to nothing', { $ref: '#/$defs/Nothing' }, /Nothing/],
  ['one that validates asynchronously', { $async: true, type: 'integer' }, /\$async/],
  ['a draft that is not supported', { $schema: 'http://json-schema.org/draft-04/schema#' }, /draft-04/],
])('refuses %s when the descriptor is made', (_what, schema, message) => {
  expect(() => json(schema)).toThrow(
    expect.objectContaining({ code: 'EKIBEN_INVALID_SCHEMA', message: expect.stringMatching(message) }),
  );
});

test('knows the keywords of draft 2020-12, and of draft 7 when told', async () => {
  const now = json({ prefixItems: [{ type: 'string' }], items: false } as unknown as JsonSchema);
  const then = json({
    $schema: 'http://json-schema.org/draft-07/schema#',
    items: [{ type: 'string' }],
    additionalItems: false,
  } as unknown as JsonSchema);
  for (const descriptor of [now, then]) {
    expect(descriptor.decode(bytes('["a"]'), undefined)).toEqual(['a']);
    expect(await thrownBy(() => descriptor.decode(bytes('[1]'), undefined))).toMatchObject({
      details: { errors: [{ pointer: '/0' }] },
    });
    expect(await thrownBy(() => descriptor.decode(bytes('["a",2]'), undefined))).toMatchObject({
      code: 'EKIBEN_INVALID_INPUT',
    });
  }
});

test('checks formats and accepts the annotations of OpenAPI', async () => {
  const when = json({ type: 'string', format: 'date-time', example: '2024-01-31T12:00:00Z' });
  expect(when.decode(bytes('"2024-01-31T12:00:00Z"'), undefined)).toBe('2024-01-31T12:00:00Z');
  expect(await thrownBy(() => when.decode(bytes('"31 January"'), undefined))).toMatchObject({
    code: 'EKIBEN_INVALID_INPUT',
  });
});

test('two schemas may have the same $id', () => {
  const schema = { $id: 'https://example.com/a', type: 'integer' } as const;
  expect([json(schema), json(schema)].map((descriptor) => descriptor.decode(bytes('1'), undefined))).toEqual([1, 1]);
});

test('ajv is loaded by the first JSON Schema, not by zod', () => {
  const program = `
    import { createRequire } from 'node:module';
    import * as z from 'zod';
    import { json } from '@ekiben/io-descriptors';
    const { cache } = createRequire(import.meta.url);
    const isLoaded = () => Object.keys(cache).some((path) => path.includes('ajv'));
    const zod = json(z.object({ a: z.int() }));
    zod.decode(Buffer.from('{"a":1}'));
    zod.jsonSchema('input');
    const before = isLoaded();
    json({ type: 'integer' });
    console.log(JSON.stringify({ before, after: isLoaded() }));
  `;
  const printed = execFileSync(process.execPath, ['--input-type=module', '--eval', program], {
    cwd: import.meta.dirname,
  });
  expect(JSON.parse(printed.toString())).toEqual({ before: false, after: true });
});
