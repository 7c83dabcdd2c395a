/** A process that reads Parquet files, one after another; see parquet-readers.ts. */
import { EkibenError } from '@ekiben/spec';
import { parquetMetadata, parquetRead, snappyUncompress } from 'hyparquet';
import type { Compressors, FileMetaData } from 'hyparquet';
import { compressors, decompressZstd } from 'hyparquet-compressors';
import { refusedInput } from './faults.ts';
import { MAX_UNPACKED_BYTES } from './limits.ts';
import type { ParquetAnswer } from './parquet-readers.ts';
import { checkCells } from './table.ts';
import type { Table } from './table.ts';

process.on('message', (bytes: Uint8Array) => {
  void read(bytes).then((answer: ParquetAnswer) => process.send?.(answer));
});

async function read(bytes: Uint8Array): Promise<ParquetAnswer> {
  try {
    return { table: await tableOf(bytes) };
  } catch (error) {
    if (EkibenError.is(error)) return { error: error.toJSON() };
    return { error: refused(`is no Parquet file: ${(error as Error).message}`).toJSON() };
  }
}

async function tableOf(bytes: Uint8Array): Promise<Table> {
  const metadata = parquetMetadata(bytes, { geoparquet: false });
  const names = namesOf(metadata);
  checkCells(Number(metadata.num_rows), names.length);
  const { buffer, byteOffset, byteLength } = bytes;
  const slice = (from: number, to = byteLength) => buffer.slice(byteOffset + from, byteOffset + to) as ArrayBuffer;
  let rows: unknown[][] = [];
  await parquetRead({
    file: { byteLength, slice },
    metadata,
    columns: names,
    compressors: bounded(MAX_UNPACKED_BYTES),
    geoparquet: false,
    onComplete: (complete) => (rows = complete),
  });
  if (rows.length !== Number(metadata.num_rows)) throw refused('does not have the rows that it announces');
  return { names, rows };
}

/** pandas keeps the labels of rows in columns of such a name; no descriptor keeps them. */
const INDEX = /^__index_level_\d+__$/;

function namesOf({ schema }: FileMetaData): string[] {
  const [, ...columns] = schema;
  const nested = columns.find(
    ({ num_children: children, repetition_type: times }) => Number(children ?? 0) > 0 || times === 'REPEATED',
  );
  if (nested !== undefined) throw refused(`has a column ${JSON.stringify(nested.name)} of lists or structs`);
  return columns.map(({ name }) => name).filter((name) => !INDEX.test(name));
}

/** Decompression that makes no more than was announced, and no more than `maxBytes` in all. */
function bounded(maxBytes: number): Compressors {
  let total = 0;
  const count = (bytes: number) => {
    total += bytes;
    if (total > maxBytes) throw tooLarge(maxBytes);
  };
  const own: Compressors = {
    SNAPPY(input, outputLength) {
      const output = new Uint8Array(outputLength);
      snappyUncompress(input, output);
      return output;
    },
    ZSTD: (input, outputLength) => decompressZstd(input, new Uint8Array(outputLength)),
  };
  return Object.fromEntries(
    Object.entries({ ...compressors, ...own }).map(([codec, decompress]) => [
      codec,
      (input: Uint8Array, outputLength: number) => {
        count(outputLength);
        return decompress(input, outputLength);
      },
    ]),
  );
}

const refused = (message: string) => refusedInput([{ pointer: '', message: message.slice(0, 200) }]);

const tooLarge = (maxBytes: number) =>
  new EkibenError('EKIBEN_BODY_TOO_LARGE', `The table unpacks to more than the ${maxBytes} bytes that are taken here.`);
