/** @jest-environment @ekiben/adapter-testkit/jest-environment */
import type { Adapter } from '@ekiben/adapter-testkit';
import { testAdapter } from '@ekiben/adapter-testkit/jest';
import { readFile } from 'node:fs/promises';
import { tensor } from '@ekiben/tensor';
import { onnx } from '../src/index.ts';
import type { OnnxFile, OnnxMethods, OnnxModel, OnnxSaveOptions, OnnxValue } from '../src/index.ts';
import { expectedOf, fixture, ramp } from './fixtures.ts';

type OnnxAdapter = Adapter<OnnxModel, OnnxMethods, OnnxSaveOptions, OnnxModel | OnnxFile>;

function adapter(name: string, options: Partial<OnnxAdapter> = {}): OnnxAdapter {
  const { inputs, outputs } = expectedOf(name);
  return {
    framework: onnx,
    title: name,
    model: () => fixture(`${name}.onnx`),
    calls: { run: [{ args: [inputs], result: outputs as Record<string, OnnxValue> }] },
    refused: { run: [{ args: [{ nope: ramp(1) }], code: 'EKIBEN_ONNX_INPUT' }] },
    ...options,
  };
}

// The kernels of dense layers round otherwise for other batches, in the last bits.
testAdapter(
  adapter('mlp-dynamic-batch', { model: () => readFile(fixture('mlp-dynamic-batch.onnx')), tolerance: 1e-7 }),
);
testAdapter(adapter('cnn-image-features', { tolerance: 1e-6 }));
testAdapter(adapter('iris-pipeline-zipmap', { tolerance: 1e-7 }));
testAdapter(adapter('two-inputs-int64'));
testAdapter(adapter('string-identity'));
testAdapter(adapter('more/zipmap-strings-external', { tolerance: 1e-7 }));
testAdapter(
  adapter('more/if-external-default', {
    refused: { run: [{ args: [tensor([1, 2], [2], 'float32')], code: 'EKIBEN_ONNX_INPUT' }] },
  }),
);
