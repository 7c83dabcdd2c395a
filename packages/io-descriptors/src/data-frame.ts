/** Tables as rows of typed cells. */
import { EkibenError } from '@ekiben/spec';
import { readWhole } from './body.ts';
import { UNFIT, cellOf, cellOfText, cellSchema, columnOfText, dtypeOf, expectationOf } from './columns.ts';
import type { Cell, Column, Columns, Row, ToCell } from './columns.ts';
import { csv } from './csv.ts';
import type { Descriptor } from './descriptor.ts';
import { exampleFrom } from './example.ts';
import { exactJson } from './exact-json.ts';
import { FaultList, pointerTo, refusedInput, refusedOutput } from './faults.ts';
import { parseJson } from './json-text.ts';
import { DEFAULT_MAX_BYTES } from './limits.ts';
import { essenceOf, isJsonType, unsupportedType } from './media-type.ts';
import { ORIENTS, objectOf } from './table-json.ts';
import type { Orient } from './table-json.ts';
import { checkCells } from './table.ts';
import type { Table, TableFormat } from './table.ts';

export interface DataFrameOptions<C extends Columns = Columns> {
  /**
   * The columns that a row has, in the order of the table; others are left out. Without it rows have what comes, and of text that is
   * all numbers numbers are made.
   */
  readonly columns?: C | undefined;
  /** Whether names that come are replaced by those of `columns`, in order. @default false: columns are found by name */
  readonly applyColumnNames?: boolean | undefined;
  /** How a table stands in JSON. @default 'records' */
  readonly orient?: Orient | undefined;
  /** `[rows, columns]` of the table that comes; -1 for either means any. */
  readonly shape?: readonly [rows: number, columns: number] | undefined;
  /** Whether a table of another shape is refused. @default false: `shape` is for whoever reads the code */
  readonly enforceShape?: boolean | undefined;
  /** Formats that are taken besides JSON and CSV, such as `parquet` of `@ekiben/io-descriptors/parquet`. */
  readonly formats?: readonly TableFormat[] | undefined;
  /** The name of the format that `encode` makes, and that a body without `Content-Type` is of. @default 'json' */
  readonly format?: string | undefined;
  /** What the documentation fills in, as JSON. @default made from `columns` */
  readonly example?: unknown;
  /** The largest body, in bytes, that is read. @default 16 MiB */
  readonly maxBytes?: number | undefined;
}

/** What a client sends and gets: JSON in the orient, CSV as text, other formats as bytes. */
export type DataFrameWire<C extends Columns, F, O> = string extends F
  ? unknown
  : F extends 'json'
    ? O extends 'records'
      ? readonly WireRow<C>[]
      : unknown
    : F extends 'csv'
      ? string
      : Uint8Array;

type WireRow<C extends Columns> = string extends keyof C
  ? Readonly<Record<string, unknown>>
  : { readonly [K in keyof C]: Cell<C[K]> | (C[K] extends `float${string}` ? null : never) };

/**
 * A table, sent as JSON, CSV or any other of the `formats`, whichever the `Content-Type` says. The handler gets an array of rows, each
 * an object of cells by column. BentoML's `PandasDataFrame`.
 *
 * @throws EKIBEN_INVALID_SCHEMA for a `format` that is not there, or `applyColumnNames` without `columns`
 *
 * @example
 * dataFrame({ columns: { age: 'int32', income: 'float64', home: { dtype: 'string', nullable: true } } })
 */
export function dataFrame<
  const C extends Columns = Columns,
  const F extends string = 'json',
  const O extends Orient = 'records',
>(
  options: DataFrameOptions<C> & { readonly format?: F | undefined; readonly orient?: O | undefined } = {},
): Descriptor<DataFrameWire<C, F, O>, Row<C>[]> {
  return tableDescriptor(options) as unknown as Descriptor<DataFrameWire<C, F, O>, Row<C>[]>;
}

type AnyRow = Record<string, unknown>;

function tableDescriptor(options: DataFrameOptions): Descriptor<unknown, AnyRow[]> {
  const { columns, applyColumnNames = false, orient = 'records', maxBytes = DEFAULT_MAX_BYTES } = options;
  const names = columns && Object.keys(columns);
  const codec = ORIENTS[orient];
  const fromJson = (value: unknown) => codec.read(value, applyColumnNames ? undefined : names);
  const json: TableFormat = {
    name: 'json',
    mediaTypes: ['application/json'],
    read: (bytes) => fromJson(parseJson(bytes)),
    write: (table) => exactJson(codec.write(table)),
  };
  const { usual, formats } = formatsOf([json, csv, ...(options.formats ?? [])], options);
  const mediaTypes = formats.flatMap((format) => [...format.mediaTypes]);

  const incoming = (table: Table | Promise<Table>) =>
    table instanceof Promise ? table.then((each) => rowsOf(each, options)) : rowsOf(table, options);
  const outgoing = (rows: readonly AnyRow[]) => tableOf(rows, options);
  const cells = columns && Object.entries(columns).map(([name, column]) => documentedCell(name, column));
  const schema = codec.schema(cells);
  const exampleRow = cells?.map(({ cell }) => exampleFrom(cell));

  const formatOf = (contentType: string | undefined) => {
    const essence = essenceOf(contentType);
    const format = essence === undefined ? usual : formatFor(essence, formats);
    if (format === undefined) throw unsupportedType(contentType, mediaTypes);
    return format;
  };

  return {
    mediaTypes,
    contentType: usual.contentType ?? usual.mediaTypes[0],
    maxBytes,
    checkType: (contentType) => void formatOf(contentType),
    decode(body, contentType) {
      const format = formatOf(contentType);
      return readWhole(body, maxBytes, (bytes) => incoming(format.read(bytes)));
    },
    parse(value) {
      if (typeof value === 'string') return incoming(csv.read(Buffer.from(value)));
      return incoming(value instanceof Uint8Array ? usual.read(value) : fromJson(value));
    },
    encode: (rows) => usual.write(outgoing(rows)),
    toWire(rows) {
      const table = outgoing(rows);
      return usual === json
        ? codec.write({ ...table, rows: table.rows.map((row) => row.map(toJsonCell)) })
        : usual.write(table);
    },
    jsonSchema(_side, mediaType = usual.mediaTypes[0]) {
      if (isJsonType(mediaType)) return schema;
      return csv.mediaTypes.includes(mediaType) ? { type: 'string' } : { type: 'string', format: 'binary' };
    },
    example:
      options.example ??
      (names && exampleRow && usual === json ? codec.write({ names, rows: [exampleRow] }) : undefined),
  };
}

const documentedCell = (name: string, column: Column) => {
  const isRequired = cellOf(column)(undefined) === UNFIT;
  return { name, cell: cellSchema(column), isRequired };
};

function formatsOf(formats: readonly TableFormat[], { format = 'json', columns, applyColumnNames }: DataFrameOptions) {
  const usual = formats.find(({ name }) => name === format);
  const invalid = (message: string) => new EkibenError('EKIBEN_INVALID_SCHEMA', message);
  if (usual === undefined) {
    throw invalid(
      `There is no format '${format}', only ${formats.map(({ name }) => name).join(', ')}; others go into formats.`,
    );
  }
  if (applyColumnNames === true && columns === undefined) throw invalid('applyColumnNames needs columns.');
  return { usual, formats: [usual, ...formats.filter((each) => each !== usual)] };
}

const formatFor = (essence: string, formats: readonly TableFormat[]): TableFormat | undefined =>
  formats.find(({ name, mediaTypes }) => mediaTypes.includes(essence) || (name === 'json' && isJsonType(essence)));

/** Checks what came and makes rows of it. @throws EKIBEN_INVALID_INPUT with every fault */
function rowsOf(given: Table, options: DataFrameOptions): AnyRow[] {
  checkShape(given, options);
  const table = arranged(given, options);
  const { names, rows, isText = false, pointer = (row, column) => pointerTo(String(row), names[column] ?? '') } = table;
  const faults = new FaultList();
  const columns = names.map((name, i) => readerOf(table, i, options.columns?.[name]));
  const typed = rows.map((cells, row) => {
    const made: AnyRow = {};
    for (const [i, { name, toCell, expected }] of columns.entries()) {
      const cell = toCell(cells[i]);
      if (cell === UNFIT) faults.add(pointer(row, i), unfit(cells[i], expected, isText ? [row, i] : undefined));
      made[name] = cell;
    }
    return made;
  });
  faults.throwIfAny(refusedInput);
  return typed;
}

interface ColumnReader {
  readonly name: string;
  readonly toCell: ToCell;
  readonly expected: string;
}

function readerOf(
  { names, rows, isText = false }: Table,
  index: number,
  column: Columns[string] | undefined,
): ColumnReader {
  const name = names[index] ?? '';
  const known = column ?? (isText ? columnOfText(rows.map((row) => String(row[index]))) : undefined);
  if (known === undefined) return { name, toCell: plainCell, expected: 'anything' };
  return { name, toCell: isText ? cellOfText(known) : cellOf(known), expected: expectationOf(known) };
}

function unfit(value: unknown, expected: string, place: readonly [row: number, column: number] | undefined): string {
  if (value === undefined) return 'is required';
  const got = typeof value === 'object' ? (value === null ? 'null' : 'an object') : JSON.stringify(String(value));
  const where = place === undefined ? '' : ` (row ${place[0] + 1}, column ${place[1] + 1})`;
  return `must be ${expected}, not ${got}${where}`;
}

function checkShape({ rows, names }: Table, { shape, enforceShape = false }: DataFrameOptions): void {
  checkCells(rows.length, names.length);
  if (!enforceShape || shape === undefined) return;
  const found = [rows.length, names.length];
  if (shape.every((length, axis) => length === -1 || length === found[axis])) return;
  const message = `must have the shape [${shape.join(', ')}], not [${found.join(', ')}]`;
  throw refusedInput([{ pointer: '', message }]);
}

/** The columns that are wanted, in their order. */
function arranged(table: Table, { columns, applyColumnNames = false }: DataFrameOptions): Table {
  const { names, rows, pointer = (row, column) => pointerTo(String(row), names[column] ?? '') } = table;
  const wanted = columns && Object.keys(columns);
  const faults = new FaultList();
  const positions = new Map(names.map((name, i) => [name, i]));
  if (positions.size < names.length) faults.add('', 'has two columns of one name');
  // A row with such a property would get it as its prototype.
  if (positions.has('__proto__')) faults.add('', 'has a column __proto__');
  if (wanted !== undefined && applyColumnNames && wanted.length !== names.length) {
    faults.add('', `must have ${wanted.length} columns, not ${names.length}`);
  }
  for (const name of wanted === undefined || applyColumnNames ? [] : wanted) {
    if (!positions.has(name)) faults.add('', `has no column ${JSON.stringify(name)}`);
  }
  faults.throwIfAny(refusedInput);
  if (wanted === undefined) return table;
  if (applyColumnNames || wanted.every((name, i) => names[i] === name)) return { ...table, names: wanted };
  const from = wanted.map((name) => positions.get(name) ?? 0);
  return {
    ...table,
    names: wanted,
    rows: rows.map((row) => from.map((position) => row[position])),
    pointer: (row, column) => pointer(row, from[column] ?? 0),
  };
}

/** The table of what a handler returned. @throws EKIBEN_INVALID_OUTPUT */
function tableOf(rows: readonly AnyRow[], { columns }: DataFrameOptions) {
  if (!Array.isArray(rows) || !rows.every((row) => typeof row === 'object' && row !== null)) {
    throw refusedOutput([{ pointer: '', message: 'must be an array of rows' }]);
  }
  const names = columns ? Object.keys(columns) : [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const toCells = names.map((name) => (columns?.[name] === undefined ? anyCell : cellOf(columns[name])));
  const faults = new FaultList();
  const typed = rows.map((row, i) =>
    toCells.map((toCell, column) => {
      const name = names[column] ?? '';
      const cell = toCell(row[name]);
      if (cell === UNFIT)
        faults.add(pointerTo(String(i), name), `must be ${expectationOf(columns?.[name] ?? 'string')}`);
      return cell;
    }),
  );
  faults.throwIfAny(refusedOutput);
  const dtypes = objectOf(
    names,
    names.map((name) => columns?.[name] && dtypeOf(columns[name])),
  );
  return { names, rows: typed, dtypes: dtypes as Record<string, ReturnType<typeof dtypeOf> | undefined> };
}

const anyCell: ToCell = (value) => value ?? null;

/** A whole number of Parquet's is a bigint, of JSON's and CSV's a number: one kind where it can be. */
const plainCell: ToCell = (value) =>
  typeof value === 'bigint' && Number.isSafeInteger(Number(value)) ? Number(value) : (value ?? null);

/** As `JSON.stringify` has it. */
const toJsonCell = (cell: unknown): unknown => (typeof cell === 'number' && !Number.isFinite(cell) ? null : cell);
