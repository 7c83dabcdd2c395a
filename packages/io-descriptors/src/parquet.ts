/** Tables as Parquet files, read and written by hyparquet, as one of the `formats` of `dataFrame`. */
import type { DType } from '@ekiben/spec';
import type { SchemaElement } from 'hyparquet';
import { refusedOutput } from './faults.ts';
import { readParquet } from './parquet-readers.ts';
import { importPeer } from './peer.ts';
import type { TableFormat, TypedTable } from './table.ts';

const PEERS = 'hyparquet hyparquet-compressors hyparquet-writer';
const { parquetWriteBuffer, schemaFromColumnData } = await importPeer(() => import('hyparquet-writer'), PEERS);
// The readers need them; better missed now than at the first table.
await importPeer(() => Promise.all([import('hyparquet'), import('hyparquet-compressors')]), PEERS);

/**
 * Parquet, in every compression that pandas and Polars write. Columns are flat: lists and structs are refused. Whole numbers that are
 * not declared as 64 bits wide come as numbers while that is exact.
 *
 * @example
 * dataFrame({ columns: { age: 'int64' }, formats: [parquet], format: 'parquet' })
 */
export const parquet: TableFormat = {
  name: 'parquet',
  // BentoML takes a body of unknown bytes for Parquet.
  mediaTypes: ['application/vnd.apache.parquet', 'application/octet-stream'],
  read: readParquet,
  write,
};

type ParquetType = Pick<SchemaElement, 'type' | 'converted_type'>;

const TYPES: { readonly [D in DType]: ParquetType } = {
  float16: { type: 'FLOAT' },
  float32: { type: 'FLOAT' },
  float64: { type: 'DOUBLE' },
  int8: { type: 'INT32', converted_type: 'INT_8' },
  int16: { type: 'INT32', converted_type: 'INT_16' },
  int32: { type: 'INT32', converted_type: 'INT_32' },
  int64: { type: 'INT64', converted_type: 'INT_64' },
  uint8: { type: 'INT32', converted_type: 'UINT_8' },
  uint16: { type: 'INT32', converted_type: 'UINT_16' },
  uint32: { type: 'INT32', converted_type: 'UINT_32' },
  uint64: { type: 'INT64', converted_type: 'UINT_64' },
  bool: { type: 'BOOLEAN' },
  string: { type: 'BYTE_ARRAY', converted_type: 'UTF8' },
};

function write({ names, rows, dtypes }: TypedTable): Uint8Array {
  const columnData = names.map((name, i) => ({ name, data: rows.map((row) => row[i]) }));
  const overrides = names.flatMap((name): [string, SchemaElement][] => {
    const dtype = dtypes[name];
    return dtype === undefined ? [] : [[name, { ...TYPES[dtype], name, repetition_type: 'OPTIONAL' }]];
  });
  try {
    const schema = schemaFromColumnData({ columnData, schemaOverrides: Object.fromEntries(overrides) });
    return new Uint8Array(parquetWriteBuffer({ columnData, schema }));
  } catch (cause) {
    throw refusedOutput([{ pointer: '', message: `cannot be written as Parquet: ${(cause as Error).message}` }]);
  }
}
