/** Descriptors made of a sample of what comes: schema, dtype and shape, and the documentation's example. BentoML's `from_sample`. */
import type { DType, Tensor } from '@ekiben/spec';
import { isTensor, toNested } from '@ekiben/tensor';
import type { Column } from './columns.ts';
import { dataFrame } from './data-frame.ts';
import type { DataFrameOptions } from './data-frame.ts';
import type { Descriptor } from './descriptor.ts';
import type { JsonSchema } from './json-schema.ts';
import { json } from './json.ts';
import type { JsonOptions } from './json.ts';
import { naNToNull } from './ndarray-json.ts';
import { ndarray } from './ndarray.ts';
import type { NdarrayOptions, NdarrayWire } from './ndarray.ts';
import { series } from './series.ts';
import type { SeriesOptions } from './series.ts';
import { ORIENTS } from './table-json.ts';
import { text } from './text.ts';
import type { TextOptions } from './text.ts';

/**
 * The descriptor that a sample fits, with the sample as its example; what the options say wins.
 *
 * - a tensor makes {@link ndarray} of its dtype and shape, save the first axis, which is taken for that of the batch and is free;
 * - rows make {@link dataFrame}, and values {@link series}, when `as` says so;
 * - a string makes {@link text};
 * - anything else makes {@link json} of a schema in which every property of the sample is required and further ones are let through.
 *   JSON has one kind of number: that of the sample may be a whole one by chance.
 *
 * @example
 * fromSample({ age: 26, home: 'owner' })
 * fromSample([{ age: 26, home: 'owner' }], { as: 'dataFrame' })
 */
export function fromSample<D extends DType>(
  sample: Tensor<D>,
  options?: NdarrayOptions<D>,
): Descriptor<NdarrayWire<D>, Tensor<D>>;
export function fromSample(sample: string, options?: TextOptions): Descriptor<string, string>;
export function fromSample<R extends object>(
  sample: readonly R[],
  options: Omit<DataFrameOptions, 'columns'> & { readonly as: 'dataFrame' },
): Descriptor<readonly R[], R[]>;
export function fromSample<V extends number | bigint | boolean | string>(
  sample: readonly V[],
  options: Omit<SeriesOptions, 'dtype'> & { readonly as: 'series' },
): Descriptor<readonly V[], V[]>;
export function fromSample<T>(sample: T, options?: JsonOptions<T>): Descriptor<T, T>;
export function fromSample(sample: unknown, options: object = {}): unknown {
  const { as, ...others } = options as { readonly as?: string };
  if (as === 'dataFrame') return tableOf(sample as readonly Values[], others);
  if (as === 'series') return series({ dtype: columnOf(sample as readonly unknown[]), example: sample, ...others });
  if (typeof sample === 'string') return text({ example: sample, ...others });
  if (isTensor(sample)) return tensorOf(sample, others);
  return json(schemaOf([sample]), { example: sample, ...others });
}

type Values = Readonly<Record<string, unknown>>;

function tensorOf(sample: Tensor, options: NdarrayOptions): Descriptor<unknown, Tensor> {
  const { dtype, shape } = sample;
  const example = naNToNull(toNested(sample)) as NdarrayWire;
  return ndarray({ dtype, shape: shape.map((length, axis) => (axis === 0 ? -1 : length)), example, ...options });
}

function tableOf(rows: readonly Values[], options: DataFrameOptions): Descriptor<unknown, Record<string, unknown>[]> {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const columns = Object.fromEntries(names.map((name) => [name, columnOf(rows.map((row) => row[name]))]));
  const { orient = 'records', format = 'json' } = options;
  const cells = rows.map((row) => names.map((name) => row[name] ?? null));
  const example = format === 'json' ? ORIENTS[orient].write({ names, rows: cells }) : undefined;
  return dataFrame({ columns, example, ...options });
}

const DTYPES: Readonly<Record<string, DType>> = { number: 'float64', bigint: 'int64', boolean: 'bool' };

function columnOf(cells: readonly unknown[]): Column {
  const filled = cells.filter((cell) => cell !== null && cell !== undefined);
  const dtype = DTYPES[typeof filled[0]] ?? 'string';
  return filled.length < cells.length ? { dtype, nullable: true } : dtype;
}

/** What all the values, which stand in one place, have in common. */
function schemaOf(values: readonly unknown[]): JsonSchema {
  const kinds = new Map<string, unknown[]>();
  for (const value of values) {
    const kind = value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value;
    kinds.set(kind, [...(kinds.get(kind) ?? []), value]);
  }
  const schemas = [...kinds].map(([kind, of]) => schemaOfKind(kind, of));
  const [first] = schemas;
  if (first === undefined) return {};
  return schemas.length === 1 ? first : { anyOf: schemas };
}

function schemaOfKind(kind: string, values: readonly unknown[]): JsonSchema {
  if (kind === 'array') return { type: 'array', items: schemaOf((values as readonly unknown[][]).flat(1)) };
  if (kind !== 'object') return { type: kind === 'bigint' ? 'integer' : kind };
  const objects = values as readonly Values[];
  const names = [...new Set(objects.flatMap((each) => Object.keys(each)))];
  const having = (name: string) => objects.filter((each) => Object.hasOwn(each, name));
  const properties = names.map((name) => [name, schemaOf(having(name).map((each) => each[name]))]);
  const required = names.filter((name) => having(name).length === objects.length);
  return { type: 'object', properties: Object.fromEntries(properties), required };
}
