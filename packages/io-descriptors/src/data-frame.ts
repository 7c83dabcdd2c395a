/** Tables as rows of typed cells. */
import { EkibenError } from '@ekiben/spec';
import { readWhole } from './body.ts';
import { UNFIT, cellOf, cellSchema } from './columns.ts';
import type { Cell, Column, Columns, Row } from './columns.ts';
import { csv } from './csv.ts';
import type { Descriptor } from './descriptor.ts';
import { exampleFrom } from './example.ts';
import { exactJson } from './exact-json.ts';
import { parseJson } from './json-text.ts';
import { DEFAULT_MAX_BYTES } from './limits.ts';
import { essenceOf, isJsonType, unsupportedType } from './media-type.ts';
import { ORIENTS } from './table-json.ts';
import type { Orient } from './table-json.ts';
import type { Table, TableFormat } from './table.ts';
import { rowsOf, tableOf } from './typed-rows.ts';
import type { AnyRow } from './typed-rows.ts';

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
      return csv.mediaTypes.includes(mediaType)
        ? { type: 'string', minLength: 1 }
        : { type: 'string', format: 'binary' };
    },
    example:
      options.example ??
      (names && exampleRow && usual === json ? codec.write({ names, rows: [exampleRow] }) : undefined),
    bentoml: { id: 'bentoml.io.PandasDataFrame', args: bentomlArgs(options) },
  };
}

const bentomlArgs = ({
  orient = 'records',
  columns,
  shape,
  enforceShape = false,
  format = 'json',
}: DataFrameOptions) => ({
  orient,
  columns: columns === undefined ? null : Object.keys(columns),
  shape: shape ?? null,
  enforce_shape: enforceShape,
  default_format: format,
});

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

/** As `JSON.stringify` has it. */
const toJsonCell = (cell: unknown): unknown => (typeof cell === 'number' && !Number.isFinite(cell) ? null : cell);
