// The files under fixtures/: models that Python's xgboost (those of more/ by make.py) and BentoML wrote, and what they computed.
import { readFileSync, readdirSync } from 'node:fs';
import type { Tensor } from '@ekiben/spec';
import { tensor } from '@ekiben/tensor';
import { loadBooster } from '../src/index.ts';

const root = new URL('fixtures/', import.meta.url);

export const read = (name: string): Uint8Array => readFileSync(new URL(name, root));
export const readText = (name: string): string => readFileSync(new URL(name, root), 'utf8');
export const load = (name: string) => loadBooster(read(name));

export interface Expected {
  /** A Python class; Booster where it is left out. */
  readonly model_class?: string;
  /** null is NaN, infinities are strings. */
  readonly inputs: readonly (readonly (number | string | null)[])[];
  /** Nested as the results are, by method. */
  readonly outputs: Readonly<Record<string, unknown>>;
}

export const expected = (name: string): Expected => JSON.parse(readText(`${name}.expected.json`)) as Expected;

/** The models of a folder, without file extension. */
export const modelsIn = (folder: string): string[] =>
  readdirSync(new URL(folder, root), { recursive: true })
    .map(String)
    .filter((file) => file.endsWith('.expected.json'))
    .map((file) => `${folder}/${file.replace('.expected.json', '')}`)
    .toSorted();

export const matrix = (rows: Expected['inputs']) =>
  tensor(
    Float32Array.from(rows.flat(), (x) => (x === null ? NaN : Number(x))),
    [rows.length, rows[0]!.length],
    'float32',
  );

/** A tensor, or nested arrays as Python gave them, as text: shape, and the bits of its float32 values. Equal is equal to the last bit. */
export function exactly(result: unknown): string {
  if (isTensor(result)) return `[${result.shape.join()}] ${bitsOf(result.data)}`;
  const shape: number[] = [];
  for (let level = result; Array.isArray(level); level = level[0]) shape.push(level.length);
  return `[${shape.join()}] ${bitsOf(Float32Array.from((result as number[][]).flat(9)))}`;
}

const isTensor = (value: unknown): value is Tensor<'float32'> =>
  typeof value === 'object' && value !== null && 'dtype' in value;

export const bitsOf = (values: Float32Array): string =>
  Array.from(new Uint32Array(Float32Array.from(values).buffer), (bits) => bits.toString(16).padStart(8, '0')).join(' ');
