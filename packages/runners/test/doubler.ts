/** The runner that test/fixtures/doubler.mjs exports, as the caller's process sees it. */
import { fileURLToPath } from 'node:url';
import { tensor } from '@ekiben/tensor';
import type { Tensor } from '@ekiben/spec';
import { toRunner } from '../src/index.ts';

class Doubler {
  static readonly signatures = {
    double: { batchable: true, retrySafe: true },
    slowly: { batchable: true },
    times: { batchable: true },
  };
  double(rows: Tensor<'float64'>): Tensor<'float64'> {
    return rows;
  }
  async slowly(rows: Tensor<'float64'>): Promise<Tensor<'float64'>> {
    return rows;
  }
  /** When it was computed, which takes a while. */
  times(rows: Tensor<'float64'>): Tensor<'float64'> {
    return rows;
  }
  leak(_mebibytes: number): number {
    return 0;
  }
  computed(): number {
    return 0;
  }
  threads(): string {
    return '';
  }
  block(_ms: number): void {}
}

export const doublerModule = fileURLToPath(new URL('fixtures/doubler.mjs', import.meta.url));

export const doublerRunner = () => toRunner(Doubler, { name: 'doubler', placement: 'process' });

export const rowsOf = (...values: number[]) => tensor(Float64Array.from(values), [values.length, 1], 'float64');

export const valuesOf = ({ data }: Tensor<'float64'>) => [...data];
