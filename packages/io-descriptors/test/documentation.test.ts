// What descriptors tell about themselves: JSON Schema for OpenAPI 3.0 and an example.
import { describe, expect, test } from '@jest/globals';
import { Validator } from '@seriousme/openapi-schema-validator';
import fc from 'fast-check';
import * as v from 'valibot';
import * as z from 'zod';
import { exampleFrom, json, openApiSchema } from '../src/index.ts';
import type { JsonSchema } from '../src/index.ts';

const Category = z.object({
  name: z.string(),
  get parts() {
    return z.array(Category);
  },
});
const Address = z.object({ street: z.string() }).meta({ id: 'Address' });
const Everything = z.object({
  int: z.int(),
  above: z.number().gt(3),
  below: z.number().lt(3).min(1),
  nullable: z.string().nullable(),
  nothing: z.null(),
  literal: z.literal('x'),
  choice: z.enum(['a', 'b']).nullable(),
  either: z.union([z.int(), z.string()]),
  variant: z.discriminatedUnion('kind', [z.object({ kind: z.literal('x') }), z.object({ kind: z.literal('y') })]),
  pair: z.tuple([z.int(), z.string()]),
  rest: z.tuple([z.int()]).rest(z.boolean()),
  map: z.record(z.string(), z.int()),
  when: z.iso.datetime(),
  date: z.date().optional(),
  transformed: z.string().transform(Number),
  home: Address,
  work: Address.describe('Where to find it'),
  category: Category,
  defaulted: z.string().default('d'),
  loose: z.looseObject({}),
  strict: z.strictObject({ a: z.bigint().optional() }),
  noted: z.int().meta({ examples: [42], description: 'Noted.', deprecated: true }),
});

async function faultsOf(schema: JsonSchema) {
  const document = {
    openapi: '3.0.3',
    info: { title: 't', version: '1' },
    paths: {},
    components: { schemas: { S: schema } },
  };
  return (await new Validator().validate(document)).errors;
}

describe('the JSON Schema for OpenAPI', () => {
  test('comes from zod, for what is sent and what is got', () => {
    const descriptor = json(z.object({ a: z.int().min(0).max(9), b: z.string().default('x') }));
    const properties = { a: { type: 'integer', minimum: 0, maximum: 9 }, b: { type: 'string', default: 'x' } };
    expect(descriptor.jsonSchema('input')).toEqual({ type: 'object', properties, required: ['a'] });
    expect(descriptor.jsonSchema('output')).toEqual({
      type: 'object',
      properties,
      required: ['a', 'b'],
      additionalProperties: false,
    });
    expect(descriptor.jsonSchema('input')).toBe(descriptor.jsonSchema('input'));
  });

  test('is the JSON Schema that was given, or one beside another library', () => {
    const schema = { type: 'object', properties: { a: { type: 'integer' } } } as const;
    expect(json(schema).jsonSchema('output')).toEqual(schema);
    expect(json(v.object({ a: v.number() }), { jsonSchema: schema }).jsonSchema('input')).toEqual(schema);
    expect(json(v.object({ a: v.number() })).jsonSchema('input')).toBeUndefined();
  });

  test('of everything in zod is valid OpenAPI 3.0', async () => {
    for (const side of ['input', 'output'] as const) {
      expect(await faultsOf(json(Everything).jsonSchema(side) ?? {})).toBeUndefined();
    }
    // The validator does see what is wrong.
    expect(await faultsOf({ type: ['string', 'null'] })).toBeDefined();
  });

  test('says in the words of 3.0 what JSON Schema says', () => {
    expect(
      openApiSchema({
        $schema: 'https://json-schema.org/draft/2020-12/schema',
        type: 'object',
        properties: {
          a: { type: ['string', 'null'], maxLength: 3 },
          b: { type: ['string', 'integer', 'null'] },
          c: { type: 'null' },
          d: { const: 'x' },
          e: { type: 'number', exclusiveMinimum: 0, exclusiveMaximum: 1 },
          f: { type: 'number', exclusiveMinimum: 0, minimum: 1 },
          g: { type: 'array' },
          h: { prefixItems: [{ type: 'string' }, { type: 'integer' }], items: false } as unknown as JsonSchema,
          i: { anyOf: [{ type: 'integer' }, { type: 'null' }], description: 'Maybe' },
          j: { examples: [1, 2], 'x-order': 1 },
          k: { patternProperties: { '^a': { type: 'string' } }, additionalProperties: false },
          l: { anyOf: [{ enum: ['u'] }, { type: 'null' }] },
          m: { type: 'object', required: [] },
        },
      }).properties,
    ).toEqual({
      a: { type: 'string', nullable: true, maxLength: 3 },
      b: {
        anyOf: [
          { type: 'string', nullable: true },
          { type: 'integer', nullable: true },
        ],
      },
      c: { type: 'string', nullable: true, enum: [null] },
      d: { enum: ['x'] },
      e: { type: 'number', minimum: 0, exclusiveMinimum: true, maximum: 1, exclusiveMaximum: true },
      f: { type: 'number', minimum: 1 },
      g: { type: 'array', items: {} },
      h: { items: { anyOf: [{ type: 'string' }, { type: 'integer' }] }, maxItems: 2 },
      i: { type: 'integer', nullable: true, description: 'Maybe' },
      j: { example: 1, 'x-order': 1 },
      k: {},
      l: { anyOf: [{ enum: ['u'] }, { type: 'string', nullable: true, enum: [null] }] },
      m: { type: 'object' },
    });
  });

  test('holds no references: each is replaced by what it refers to, unless it is inside that', () => {
    const node = { type: 'object', properties: { next: { $ref: '#/$defs/Node', description: 'The next.' } } };
    expect(openApiSchema({ $ref: '#/$defs/Node', $defs: { Node: node } })).toEqual({
      type: 'object',
      properties: { next: { description: 'As #/$defs/Node, which this is a part of.' } },
    });
    expect(JSON.stringify(json(Everything).jsonSchema('input'))).not.toContain('$ref');
  });
});

describe('the example', () => {
  test('is the one given', () => {
    expect(json(z.object({ a: z.int() }), { example: { a: 7 } }).example).toEqual({ a: 7 });
  });

  test('is one that the schema itself accepts', () => {
    const { example, parse } = json(Everything.omit({ when: true }));
    expect(parse(example)).toMatchObject({ noted: 42, literal: 'x', pair: [1, 'string'] });
  });

  test('takes examples, defaults and allowed values from the schema', () => {
    expect(
      exampleFrom({
        properties: {
          a: { examples: [7] },
          b: { default: 'd' },
          c: { enum: ['e', 'f'] },
          d: { const: 0 },
          e: { example: 'x' },
        },
      }),
    ).toEqual({ a: 7, b: 'd', c: 'e', d: 0, e: 'x' });
  });

  test('joins what allOf and references bring together, and ends where a schema is inside itself', () => {
    const schema = {
      allOf: [
        { $ref: '#/$defs/Named' },
        { $ref: '#/$defs/Aged' },
        { properties: { tail: { type: 'boolean' } }, required: ['tail'] },
      ],
      $defs: {
        Named: { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] },
        Aged: {
          properties: { age: { type: 'integer' }, young: { type: 'array', items: { $ref: '#' } } },
          required: ['age'],
        },
      },
    };
    const example = exampleFrom(schema);
    expect(example).toMatchObject({ name: 'string', age: 1, tail: true, young: [{ name: 'string' }] });
    expect(json(schema).parse(example)).toEqual(example);
    expect(exampleFrom({ allOf: [{ $ref: '#' }] })).toBeNull();
    expect(exampleFrom({ $ref: '#' })).toBeNull();
  });

  test.each(['date', 'date-time', 'time', 'duration', 'email', 'hostname', 'ipv4', 'ipv6', 'uri', 'uuid'])(
    'of format %s is valid',
    (format) => {
      const schema = { type: 'string', format } as const;
      expect(json(schema).parse(exampleFrom(schema))).toBe(exampleFrom(schema));
    },
  );

  test('of any schema without patterns is valid', () => {
    const bound = fc.option(fc.integer({ min: -50, max: 50 }), { nil: undefined });
    const { schema } = fc.letrec<{ schema: JsonSchema }>((tie) => ({
      schema: fc.oneof(
        { depthSize: 'small', withCrossShrink: true },
        fc
          .record({
            type: fc.constantFrom('integer', 'number'),
            minimum: bound,
            width: fc.nat({ max: 40 }),
            open: fc.boolean(),
          })
          .map(({ type, minimum, width, open }) => ({
            type,
            ...(minimum !== undefined && (open ? { exclusiveMinimum: minimum } : { minimum })),
            ...(minimum !== undefined && { maximum: minimum + width + 1 }),
          })),
        fc
          .record({ type: fc.constant('string'), minLength: fc.nat({ max: 20 }), room: fc.nat({ max: 9 }) })
          .map(({ room, ...rest }) => ({
            ...rest,
            maxLength: rest.minLength + room,
          })),
        fc.constantFrom<JsonSchema>(
          { type: 'boolean' },
          { type: 'null' },
          { enum: ['a', 1] },
          { type: ['null', 'string'] },
        ),
        fc.record({ type: fc.constant('array'), items: tie('schema'), minItems: fc.nat({ max: 3 }) }),
        fc
          .record({
            type: fc.constant('object'),
            properties: fc.dictionary(fc.string({ minLength: 1 }), tie('schema'), { maxKeys: 3 }),
          })
          .map(({ type, properties }) => ({
            type,
            properties,
            required: Object.keys(properties),
          })),
        fc.record({ anyOf: fc.array(tie('schema'), { minLength: 1, maxLength: 3 }) }),
      ),
    }));
    fc.assert(
      fc.property(schema, (generated) => {
        const example = exampleFrom(generated);
        expect(json(generated).parse(example)).toEqual(example);
      }),
      { numRuns: 60 },
    );
  });
});
