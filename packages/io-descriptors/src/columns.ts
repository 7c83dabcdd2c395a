/** Columns of a table: what their cells are, and how values and text become them. */
import type { DType, Scalar } from '@ekiben/spec';
import { DTYPE_SCHEMAS } from './dtype-schema.ts';
import type { JsonSchema } from './json-schema.ts';

/**
 * A dtype, or one beside which a cell may be empty: `null`, in CSV nothing. An empty cell of a float column that is not nullable is
 * NaN, as in pandas.
 */
export type Column = DType | { readonly dtype: DType; readonly nullable?: boolean | undefined };

/** By name, in the order of the table. */
export type Columns = Readonly<Record<string, Column>>;

/** What a cell is in a handler. */
export type Cell<C> = C extends DType
  ? Scalar<C>
  : C extends { readonly dtype: infer D extends DType; readonly nullable: true }
    ? Scalar<D> | null
    : C extends { readonly dtype: infer D extends DType }
      ? Scalar<D>
      : never;

/** A row of a table with such columns; without any, whatever comes. */
export type Row<C extends Columns> = string extends keyof C
  ? Record<string, unknown>
  : { -readonly [K in keyof C]: Cell<C[K]> };

/** In place of a cell that does not fit. */
export const UNFIT = Symbol('a value that its column cannot hold');

/** A cell of a column, or {@link UNFIT}. `null` is empty, `undefined` is not there at all. */
export type ToCell = (value: unknown) => unknown;

export const dtypeOf = (column: Column): DType => specOf(column).dtype;

const specOf = (column: Column) => (typeof column === 'string' ? { dtype: column, nullable: false } : column);

/** Of values, as JSON and Parquet have them: nothing is parsed or cut, floats round. */
export function cellOf(column: Column): ToCell {
  const { dtype, nullable = false } = specOf(column);
  const empty = nullable ? null : dtype.startsWith('float') ? NaN : UNFIT;
  const convert = CONVERT[dtype];
  return (value) => (value === null || (value === undefined && nullable) ? empty : convert(value));
}

/** Of text, as CSV has it. */
export function cellOfText(column: Column): ToCell {
  const { dtype, nullable = false } = specOf(column);
  const convert = cellOf(column);
  const parse =
    dtype === 'string' ? String : dtype === 'bool' ? parseBoolean : /int64/.test(dtype) ? parse64 : parseNumber;
  return (value) => {
    const text = String(value);
    return convert(text === '' && (nullable || dtype !== 'string') ? null : (parse(text) ?? text));
  };
}

/** The dtypes that text of unknown columns may be of, the plainest first. */
export function columnOfText(cells: readonly string[]): Column {
  const filled = cells.filter((text) => text !== '');
  const are = (parse: (text: string) => unknown) =>
    filled.length > 0 && filled.every((text) => parse(text) !== undefined);
  if (are(parseNumber)) return 'float64';
  return { dtype: are(parseBoolean) ? 'bool' : 'string', nullable: true };
}

const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;
const SPECIAL: ReadonlyMap<string, number> = new Map([
  ['nan', NaN],
  ['inf', Infinity],
  ['infinity', Infinity],
  ['-inf', -Infinity],
  ['-infinity', -Infinity],
]);

/** @returns undefined for what is no number */
function parseNumber(text: string): number | undefined {
  return NUMBER.test(text) ? Number(text) : SPECIAL.get(text.toLowerCase());
}

/** No 64-bit integer has more digits; BigInt would read a million of them, slowly. */
const INTEGER = /^[+-]?\d{1,20}$/;
const parse64 = (text: string): bigint | undefined => (INTEGER.test(text) ? BigInt(text) : undefined);

function parseBoolean(text: string): boolean | undefined {
  const lower = text.toLowerCase();
  return lower === 'true' ? true : lower === 'false' ? false : undefined;
}

const toNumber = (value: unknown): unknown => (typeof value === 'bigint' ? Number(value) : value);

const float =
  (round: (value: number) => number): ToCell =>
  (value) => {
    const number = toNumber(value);
    return typeof number === 'number' ? round(number) : UNFIT;
  };

const integer =
  (low: number, high: number): ToCell =>
  (value) => {
    const number = toNumber(value);
    return Number.isInteger(number) && (number as number) >= low && (number as number) <= high ? number : UNFIT;
  };

const integer64 =
  (wrap: (value: bigint) => bigint): ToCell =>
  (value) => {
    const bigint = Number.isSafeInteger(value) ? BigInt(value as number) : value;
    return typeof bigint === 'bigint' && wrap(bigint) === bigint ? bigint : UNFIT;
  };

const identity = (value: number) => value;

const CONVERT: { readonly [D in DType]: ToCell } = {
  // Its 11 bits are not kept in a cell; a tensor of the column rounds.
  float16: float(Math.fround),
  float32: float(Math.fround),
  float64: float(identity),
  int8: integer(-(2 ** 7), 2 ** 7 - 1),
  int16: integer(-(2 ** 15), 2 ** 15 - 1),
  int32: integer(-(2 ** 31), 2 ** 31 - 1),
  int64: integer64((value) => BigInt.asIntN(64, value)),
  uint8: integer(0, 2 ** 8 - 1),
  uint16: integer(0, 2 ** 16 - 1),
  uint32: integer(0, 2 ** 32 - 1),
  uint64: integer64((value) => BigInt.asUintN(64, value)),
  bool: (value) => (typeof value === 'boolean' ? value : UNFIT),
  string: (value) => (typeof value === 'string' ? value : UNFIT),
};

/** What a column takes, in words. */
export function expectationOf(column: Column): string {
  const { dtype, nullable = false } = specOf(column);
  return nullable ? `${dtype} or empty` : dtype;
}

/** One cell, in the dialect of OpenAPI 3.0. */
export function cellSchema(column: Column): JsonSchema {
  const { dtype, nullable = false } = specOf(column);
  return nullable ? { ...DTYPE_SCHEMAS[dtype], nullable } : DTYPE_SCHEMAS[dtype];
}
