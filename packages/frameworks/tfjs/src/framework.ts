import type { DType, Framework, Tensor } from '@ekiben/spec';
import { exampleInputs, requireValues } from '@ekiben/tensor';
import type { AcceptedTensor } from '@ekiben/tensor';
import { loadTfjs, TfjsModel } from './model.ts';
import type { LoadOptions } from './model.ts';
import { saveTfjs } from './save.ts';
import type { SaveableModel } from './save.ts';

export type InputTypes = Readonly<Record<string, DType>>;
export type OutputTypes = Readonly<Record<string, DType>>;

/** What a runner of a TensorFlow.js model can do. */
export interface TfjsMethods<I extends InputTypes = InputTypes, O extends OutputTypes = OutputTypes> {
  /** See {@link TfjsModel.predict}. */
  predict(
    inputs: Tensor | { readonly [K in keyof I]: AcceptedTensor<I[K]> },
    ...more: readonly Tensor[]
  ): Promise<{ readonly [K in keyof O]: [DType] extends [O[K]] ? Tensor : Tensor<O[K]> }>;
}

export interface TfjsOptions<I extends InputTypes, O extends OutputTypes> extends LoadOptions {
  /** Inputs that the model must have, which give the method its types: `{ x: 'float32' }`. */
  readonly inputs?: I | undefined;
  /** Outputs likewise: `{ probabilities: 'float32' }`. */
  readonly outputs?: O | undefined;
}

/** The TensorFlow.js framework, of models saved from a `tf.LayersModel`, a `tf.GraphModel`, a loaded one or a path. */
export type TfjsFramework<I extends InputTypes, O extends OutputTypes> = Framework<
  TfjsModel,
  TfjsMethods<I, O>,
  Record<never, never>,
  TfjsModel | SaveableModel | string
>;

/**
 * TensorFlow.js models as {@link tfjs}, with inputs and outputs that are known: `predict` has their types, and a model that has others
 * does not load.
 *
 * @example
 * const classifier = tfjsWith({ inputs: { x: 'float32' }, outputs: { probabilities: 'float32' } });
 * const model = await models.get('mlp:latest', classifier);
 */
export function tfjsWith<const I extends InputTypes, const O extends OutputTypes>(
  options: TfjsOptions<I, O>,
): TfjsFramework<I, O> {
  return {
    specVersion: 1,
    module: '@ekiben/tfjs',
    placement: 'process',
    signatures: { predict: { batchable: false, retrySafe: true } },

    save: (model, draft) => saveTfjs(model instanceof TfjsModel ? model.path : model, draft),

    async load(files) {
      const model = await loadTfjs(files.dir, options);
      requireValues('input', model.inputs, options.inputs ?? {}, 'EKIBEN_TFJS_SIGNATURE');
      requireValues('output', model.outputs, options.outputs ?? {}, 'EKIBEN_TFJS_SIGNATURE');
      return model;
    },

    async describe(files) {
      const model = await loadTfjs(files.dir, options);
      await model.close();
      return { predict: { inputs: model.inputs, output: model.outputs } };
    },

    runnable(model) {
      const predict = model.predict.bind(model) as unknown as TfjsMethods<I, O>['predict'];
      const example = exampleInputs(model.inputs);
      const close = () => model.close();
      return {
        methods: { predict },
        close,
        ...(example && { warmUp: async () => void (await model.predict(example)) }),
      };
    },
  };
}

/** TensorFlow.js models, layers and graph. Python's BentoML has no such module. */
export const tfjs: TfjsFramework<InputTypes, OutputTypes> = tfjsWith({});
