/**
 * Tables in JSON, in the ways that pandas calls orients
 * (https://pandas.pydata.org/docs/reference/api/pandas.DataFrame.to_json.html).
 */
import { pointerTo } from '@ekiben/spec';
import { FaultList, refusedInput } from './faults.ts';
import type { JsonSchema } from './json-schema.ts';
import { checkCells } from './table.ts';
import type { Table } from './table.ts';

/**
 * How a table stands in JSON: `records` `[{a: 1}, …]`, `columns` `{a: {"0": 1, …}}` or `{a: [1, …]}`, `index` `{"0": {a: 1}, …}`,
 * `split` `{columns: ["a"], data: [[1], …]}`, `values` `[[1], …]`.
 *
 * Labels of rows are not kept: what goes out is numbered from 0. In `columns` and `index`, which are JSON objects, rows with whole
 * numbers for labels come in the order of these, others in that of the text.
 */
export type Orient = 'records' | 'columns' | 'index' | 'split' | 'values';

interface OrientCodec {
  /** @param declared - names of columns, where they are known */
  read(value: unknown, declared: readonly string[] | undefined): Table;
  write(table: Table): unknown;
  schema(cells: Cells | undefined): JsonSchema;
}

/** The schema of a cell of each column, and whether a row has to have it. */
type Cells = readonly { readonly name: string; readonly cell: JsonSchema; readonly isRequired: boolean }[];
type Labelled = Readonly<Record<string, unknown>>;

export const ORIENTS: { readonly [O in Orient]: OrientCodec } = {
  records: {
    read: (value, declared) => fromRows(Array.isArray(value) ? value : mustBe('an array of rows'), undefined, declared),
    write: ({ names, rows }) => rows.map((row) => objectOf(names, row)),
    schema: (cells) => ({ type: 'array', items: objectSchema(cells) }),
  },
  index: {
    read(value, declared) {
      const rows = isObject(value) ? value : mustBe('an object of rows by label');
      return fromRows(Object.values(rows), Object.keys(rows), declared);
    },
    write: ({ names, rows }) => numbered(rows.map((row) => objectOf(names, row))),
    schema: (cells) => ({ type: 'object', additionalProperties: objectSchema(cells) }),
  },
  columns: {
    read: (value, declared) => fromColumns(isObject(value) ? value : mustBe('an object of columns by name'), declared),
    write: ({ names, rows }) =>
      objectOf(
        names,
        names.map((_, column) => numbered(rows.map((row) => row[column]))),
      ),
    schema: (cells) =>
      objectSchema(
        cells?.map(({ name, cell }) => {
          const column = { type: 'object', additionalProperties: cell };
          return { name, cell: column, isRequired: true };
        }),
      ),
  },
  split: {
    read(value) {
      const { columns, index, data } = isObject(value) ? value : mustBe("an object with 'columns' and 'data'");
      if (index !== undefined && !Array.isArray(index)) mustBe('an array of labels', 'index');
      const isNames = Array.isArray(columns) && columns.every((name) => ['string', 'number'].includes(typeof name));
      return fromArrays(data, isNames ? columns.map(String) : mustBe('an array of names', 'columns'), ['data']);
    },
    write: ({ names, rows }) => ({ columns: names, index: rows.map((_, i) => i), data: rows }),
    schema: (cells) => ({
      type: 'object',
      properties: {
        columns: { type: 'array', items: { type: 'string' } },
        index: { type: 'array', items: {} },
        data: arraysSchema(cells),
      },
      required: ['columns', 'data'],
    }),
  },
  values: {
    read(value, declared) {
      const first: unknown = Array.isArray(value) ? value[0] : undefined;
      const width = Array.isArray(first) ? first.length : 0;
      return fromArrays(value, declared ?? Array.from({ length: width }, (_, i) => String(i)), []);
    },
    write: ({ rows }) => rows,
    schema: arraysSchema,
  },
};

/** Objects of cells, by column. */
function fromRows(
  rows: readonly unknown[],
  labels: readonly string[] | undefined,
  declared: readonly string[] | undefined,
): Table {
  const label = (row: number) => labels?.[row] ?? String(row);
  const faults = new FaultList();
  const found = new Set<string>();
  rows.forEach((row, i) => {
    if (!isObject(row)) faults.add(pointerTo(label(i)), 'must be an object of cells by column');
    else if (declared === undefined) for (const name of Object.keys(row)) found.add(name);
  });
  faults.throwIfAny(refusedInput);
  const names = declared ?? [...found];
  checkCells(rows.length, names.length);
  return {
    names,
    rows: (rows as readonly Labelled[]).map((row) => names.map((name) => ownOf(row, name))),
    pointer: (row, column) => pointerTo(label(row), names[column] ?? ''),
  };
}

/** Arrays of cells, in the order of the columns. */
function fromArrays(value: unknown, names: readonly string[], prefix: readonly string[]): Table {
  const rows: readonly unknown[] = Array.isArray(value) ? value : mustBe('an array of rows', ...prefix);
  const faults = new FaultList();
  rows.forEach((row, i) => {
    if (Array.isArray(row) && row.length === names.length) return;
    faults.add(pointerTo(...prefix, String(i)), `must be an array of ${names.length} cells`);
  });
  faults.throwIfAny(refusedInput);
  const pointer = (row: number, column: number) => pointerTo(...prefix, String(row), String(column));
  return { names, rows: rows as readonly unknown[][], pointer };
}

/** Objects or arrays of cells, by row, which have to be the same in every column. */
function fromColumns(columns: Labelled, declared: readonly string[] | undefined): Table {
  const names = declared ?? Object.keys(columns);
  const faults = new FaultList();
  const found = names.map((name) => ownOf(columns, name));
  const labels = Object.keys(found.find((cells) => typeof cells === 'object' && cells !== null) ?? []);
  found.forEach((cells, column) => {
    const pointer = pointerTo(names[column] ?? '');
    if (cells === undefined) faults.add(pointer, 'is required');
    else if (typeof cells !== 'object' || cells === null) faults.add(pointer, 'must be an object or array of cells');
    else if (Object.keys(cells).length !== labels.length || !labels.every((label) => Object.hasOwn(cells, label))) {
      faults.add(pointer, 'must have the same rows as the other columns');
    }
  });
  faults.throwIfAny(refusedInput);
  checkCells(labels.length, names.length);
  return {
    names,
    rows: labels.map((label) => found.map((cells) => (cells as Labelled)[label])),
    pointer: (row, column) => pointerTo(names[column] ?? '', labels[row] ?? ''),
  };
}

export const isObject = (value: unknown): value is Labelled =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const ownOf = (object: Labelled, name: string): unknown => (Object.hasOwn(object, name) ? object[name] : undefined);

function mustBe(what: string, ...place: readonly string[]): never {
  throw refusedInput([{ pointer: pointerTo(...place), message: `must be ${what}` }]);
}

/** `Object.fromEntries` defines properties, so that no name is special. */
export const objectOf = (names: readonly string[], values: readonly unknown[]): Record<string, unknown> =>
  Object.fromEntries(names.map((name, i) => [name, values[i]]));

const numbered = (values: readonly unknown[]): Record<string, unknown> => Object.fromEntries(values.entries());

function objectSchema(cells: Cells | undefined): JsonSchema {
  if (cells === undefined) return { type: 'object' };
  const required = cells.filter(({ isRequired }) => isRequired).map(({ name }) => name);
  const properties = Object.fromEntries(cells.map(({ name, cell }) => [name, cell]));
  return { type: 'object', properties, ...(required.length > 0 && { required }) };
}

function arraysSchema(cells: Cells | undefined): JsonSchema {
  return {
    type: 'array',
    items: { type: 'array', items: {}, ...(cells && { minItems: cells.length, maxItems: cells.length }) },
  };
}
