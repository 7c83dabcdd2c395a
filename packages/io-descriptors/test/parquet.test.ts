// Files are read in processes, which Node runs from JavaScript: this is the package as it is built.
import { readFileSync, readdirSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { dataFrame } from '@ekiben/io-descriptors';
import { parquet } from '@ekiben/io-descriptors/parquet';
import { thrownBy } from './thrown.ts';

const folder = new URL('fixtures/tables/', import.meta.url);
const fixture = (name: string) => readFileSync(new URL(name, folder));
const TYPE = 'application/vnd.apache.parquet';

const columns = {
  age: 'int64',
  big: 'int64',
  small: 'int8',
  income: 'float64',
  ratio: 'float32',
  home: { dtype: 'string', nullable: true },
  ok: 'bool',
} as const;
const table = dataFrame({ columns, formats: [parquet], format: 'parquet' });
type PandasRow = {
  age: number;
  big: string;
  small: number;
  income: string | null;
  ratio: string;
  home: string;
  ok: boolean;
};
const toNumber = (text: string | null) => (text === null ? NaN : text === 'inf' ? Infinity : Number(text));
const expected = (JSON.parse(fixture('expected.json').toString()) as PandasRow[]).map((row) => ({
  ...row,
  age: BigInt(row.age),
  big: BigInt(row.big),
  income: toNumber(row.income),
  ratio: Math.fround(Number(row.ratio)),
}));

const files = readdirSync(folder).filter((name) => name.endsWith('.parquet') && !name.startsWith('refused'));
test.each(files)('what pandas wrote as %s is read', async (name) => {
  expect(await table.decode(fixture(name), TYPE)).toEqual(expected);
  expect(await table.decode(fixture(name), 'application/octet-stream')).toEqual(expected);
});

test('without declared columns whole numbers are numbers, and labels of rows are left out', async () => {
  const [row] = await dataFrame({ formats: [parquet] }).decode(fixture('index.parquet'), TYPE);
  expect(row).toEqual({ age: 26, big: 2n ** 62n, small: 1, income: 0.1, ratio: 0.5, home: 'owner', ok: true });
});

test('every dtype goes out, and is read again', async () => {
  const all = dataFrame({
    columns: {
      f16: 'float16',
      f32: 'float32',
      f64: { dtype: 'float64', nullable: true },
      i8: 'int8',
      u16: 'uint16',
      u32: 'uint32',
      i64: 'int64',
      u64: 'uint64',
      b: 'bool',
      s: { dtype: 'string', nullable: true },
    },
    formats: [parquet],
    format: 'parquet',
  });
  const rows = [
    {
      f16: 0.5,
      f32: 0.25,
      f64: null,
      i8: -128,
      u16: 65535,
      u32: 2 ** 32 - 1,
      i64: -(2n ** 63n),
      u64: 2n ** 64n - 1n,
      b: true,
      s: 'ü',
    },
    { f16: NaN, f32: -Infinity, f64: 1e300, i8: 127, u16: 0, u32: 0, i64: 0n, u64: 0n, b: false, s: null },
  ];
  const encoded = (await all.encode(rows)) as Uint8Array;
  expect(await all.decode(encoded, all.contentType)).toEqual(rows);
  const loose = dataFrame({ formats: [parquet], format: 'parquet' });
  const guessed = (await loose.encode([{ a: 1.5, b: 'x' }, { a: 2.5 }])) as Uint8Array;
  expect(await loose.decode(guessed, undefined)).toEqual([
    { a: 1.5, b: 'x' },
    { a: 2.5, b: null },
  ]);
});

describe('refused is', () => {
  test('a column of lists', async () => {
    const error = await thrownBy(() => table.decode(fixture('refused-nested.parquet'), TYPE));
    expect(error.message).toContain('has a column "list" of lists or structs');
  });

  test('what does not fit the columns, by row and column', async () => {
    const narrow = dataFrame({ columns: { big: 'int32' }, formats: [parquet] });
    expect((await thrownBy(() => narrow.decode(fixture('none.parquet'), TYPE))).details?.errors).toEqual([
      { pointer: '/0/big', message: 'must be int32, not "4611686018427387904"' },
      { pointer: '/1/big', message: 'must be int32, not "-4611686018427387904"' },
    ]);
  });

  test('what is no Parquet file, or one cut short', async () => {
    const whole = fixture('snappy.parquet');
    for (const body of [
      Buffer.alloc(0),
      Buffer.from('PAR1'),
      whole.subarray(1),
      whole.subarray(0, -8),
      whole.subarray(2000),
    ]) {
      expect((await thrownBy(() => table.decode(body, TYPE))).code).toBe('EKIBEN_INVALID_INPUT');
    }
  });

  test('one that asks for a billion values in five bytes; the next one is read', async () => {
    const bomb = Buffer.from(fixture('none.parquet'));
    // The run of three definition levels of its first page, made one of 2 ** 29.
    bomb.set([0xfe, 0xff, 0xff, 0xff, 0x03], bomb.indexOf(Buffer.of(2, 0, 0, 0, 6, 1)) + 4);
    const error = await thrownBy(() => table.decode(bomb, TYPE));
    expect(error.message).toMatch(/takes too (much memory|long) to read/);
    expect(await table.decode(fixture('none.parquet'), TYPE)).toEqual(expected);
  });

  test('a file of which every byte in turn is another: it is read, or refused, and the next one is read', async () => {
    const whole = fixture('zstd.parquet');
    for (let at = 4; at < whole.length; at += 97) {
      const damaged = Buffer.from(whole);
      damaged[at] = (damaged[at] ?? 0) ^ 0xff;
      const outcome = await Promise.resolve(table.decode(damaged, TYPE)).catch((error: { code: string }) => error.code);
      if (!Array.isArray(outcome)) expect(['EKIBEN_INVALID_INPUT', 'EKIBEN_BODY_TOO_LARGE']).toContain(outcome);
    }
    expect(await table.decode(whole, TYPE)).toEqual(expected);
  });
});
