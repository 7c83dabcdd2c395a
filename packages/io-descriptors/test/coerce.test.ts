import { describe, expect, test } from '@jest/globals';
import * as v from 'valibot';
import * as z from 'zod';
import { json } from '../src/index.ts';
import { bytes, thrownBy } from './thrown.ts';

const schema = {
  type: 'object',
  properties: {
    age: { type: 'integer' },
    income: { type: 'number' },
    home: { type: 'string' },
    married: { type: 'boolean' },
    tags: { type: 'array', items: { type: 'integer' } },
  },
  required: ['age'],
} as const;
const Application = z.object({
  age: z.int(),
  income: z.number().optional(),
  home: z.string().optional(),
  married: z.boolean().optional(),
  tags: z.array(z.int()).optional(),
});
const viaValibot = v.object({
  age: v.pipe(v.number(), v.integer()),
  income: v.optional(v.number()),
  home: v.optional(v.string()),
  married: v.optional(v.boolean()),
  tags: v.optional(v.array(v.number())),
});

describe.each([
  ['a JSON Schema', json(schema, { coerce: true })],
  ['zod', json(Application, { coerce: true })],
  ['another library, with its JSON Schema beside it', json(viaValibot, { coerce: true, jsonSchema: schema })],
])('coerce with %s', (_name, descriptor) => {
  test('converts what means the same', () => {
    const body = '{"age":"26","income":"1e3","home":7,"married":"true","tags":["1",2]}';
    expect(descriptor.decode(bytes(body), undefined)).toEqual({
      age: 26,
      income: 1000,
      home: '7',
      married: true,
      tags: [1, 2],
    });
  });

  test('leaves the rest to the schema', async () => {
    const error = await thrownBy(() =>
      descriptor.decode(bytes('{"age":"26.5","income":"much","married":"yes"}'), undefined),
    );
    expect(error.details?.errors?.map(({ pointer }) => pointer)).toEqual(['/age', '/income', '/married']);
  });

  test('changes nothing of what a caller passed', () => {
    const passed = { age: '26' };
    expect(descriptor.parse(passed)).toEqual({ age: 26 });
    expect(passed).toEqual({ age: '26' });
  });

  test('is for input only', async () => {
    expect(await thrownBy(() => descriptor.encode({ age: '26' } as never))).toMatchObject({
      code: 'EKIBEN_INVALID_OUTPUT',
    });
  });
});

test('coerces a value that is no object', () => {
  expect(json({ type: 'integer' }, { coerce: true }).decode(bytes('"3"'), undefined)).toBe(3);
  expect(json(z.int(), { coerce: true }).decode(bytes('"3"'), undefined)).toBe(3);
});

test('refuses at once to coerce by a schema that does not tell its types', () => {
  expect(() => json(viaValibot, { coerce: true })).toThrow(
    expect.objectContaining({
      code: 'EKIBEN_INVALID_SCHEMA',
      message: expect.stringContaining('valibot needs the option jsonSchema'),
    }),
  );
});
