import { EkibenError } from '@ekiben/spec';
import type { DType, OutputInfo, Tensor, TensorInfo, TensorStorage } from '@ekiben/spec';
import { matchInputs, tensor } from '@ekiben/tensor';
import type { Tensor as TfTensor } from '@tensorflow/tfjs-core';
import { modelJsonPath, readArtifacts } from './artifacts.ts';
import type { Format } from './artifacts.ts';
import { useBackend } from './backend.ts';
import type { BackendName, TensorFlow } from './backend.ts';
import { invalidModel, reasonOf } from './fault.ts';
import { openNative } from './native.ts';
import type { Native } from './native.ts';

export interface LoadOptions {
  /** @default the one that the program has set, else the first that works of tfjs-node, wasm and cpu */
  readonly backend?: BackendName | undefined;
}

/** A model that TensorFlow.js has opened. Made by {@link loadTfjs}. */
export class TfjsModel {
  readonly format: Format;
  /** In the model's order, by the names of the SavedModel's signature, or of the layers. */
  readonly inputs: readonly TensorInfo[];
  readonly outputs: readonly OutputInfo[];
  /** Of TensorFlow.js, one for the whole process: `wasm`, `tensorflow` (tfjs-node), `cpu` … */
  readonly backend: string;
  /** Of its `model.json`. */
  readonly path: string;

  readonly #tf: TensorFlow;
  readonly #native: Native;
  #running = 0;
  #closed = false;
  #onIdle: (() => void) | null = null;

  /** @internal Use {@link loadTfjs}. */
  constructor(path: string, tf: TensorFlow, backend: string, native: Native) {
    this.path = path;
    this.format = native.format;
    this.inputs = native.inputs;
    this.outputs = native.outputs;
    this.backend = backend;
    this.#tf = tf;
    this.#native = native;
  }

  /**
   * Computes all outputs, by name. Takes the inputs by name, or one after another in the model's order. An input of float32 takes any
   * numbers, and int32 smaller integers; they are converted. Nothing of TensorFlow.js stays behind.
   *
   * @throws EKIBEN_TFJS_INPUT naming all that is wrong with the inputs; EKIBEN_TFJS_RUN_FAILED with what TensorFlow.js says;
   *   EKIBEN_TFJS_CLOSED
   */
  async predict(
    inputs: Tensor | Readonly<Record<string, Tensor>>,
    ...more: readonly Tensor[]
  ): Promise<Readonly<Record<string, Tensor>>> {
    if (this.#closed) throw new EkibenError('EKIBEN_TFJS_CLOSED', 'the model was closed; load it again');
    const given = matchInputs(this.inputs, [inputs, ...more], 'EKIBEN_TFJS_INPUT');
    this.#running++;
    const used: TfTensor[] = [];
    try {
      for (const { data, shape, dtype } of given)
        used.push(this.#tf.tensor(data as Float32Array, [...shape], dtype as 'float32'));
      const results = await this.#native.predict(used);
      used.push(...results);
      const values = await Promise.all(results.map((result) => toTensor(result, given)));
      return Object.fromEntries(this.outputs.map(({ name }, i) => [name, values[i] as Tensor]));
    } catch (error) {
      if (EkibenError.is(error)) throw error;
      throw new EkibenError('EKIBEN_TFJS_RUN_FAILED', `TensorFlow.js: ${reasonOf(error)}`, { cause: error });
    } finally {
      this.#tf.dispose(used);
      if (--this.#running === 0) this.#onIdle?.();
    }
  }

  /** Frees the weights once the calls under way are done. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#running > 0) await new Promise<void>((done) => (this.#onIdle = done));
    this.#native.dispose();
  }
}

/**
 * Opens a layers model or a graph model.
 *
 * @param path - of its `model.json`, or of the folder that holds it
 * @throws EKIBEN_TFJS_MISSING with the command that installs TensorFlow.js; EKIBEN_TFJS_BACKEND; EKIBEN_TFJS_MODEL_INVALID
 *
 * @example
 * const model = await loadTfjs('models/mlp');
 * const { probabilities } = await model.predict(tensor(new Float32Array(8), [1, 8], 'float32'));
 */
export async function loadTfjs(path: string, options: LoadOptions = {}): Promise<TfjsModel> {
  const file = await modelJsonPath(path);
  const artifacts = await readArtifacts(file);
  const { tf, backend } = await useBackend(options.backend);
  const native = await openNative(tf, artifacts);
  const fault = faultOf(native);
  if (fault === null) return new TfjsModel(file, tf, backend, native);
  native.dispose();
  throw invalidModel(fault);
}

function faultOf({ inputs, outputs }: Native): string | null {
  const other = inputs.find(({ dtype }) => !SUPPORTED.has(dtype));
  if (other !== undefined) return `the input ${other.name} is of ${other.dtype}, which our tensors have not`;
  return outputs.length === 0 ? 'the model has no outputs' : null;
}

const SUPPORTED: ReadonlySet<string> = new Set(['float32', 'int32', 'bool', 'string']);

async function toTensor(result: TfTensor, given: readonly Tensor[]): Promise<Tensor> {
  const { shape, dtype } = result;
  if (!SUPPORTED.has(dtype)) {
    throw new EkibenError('EKIBEN_TFJS_RUN_FAILED', `an output is of ${dtype}, which our tensors have not`);
  }
  const data = (await result.data()) as unknown as TensorStorage[DType];
  return tensor(isShared(data, given) ? (data.slice() as TensorStorage[DType]) : data, shape, dtype as DType);
}

/** The backend in plain JavaScript answers with the memory of an argument where a model passes it on. */
const isShared = (data: TensorStorage[DType], given: readonly Tensor[]): boolean =>
  'buffer' in data && given.some((input) => 'buffer' in input.data && input.data.buffer === data.buffer);
