// The models under fixtures/, and what onnxruntime for Python computes of them.
import type { DType, Tensor } from '@ekiben/spec';
import { tensor } from '@ekiben/tensor';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { OnnxModel } from '../src/index.ts';

export const fixture = (name: string): string => fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));

/** By the path of the model without its suffix. */
export const EXPECTED = [
  'cnn-image-features',
  'iris-forest',
  'iris-pipeline',
  'iris-pipeline-zipmap',
  'mlp-dynamic-batch',
  'string-identity',
  'two-inputs-int64',
  'more/every-dtype',
  'more/if-external-default',
  'more/zipmap-strings-external',
] as const;

interface Plain {
  readonly dtype: DType | 'object';
  readonly shape: readonly number[];
  readonly data: readonly (number | string | boolean)[];
}

export interface Expected {
  readonly inputs: Readonly<Record<string, Tensor>>;
  /** Tensors, or the maps of a ZipMap. */
  readonly outputs: Readonly<Record<string, unknown>>;
}

export function expectedOf(name: string): Expected {
  // Integers that a double cannot hold stay as they are written.
  const text = readFileSync(fixture(`${name}.expected.json`), 'utf8').replace(
    /-?\b(?<![.\d])\d{16,}\b(?![.e])/g,
    '"$&"',
  );
  const { inputs, outputs } = JSON.parse(text) as Record<'inputs' | 'outputs', Record<string, Plain>>;
  const read = (values: Record<string, Plain>) =>
    Object.fromEntries(
      Object.entries(values).map(([key, value]) => [key, Array.isArray(value) ? value : toTensor(value)]),
    );
  return { inputs: read(inputs) as Expected['inputs'], outputs: read(outputs) };
}

function toTensor({ dtype, shape, data }: Plain): Tensor {
  if (dtype === 'object') return tensor(data as readonly string[], shape, 'string');
  if (dtype === 'int64' || dtype === 'uint64') return tensor(data.map(BigInt), shape, dtype);
  if (dtype === 'float16') return tensor(Uint16Array.from(data as readonly number[]), shape, dtype);
  return tensor(data as readonly number[], shape, dtype as 'float32');
}

/** Tensors and maps as text, to the last bit; keys in order, bigints as strings. */
export const plain = (values: object): string =>
  JSON.stringify(values, (_, value: unknown) => {
    if (typeof value === 'bigint') return String(value);
    if (ArrayBuffer.isView(value)) return Array.from(value as Float64Array, (x) => (Object.is(x, -0) ? '-0' : x));
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
    return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
  });

/** A row of numbers from 0 to 1, the same each time. */
export const ramp = (...shape: readonly number[]): Tensor<'float32'> => {
  const size = shape.reduce((product, length) => product * length, 1);
  return tensor(
    Float32Array.from({ length: size }, (_, i) => ((i * 7919) % 101) / 101),
    shape,
    'float32',
  );
};

export async function using<T>(model: Promise<OnnxModel>, use: (model: OnnxModel) => Promise<T>): Promise<T> {
  const opened = await model;
  try {
    return await use(opened);
  } finally {
    await opened.close();
  }
}

const folders: string[] = [];
export function temporary(): string {
  const folder = mkdtempSync(join(tmpdir(), 'ekiben-onnx-'));
  folders.push(folder);
  return folder;
}
export const removeTemporary = (): void => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
};

export const failure = (step: Promise<unknown>): Promise<(Error & { code: string; details?: unknown }) | undefined> =>
  step.then(
    () => undefined,
    (error: unknown) => error as Error & { code: string },
  );
