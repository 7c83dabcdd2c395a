/** Between tables, as formats have them, and rows of typed cells, as handlers have them. */
import { pointerTo } from '@ekiben/spec';
import { UNFIT, cellOf, cellOfText, columnOfText, dtypeOf, expectationOf } from './columns.ts';
import type { Column, Columns, ToCell } from './columns.ts';
import { FaultList, refusedInput, refusedOutput } from './faults.ts';
import { objectOf } from './table-json.ts';
import { checkCells } from './table.ts';
import type { Table, TypedTable } from './table.ts';

/** What is wanted of a table; `DataFrameOptions` says it in full. */
export interface Wanted {
  readonly columns?: Columns | undefined;
  readonly applyColumnNames?: boolean | undefined;
  readonly shape?: readonly [rows: number, columns: number] | undefined;
  readonly enforceShape?: boolean | undefined;
}

export type AnyRow = Record<string, unknown>;

/** Checks what came and makes rows of it. @throws EKIBEN_INVALID_INPUT with every fault */
export function rowsOf(given: Table, options: Wanted): AnyRow[] {
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

function readerOf({ names, rows, isText = false }: Table, index: number, column: Column | undefined): ColumnReader {
  const name = names[index] ?? '';
  const known = column ?? (isText ? columnOfText(rows.map((row) => String(row[index]))) : undefined);
  if (known === undefined) return { name, toCell: plainCell, expected: 'anything' };
  return { name, toCell: isText ? cellOfText(known) : cellOf(known), expected: expectationOf(known) };
}

/** Characters of a cell that a fault repeats. */
const SHOWN = 60;

function unfit(value: unknown, expected: string, place: readonly [row: number, column: number] | undefined): string {
  if (value === undefined) return 'is required';
  const got =
    typeof value === 'object' ? (value === null ? 'null' : 'an object') : JSON.stringify(String(value).slice(0, SHOWN));
  const where = place === undefined ? '' : ` (row ${place[0] + 1}, column ${place[1] + 1})`;
  return `must be ${expected}, not ${got}${where}`;
}

function checkShape({ rows, names }: Table, { shape, enforceShape = false }: Wanted): void {
  checkCells(rows.length, names.length);
  if (!enforceShape || shape === undefined) return;
  const found = [rows.length, names.length];
  if (shape.every((length, axis) => length === -1 || length === found[axis])) return;
  const message = `must have the shape [${shape.join(', ')}], not [${found.join(', ')}]`;
  throw refusedInput([{ pointer: '', message }]);
}

/** The columns that are wanted, in their order. */
function arranged(table: Table, { columns, applyColumnNames = false }: Wanted): Table {
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
export function tableOf(rows: readonly AnyRow[], { columns }: Wanted): TypedTable {
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
  return { names, rows: typed, dtypes: dtypes as TypedTable['dtypes'] };
}

const anyCell: ToCell = (value) => value ?? null;

/** A whole number of Parquet's is a bigint, of JSON's and CSV's a number: one kind where it can be. */
const plainCell: ToCell = (value) =>
  typeof value === 'bigint' && Number.isSafeInteger(Number(value)) ? Number(value) : (value ?? null);
