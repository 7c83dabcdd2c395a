import type { DType, Framework, Tensor } from '@ekiben/spec';
import { exampleInputs, requireValues } from '@ekiben/tensor';
import type { AcceptedTensor } from '@ekiben/tensor';
import { join } from 'node:path';
import { describeOnnx, loadOnnx, OnnxModel } from './model.ts';
import type { LoadOptions, OnnxFile, OnnxValue } from './model.ts';
import { fromPython } from './options.ts';
import type { OnnxSaveOptions } from './options.ts';
import { MODEL_FILE, saveOnnx } from './save.ts';
import type { ClassScores } from './zip-map.ts';

export type InputTypes = Readonly<Record<string, DType>>;
/** `maps` is what ZipMap makes. */
export type OutputTypes = Readonly<Record<string, DType | 'maps'>>;

type Made<T extends DType | 'maps'> = [DType] extends [T]
  ? OnnxValue
  : T extends DType
    ? Tensor<T>
    : readonly ClassScores[];

/** What a runner of an ONNX model can do. */
export interface OnnxMethods<I extends InputTypes = InputTypes, O extends OutputTypes = OutputTypes> {
  /** See {@link OnnxModel.run}. */
  run(
    inputs: Tensor | { readonly [K in keyof I]: AcceptedTensor<I[K]> },
    ...more: readonly Tensor[]
  ): Promise<{ readonly [K in keyof O]: Made<O[K]> }>;
}

export interface OnnxOptions<I extends InputTypes, O extends OutputTypes> extends LoadOptions {
  /** Inputs that the model must have, which give the method its types: `{ x: 'float32' }`. */
  readonly inputs?: I | undefined;
  /** Outputs likewise: `{ probabilities: 'float32' }`. */
  readonly outputs?: O | undefined;
}

/** The ONNX framework, of models saved from a loaded one, a path or bytes. */
export type OnnxFramework<I extends InputTypes, O extends OutputTypes> = Framework<
  OnnxModel,
  OnnxMethods<I, O>,
  OnnxSaveOptions,
  OnnxModel | OnnxFile
>;

/**
 * ONNX models as {@link onnx}, with inputs and outputs that are known: `run` has their types, and a model that has others does not
 * load. `providers` count before those in model.yaml.
 *
 * @example
 * const classifier = onnxWith({ inputs: { x: 'float32' }, outputs: { probabilities: 'float32' } });
 * const model = await models.get('mlp:latest', classifier);
 */
export function onnxWith<const I extends InputTypes, const O extends OutputTypes>(
  options: OnnxOptions<I, O>,
): OnnxFramework<I, O> {
  return {
    specVersion: 1,
    module: 'bentoml.onnx',
    placement: 'process',
    signatures: { run: { batchable: false, retrySafe: true } },

    save: (model, draft, saveOptions) => saveOnnx(model instanceof OnnxModel ? model.file : model, draft, saveOptions),

    async load(files, manifest) {
      const saved = manifest.options['providers'] ?? undefined;
      const { providers = saved && fromPython(saved) } = options;
      const model = await loadOnnx(join(files.dir, MODEL_FILE), { ...options, providers });
      requireValues('input', model.inputs, options.inputs ?? {}, 'EKIBEN_ONNX_SIGNATURE');
      requireValues('output', model.outputs, options.outputs ?? {}, 'EKIBEN_ONNX_SIGNATURE');
      return model;
    },

    async describe(files) {
      const { inputs, outputs } = await describeOnnx(join(files.dir, MODEL_FILE));
      return {
        run: {
          inputs,
          output: outputs.map((info) =>
            info.dtype === 'maps' ? { ...info, dtype: null } : { ...info, dtype: info.dtype },
          ),
        },
      };
    },

    runnable(model) {
      const run = model.run.bind(model) as unknown as OnnxMethods<I, O>['run'];
      const example = exampleInputs(model.inputs);
      const close = () => model.close();
      return { methods: { run }, close, ...(example && { warmUp: async () => void (await model.run(example)) }) };
    },
  };
}

/** ONNX models as BentoML's `bentoml.onnx` stores them. */
export const onnx: OnnxFramework<InputTypes, OutputTypes> = onnxWith({});
