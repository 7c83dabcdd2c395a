import { EkibenError } from '@ekiben/spec';
import type { DType } from '@ekiben/spec';
import type { EncodedBody } from './descriptor.ts';
import { MAX_CELLS } from './limits.ts';

/** A table as it comes, before its cells are checked. */
export interface Table {
  readonly names: readonly string[];
  /** Each as long as `names`; `undefined` and `null` are empty cells. */
  readonly rows: readonly (readonly unknown[])[];
  /** Whether the cells are text that has to be read as what their column is, as in CSV. @default false */
  readonly isText?: boolean | undefined;
  /** Where a cell stood in the input, as a JSON pointer. @default `/row/name` */
  readonly pointer?: ((row: number, column: number) => string) | undefined;
}

/** A table that goes out: its cells are what its columns hold. */
export interface TypedTable extends Table {
  /** By name; absent where it is not known. */
  readonly dtypes: Readonly<Record<string, DType | undefined>>;
}

/** How a table is written as bytes. CSV and Parquet are two; another can be a package of its own. */
export interface TableFormat {
  readonly name: string;
  /** That mean this format in a `Content-Type`; the first is the usual one. */
  readonly mediaTypes: readonly [string, ...string[]];
  /** The `Content-Type` of what `write` makes. @default the first of `mediaTypes` */
  readonly contentType?: string | undefined;
  /** @throws EKIBEN_INVALID_INPUT */
  read(bytes: Uint8Array): Table | Promise<Table>;
  write(table: TypedTable): EncodedBody | Promise<EncodedBody>;
}

/** @throws EKIBEN_BODY_TOO_LARGE */
export function checkCells(rows: number, columns: number): void {
  if (rows * columns <= MAX_CELLS) return;
  const message = `The table has ${rows} rows of ${columns} columns; at most ${MAX_CELLS} cells are taken.`;
  throw new EkibenError('EKIBEN_BODY_TOO_LARGE', message, { details: { maxCells: MAX_CELLS } });
}
