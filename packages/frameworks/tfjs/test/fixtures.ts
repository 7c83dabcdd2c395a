// The models under fixtures/, and what TensorFlow computes of them.
import { expect } from '@jest/globals';
import type { DType, Tensor } from '@ekiben/spec';
import { tensor } from '@ekiben/tensor';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const fixture = (name: string): string => fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));

export const MODELS = ['mlp-layers', 'cnn-layers', 'two-graph', 'positive-graph', 'halved-graph'] as const;

export type Named = Readonly<Record<string, Tensor>>;

export function expectedOf(name: string): { readonly inputs: Named; readonly outputs: Named } {
  const { inputs, outputs } = JSON.parse(readFileSync(fixture(`${name}.expected.json`), 'utf8')) as Record<
    'inputs' | 'outputs',
    Record<string, { dtype: DType; shape: number[]; data: number[] }>
  >;
  const read = (values: typeof inputs): Named =>
    Object.fromEntries(
      Object.entries(values).map(([key, { dtype, shape, data }]) => [key, tensor(data, shape, dtype as 'float32')]),
    );
  return { inputs: read(inputs), outputs: read(outputs) };
}

/** Tensors as plain values. */
export const plain = (tensors: Named): unknown =>
  JSON.parse(
    JSON.stringify(tensors, (_, value: unknown) => (ArrayBuffer.isView(value) ? [...(value as Uint8Array)] : value)),
  );

/** The same with numbers that may differ in the last bits: kernels of another library round otherwise. */
export const near = (tensors: Named): unknown =>
  JSON.parse(JSON.stringify(plain(tensors)), (_, x: unknown) =>
    typeof x === 'number' && !Number.isInteger(x) ? expect.closeTo(x, 5) : x,
  );

const folders: string[] = [];
export function temporary(): string {
  const folder = mkdtempSync(join(tmpdir(), 'ekiben-tfjs-'));
  folders.push(folder);
  return folder;
}
export const removeTemporary = (): void => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
};

export const failure = (step: Promise<unknown>): Promise<(Error & { code: string }) | undefined> =>
  step.then(
    () => undefined,
    (error: unknown) => error as Error & { code: string },
  );
