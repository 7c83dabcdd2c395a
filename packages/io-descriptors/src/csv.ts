/** Tables as CSV (RFC 4180), the first line being the names. */
import { isUtf8 } from 'node:buffer';
import { Readable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { refusedInput } from './faults.ts';
import type { TableFormat, TypedTable } from './table.ts';

/** Parsing so much holds the event loop for about ten milliseconds. */
const SLICE_BYTES = 64 * 1024;

export const csv: TableFormat = {
  name: 'csv',
  mediaTypes: ['text/csv', 'application/csv'],
  // Text without a charset is Latin-1 to some clients.
  contentType: 'text/csv; charset=utf-8',
  read,
  write,
};

async function read(bytes: Uint8Array) {
  if (!isUtf8(bytes)) throw refused('must be UTF-8');
  const { CsvError, parse } = await import('csv-parse'); // not before there is CSV
  const parser = Readable.from(slices(bytes), { objectMode: false }).pipe(parse({ bom: true, skip_empty_lines: true }));
  const records: string[][] = [];
  try {
    for await (const record of parser) records.push(record as string[]);
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw refused(faultText(error));
  }
  const [names, ...rows] = records;
  if (names === undefined) throw refused('must have a line of names');
  return { names, rows, isText: true };
}

async function* slices(bytes: Uint8Array) {
  for (let at = 0; at < bytes.length; at += SLICE_BYTES) {
    yield bytes.subarray(at, at + SLICE_BYTES);
    await nextTurn();
  }
}

/** In our words: those of the library repeat what stands there, without a bound. */
function faultText({ code, lines }: { readonly code: string; readonly lines?: number }): string {
  const where = lines === undefined ? '' : `line ${lines}: `;
  if (code.includes('QUOTE')) return `${where}a quote that is not closed, or stands inside a field without quotes`;
  if (code.includes('RECORD_INCONSISTENT')) return `${where}not as many fields as there are names`;
  return `${where}is no CSV`;
}

const refused = (message: string) => refusedInput([{ pointer: '', message }]);

/** Line ends and words are those of pandas' `to_csv(index=False)`. */
function write({ names, rows }: TypedTable): string {
  return [names, ...rows].map((row) => `${row.map(field).join(',')}\n`).join('');
}

function field(value: unknown): string {
  if (value === null || value === undefined || Number.isNaN(value)) return '';
  if (typeof value === 'number' && !Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
  return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
