/** One column. BentoML's `PandasSeries`. */
import { pointerTo } from '@ekiben/spec';
import { readWhole } from './body.ts';
import { UNFIT, cellOf, cellSchema, expectationOf } from './columns.ts';
import type { Cell, Column } from './columns.ts';
import type { Descriptor } from './descriptor.ts';
import { exampleFrom } from './example.ts';
import { exactJson } from './exact-json.ts';
import { FaultList, refusedInput, refusedOutput } from './faults.ts';
import type { JsonSchema } from './json-schema.ts';
import { parseJson } from './json-text.ts';
import { DEFAULT_MAX_BYTES } from './limits.ts';
import { checkJsonType } from './media-type.ts';
import { isObject } from './table-json.ts';

export interface SeriesOptions<C extends Column = Column> {
  /** What the values are. @default as JSON has them */
  readonly dtype?: C | undefined;
  /** `records` `[1, 2]`, `index` `{"0": 1, "1": 2}` or `split` `{"data": [1, 2]}`; labels are not kept. @default 'records' */
  readonly orient?: 'records' | 'index' | 'split' | undefined;
  /** How many values; -1 means any. */
  readonly shape?: readonly [length: number] | undefined;
  /** Whether a series of another length is refused. @default false: `shape` is for whoever reads the code */
  readonly enforceShape?: boolean | undefined;
  /** What the documentation fills in. @default made from the dtype */
  readonly example?: unknown;
  /** The largest body, in bytes, that is read. @default 16 MiB */
  readonly maxBytes?: number | undefined;
}

type Value<C extends Column> = [Column] extends [C] ? unknown : Cell<C>;
type WireValue<C extends Column> = Value<C> | (C extends `float${string}` ? null : never);

/**
 * A series of values in JSON; the handler gets an array. In a column of floats `null` is NaN, both ways.
 *
 * @example
 * series({ dtype: 'float32' })
 */
export function series<const C extends Column = Column, const O extends 'records' | 'index' | 'split' = 'records'>(
  options: SeriesOptions<C> & { readonly orient?: O | undefined } = {},
): Descriptor<O extends 'records' ? readonly WireValue<C>[] : unknown, Value<C>[]> {
  return seriesDescriptor(options) as unknown as ReturnType<typeof series<C, O>>;
}

function seriesDescriptor(options: SeriesOptions): Descriptor<unknown, unknown[]> {
  const { dtype, orient = 'records', maxBytes = DEFAULT_MAX_BYTES } = options;
  const { named, read, write, schemaOf } = ORIENTS[orient];
  const toCell = dtype === undefined ? (value: unknown) => value ?? null : cellOf(dtype);
  const expected = dtype === undefined ? 'anything' : expectationOf(dtype);
  const cell = dtype === undefined ? {} : cellSchema(dtype);
  const schema = schemaOf(cell);

  const parse = (value: unknown): unknown[] => {
    const { values, labels, prefix = '' } = read(value) ?? refuse(`must be ${named}`);
    checkLength(values.length, options);
    const faults = new FaultList();
    const typed = values.map((each, i) => {
      const made = toCell(each);
      if (made === UNFIT) faults.add(prefix + pointerTo(labels?.[i] ?? String(i)), `must be ${expected}`);
      return made;
    });
    faults.throwIfAny(refusedInput);
    return typed;
  };
  const toWire = (value: unknown[]): unknown => {
    if (!Array.isArray(value)) throw refusedOutput([{ pointer: '', message: 'must be an array' }]);
    const faults = new FaultList();
    const typed = value.map((each, i) => {
      const made = toCell(each);
      if (made === UNFIT) faults.add(pointerTo(String(i)), `must be ${expected}`);
      return typeof made === 'number' && !Number.isFinite(made) ? null : made;
    });
    faults.throwIfAny(refusedOutput);
    return write(typed);
  };
  return {
    mediaTypes: ['application/json'],
    contentType: 'application/json',
    maxBytes,
    checkType: checkJsonType,
    decode(body, contentType) {
      checkJsonType(contentType);
      return readWhole(body, maxBytes, (bytes) => parse(parseJson(bytes)));
    },
    parse,
    encode: (value) => exactJson(toWire(value)),
    toWire,
    jsonSchema: () => schema,
    example: options.example ?? write([exampleFrom(cell)]),
    bentoml: {
      id: 'bentoml.io.PandasSeries',
      args: { orient, shape: options.shape ?? null, enforce_shape: options.enforceShape ?? false },
    },
  };
}

interface Given {
  readonly values: readonly unknown[];
  readonly labels?: readonly string[];
  readonly prefix?: string;
}

interface SeriesCodec {
  readonly named: string;
  /** Undefined for what is not of this orient. */
  read(value: unknown): Given | undefined;
  write(values: readonly unknown[]): unknown;
  schemaOf(cell: JsonSchema): JsonSchema;
}

const ORIENTS: { readonly [O in 'records' | 'index' | 'split']: SeriesCodec } = {
  records: {
    named: 'an array of values',
    read: (value) => (Array.isArray(value) ? { values: value as unknown[] } : undefined),
    write: (values) => values,
    schemaOf: (cell) => ({ type: 'array', items: cell }),
  },
  index: {
    named: 'an object of values by label',
    read: (value) => (isObject(value) ? { values: Object.values(value), labels: Object.keys(value) } : undefined),
    write: (values) => Object.fromEntries(values.entries()),
    schemaOf: (cell) => ({ type: 'object', additionalProperties: cell }),
  },
  split: {
    named: "an object with an array of values as 'data', and of labels as 'index', if there are any",
    read(value) {
      const { data, index = [] } = isObject(value) ? value : {};
      return Array.isArray(data) && Array.isArray(index) ? { values: data, prefix: '/data' } : undefined;
    },
    write: (values) => ({ name: null, index: values.map((_, i) => i), data: values }),
    schemaOf: (cell) => ({
      type: 'object',
      properties: {
        name: {},
        index: { type: 'array', items: {} },
        data: { type: 'array', items: cell },
      },
      required: ['data'],
    }),
  },
};

function checkLength(length: number, { shape, enforceShape = false }: SeriesOptions): void {
  const [wanted = -1] = shape ?? [];
  if (enforceShape && wanted !== -1 && wanted !== length) refuse(`must have ${wanted} values, not ${length}`);
}

function refuse(message: string): never {
  throw refusedInput([{ pointer: '', message }]);
}
