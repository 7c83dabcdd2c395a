// A small adapter that does all that it must, and ways to do it wrong.
import { EkibenError } from '@ekiben/spec';
import type { Framework, ModelFiles, Tensor } from '@ekiben/spec';
import { tensor } from '@ekiben/tensor';
import type { Adapter } from '../src/index.ts';

export interface Scaler {
  readonly factor: number;
}
export interface ScalerMethods {
  scale(rows: Tensor<'float64'>): Promise<Tensor<'float64'>>;
  labels(rows: Readonly<Record<string, Tensor>>): readonly string[];
}

/** Tensors outside the garbage collector, as it were. */
export const heap = { held: 0 };

async function load(files: ModelFiles): Promise<Scaler> {
  const text = Buffer.from(await files.read('scaler.json')).toString();
  try {
    return JSON.parse(text) as Scaler;
  } catch (cause) {
    throw new EkibenError('EKIBEN_TOY_INVALID', 'scaler.json is damaged', { cause });
  }
}

function methodsOf({ factor }: Scaler): ScalerMethods {
  return {
    async scale(rows) {
      if (rows?.dtype !== 'float64') throw new EkibenError('EKIBEN_TOY_INPUT', 'scale takes rows of float64');
      await Promise.resolve();
      return tensor(
        rows.data.map((x) => x * factor),
        rows.shape,
        'float64',
      );
    },
    labels: ({ x }) => {
      if (x === undefined) throw new EkibenError('EKIBEN_TOY_INPUT', 'labels takes { x }');
      return Array.from({ length: x.shape[0] ?? 0 }, (_, row) => (Number(x.item(row)) * factor > 2 ? 'high' : 'low'));
    },
  };
}

export const toy: Framework<Scaler, ScalerMethods> = {
  specVersion: 1,
  module: 'ekiben-toy',
  placement: 'embedded',
  signatures: { scale: { batchable: true, batchDim: [1, 1] }, labels: { wireName: 'get_labels', batchable: true } },
  async save(scaler, draft) {
    await draft.write('scaler.json', Buffer.from(JSON.stringify(scaler)));
    return { options: {}, versions: {} };
  },
  load,
  runnable(scaler) {
    const methods = methodsOf(scaler);
    let open = true;
    heap.held++;
    const checked = <F extends (...args: never[]) => unknown>(method: F) =>
      ((...args: Parameters<F>) => {
        if (!open) throw new EkibenError('EKIBEN_TOY_CLOSED', 'the model was closed');
        return method(...args);
      }) as F;
    return {
      methods: { scale: checked(methods.scale), labels: checked(methods.labels) },
      async close() {
        if (open) heap.held--;
        open = false;
      },
    };
  },
};

export type ToyAdapter = Adapter<Scaler, ScalerMethods, Record<never, never>, Scaler>;

/** Anew each time, since a wrong one changes its examples. */
export function toyAdapter(): ToyAdapter {
  const rows = (factor: number) =>
    tensor(
      Float64Array.of(1, 2, 3, 4, 5, 6).map((x) => x * factor),
      [2, 3],
      'float64',
    );
  return {
    framework: toy,
    title: 'a toy',
    model: () => ({ factor: 2 }),
    calls: {
      scale: [
        { args: [rows(1)], result: rows(2) },
        { args: [rows(2)], result: rows(4) },
      ],
      labels: [{ args: [{ x: tensor([1, 2, 3], [3], 'int32') }], result: ['low', 'high', 'high'] }],
    },
    refused: { scale: [{ args: [tensor([1], [1], 'float32')], code: 'EKIBEN_TOY_INPUT' }] },
    held: () => heap.held,
  };
}
