import { EkibenError } from '@ekiben/spec';
import type { DType, Floats, Framework, Tensor } from '@ekiben/spec';
import { tensor } from '@ekiben/tensor';
import type { TensorInfo } from '@ekiben/tensor';
import { join } from 'node:path';
import { loadOnnx, OnnxModel } from './model.ts';
import type { LoadOptions, OnnxFile, OnnxValue, OutputInfo } from './model.ts';
import { fromPython } from './options.ts';
import type { OnnxSaveOptions } from './options.ts';
import { MODEL_FILE, saveOnnx } from './save.ts';
import type { ClassScores } from './zip-map.ts';

export type InputTypes = Readonly<Record<string, DType>>;
/** `maps` is what ZipMap makes. */
export type OutputTypes = Readonly<Record<string, DType | 'maps'>>;

// Of a type that is not known: any tensor, any value.
type Accepted<D extends DType> = [DType] extends [D] ? Tensor : D extends 'float32' | 'float64' ? Floats : Tensor<D>;
type Made<T extends DType | 'maps'> = [DType] extends [T]
  ? OnnxValue
  : T extends DType
    ? Tensor<T>
    : readonly ClassScores[];

/** What a runner of an ONNX model can do. */
export interface OnnxMethods<I extends InputTypes = InputTypes, O extends OutputTypes = OutputTypes> {
  /** See {@link OnnxModel.run}. */
  run(
    inputs: Tensor | { readonly [K in keyof I]: Accepted<I[K]> },
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
      requireValues('input', model.inputs, options.inputs ?? {});
      requireValues('output', model.outputs, options.outputs ?? {});
      return model;
    },

    runnable(model) {
      const run = model.run.bind(model) as unknown as OnnxMethods<I, O>['run'];
      const example = exampleOf(model.inputs);
      const close = () => model.close();
      return { methods: { run }, close, ...(example && { warmUp: async () => void (await model.run(example)) }) };
    },
  };
}

/** ONNX models as BentoML's `bentoml.onnx` stores them. */
export const onnx: OnnxFramework<InputTypes, OutputTypes> = onnxWith({});

function requireValues(kind: 'input' | 'output', found: readonly OutputInfo[], wanted: InputTypes | OutputTypes): void {
  for (const [name, dtype] of Object.entries(wanted)) {
    if (found.some((info) => info.name === name && info.dtype === dtype)) continue;
    const has = found.map((info) => `${info.name} (${info.dtype})`).join(', ') || 'none';
    throw new EkibenError('EKIBEN_ONNX_SIGNATURE', `the model has no ${kind} ${name} (${dtype}); it has ${has}`);
  }
}

/** One row of zeros; null when other lengths than that of the batch are open, so that a row says little of the cost. */
function exampleOf(inputs: readonly TensorInfo[]): Record<string, Tensor> | null {
  const example: Record<string, Tensor> = {};
  for (const { name, dtype, shape } of inputs) {
    if (shape === null) return null;
    const lengths = shape.map((length, axis) => (axis === 0 && typeof length !== 'number' ? 1 : length));
    if (!lengths.every((length) => typeof length === 'number')) return null;
    example[name] = zeros(dtype, lengths);
  }
  return example;
}

function zeros(dtype: DType, shape: readonly number[]): Tensor {
  const size = shape.reduce((product, length) => product * length, 1);
  if (dtype === 'string')
    return tensor(
      Array.from({ length: size }, () => ''),
      shape,
      dtype,
    );
  if (dtype === 'int64') return tensor(new BigInt64Array(size), shape, dtype);
  if (dtype === 'uint64') return tensor(new BigUint64Array(size), shape, dtype);
  if (dtype === 'float16') return tensor(new Uint16Array(size), shape, dtype);
  if (dtype === 'bool') return tensor(new Uint8Array(size), shape, dtype);
  return tensor(
    Array.from({ length: size }, () => 0),
    shape,
    dtype,
  );
}
