// The files under fixtures/, written by Python's xgboost.
import { readFileSync } from 'node:fs';
import { tensor } from '@ekiben/tensor';

export const read = (name: string): Uint8Array => readFileSync(new URL(`fixtures/${name}`, import.meta.url));
export const readJson = (name: string): unknown => JSON.parse(new TextDecoder().decode(read(name)));

export interface Expected {
  readonly inputs: readonly (readonly (number | null)[])[];
  readonly outputs: Readonly<Record<string, NestedNumbers | number>>;
}
export type NestedNumbers = readonly (number | NestedNumbers)[];

/** Rows with null for NaN. */
export const matrix = (rows: Expected['inputs']) =>
  tensor(
    Float32Array.from(rows.flat(), (x) => x ?? NaN),
    [rows.length, rows[0]?.length ?? 0],
    'float32',
  );

export const flat = (values: unknown): Float32Array => Float32Array.from((values as number[]).flat(9) as number[]);

/** The bits of float32 values: what "equal" means in these tests. */
export const bits = (values: Float32Array | readonly number[]): number[] =>
  Array.from(new Uint32Array(Float32Array.from(values).buffer));
