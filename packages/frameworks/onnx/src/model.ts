import { EkibenError } from '@ekiben/spec';
import type { DType, Tensor, TensorStorage } from '@ekiben/spec';
import { matchInputs, tensor } from '@ekiben/tensor';
import type { TensorInfo } from '@ekiben/tensor';
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { isUint8Array } from 'node:util/types';
import type { Tensor as OrtTensor } from 'onnxruntime-node';
import { checkExternalFiles } from './external-data.ts';
import { invalidModel, reasonOf } from './fault.ts';
import { dtypeOf, readModelProto } from './proto.ts';
import type { ModelProto, ValueInfo, ZipMap } from './proto.ts';
import { findRuntime } from './runtime.ts';
import type { Runtime, RuntimeName } from './runtime.ts';
import { openSession } from './session.ts';
import type { Opened, OpenOptions } from './session.ts';
import { withoutZipMaps, zipScores } from './zip-map.ts';
import type { ClassScores } from './zip-map.ts';

/** The path of an `.onnx` file, whose external files lie beside it, or its bytes. */
export type OnnxFile = string | Uint8Array;

export type OnnxValue = Tensor | readonly ClassScores[];

/** An output of a model: a tensor, or the maps that a ZipMap makes. */
export interface OutputInfo extends Omit<TensorInfo, 'dtype'> {
  readonly dtype: DType | 'maps';
}

export interface LoadOptions extends OpenOptions {
  /** @default onnxruntime-node; onnxruntime-web where that is not installed, or has no build for the platform */
  readonly runtime?: RuntimeName | undefined;
}

/** A model that ONNX Runtime has opened. Made by {@link loadOnnx}. */
export class OnnxModel {
  /** In the model's order. Inputs with a default are not among them. */
  readonly inputs: readonly TensorInfo[];
  /** In the model's order; those of ZipMap nodes are `maps`. */
  readonly outputs: readonly OutputInfo[];
  readonly runtime: RuntimeName;
  /** Execution providers in use, the CPU last. */
  readonly providers: readonly string[];
  /** What it was loaded from. */
  readonly file: OnnxFile;

  readonly #inputNames: readonly string[];
  readonly #session: Opened['session'];
  readonly #Tensor: Runtime['Tensor'];
  readonly #read: readonly Reader[];
  #running = 0;
  #closed = false;
  #onIdle: (() => void) | null = null;

  /** @internal Use {@link loadOnnx}. */
  constructor(file: OnnxFile, proto: ModelProto, { Tensor: OrtTensor }: Runtime, opened: Opened) {
    this.file = file;
    this.inputs = proto.inputs.map(tensorInfo);
    this.outputs = proto.outputs.map((info) => outputInfo(info, proto.zipMaps));
    this.runtime = opened.runtime;
    this.providers = opened.providers;
    this.#inputNames = this.inputs.map(({ name }) => name);
    this.#session = opened.session;
    this.#Tensor = OrtTensor;
    this.#read = proto.outputs.map(({ name }) => readerOf(name, proto.zipMaps));
  }

  /**
   * Computes all outputs, by name. Takes the inputs by name, or one after another in the model's order. An input of float32 or
   * float64 takes any numbers, and int64 smaller integers; they are converted.
   *
   * onnxruntime-node computes on the thread that calls: the event loop waits meanwhile.
   *
   * @throws EKIBEN_ONNX_INPUT naming all that is wrong with the inputs; EKIBEN_ONNX_RUN_FAILED with what ONNX Runtime says;
   *   EKIBEN_ONNX_CLOSED
   */
  run(
    inputs: Tensor | Readonly<Record<string, Tensor>>,
    ...more: readonly Tensor[]
  ): Promise<Readonly<Record<string, OnnxValue>>> {
    // Not an async function: a small model computes in microseconds, and each promise more would cost a good part of one.
    try {
      const results = this.#session.run(this.#toFeeds([inputs, ...more]));
      this.#running++;
      return results.then(this.#onResults, this.#onFailure);
    } catch (error) {
      return Promise.reject(EkibenError.is(error) ? error : notTaken(error));
    }
  }

  /** Frees the model's memory once the calls under way are done. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#running > 0) await new Promise<void>((done) => (this.#onIdle = done));
    await this.#session.release();
  }

  #toFeeds(args: readonly unknown[]): Record<string, OrtTensor> {
    if (this.#closed) throw new EkibenError('EKIBEN_ONNX_CLOSED', 'the model was closed; load it again');
    const tensors = matchInputs(this.inputs, args, 'EKIBEN_ONNX_INPUT');
    const feeds: Record<string, OrtTensor> = {};
    for (let i = 0; i < tensors.length; i++) {
      const { dtype, data, shape } = tensors[i] as Tensor;
      if (dtype === 'string') refuseNul(data as readonly string[]);
      feeds[this.#inputNames[i] as string] =
        dtype === 'float16' ? this.#halfTensor(data, shape) : new this.#Tensor(dtype, data, shape);
    }
    return feeds;
  }

  /** Where Node has a Float16Array, ONNX Runtime makes one of the bits, and its native part then finds none in it. */
  #halfTensor(bits: Tensor['data'], shape: readonly number[]): OrtTensor {
    return Object.assign(new this.#Tensor('uint16', bits, shape), { type: 'float16' as const });
  }

  readonly #onResults = (results: Readonly<Record<string, OrtTensor>>): Readonly<Record<string, OnnxValue>> => {
    this.#settled();
    const outputs: Record<string, OnnxValue> = {};
    for (const { name, from, read } of this.#read) outputs[name] = read(results[from] as OrtTensor);
    return outputs;
  };

  readonly #onFailure = (error: unknown): never => {
    this.#settled();
    throw new EkibenError('EKIBEN_ONNX_RUN_FAILED', `ONNX Runtime: ${reasonOf(error)}`, { cause: error });
  };

  #settled(): void {
    if (--this.#running === 0) this.#onIdle?.();
  }
}

/**
 * Opens a model.
 *
 * @throws EKIBEN_ONNX_RUNTIME_MISSING with the command that installs ONNX Runtime; EKIBEN_ONNX_MODEL_INVALID;
 *   EKIBEN_ONNX_TYPE_UNSUPPORTED for inputs and outputs that are no tensors; EKIBEN_ONNX_EXTERNAL_DATA; EKIBEN_ONNX_PROVIDER
 *
 * @example
 * const model = await loadOnnx('mlp.onnx');
 * const { probabilities } = await model.run(tensor(new Float32Array(8), [1, 8], 'float32'));
 */
export async function loadOnnx(file: OnnxFile, options: LoadOptions = {}): Promise<OnnxModel> {
  const bytes = await readOnnxFile(file);
  const proto = readModelProto(bytes);
  checkTypes(proto);
  const dir = folderOf(file);
  await checkExternalFiles(dir, proto.externalFiles);
  const runtime = await findRuntime(options.runtime);
  const model = proto.zipMaps.length > 0 ? withoutZipMaps(bytes, proto.zipMaps) : file;
  const opened = await openSession(runtime, { model, dir, externalFiles: proto.externalFiles }, options);
  return new OnnxModel(file, proto, runtime, opened);
}

/** What a model takes and gives; needs no ONNX Runtime, and loads no weights that lie in other files. @throws as `loadOnnx` */
export async function describeOnnx(
  file: OnnxFile,
): Promise<{ readonly inputs: readonly TensorInfo[]; readonly outputs: readonly OutputInfo[] }> {
  const { inputs, outputs, zipMaps } = readModelProto(await readOnnxFile(file));
  return { inputs: inputs.map(tensorInfo), outputs: outputs.map((info) => outputInfo(info, zipMaps)) };
}

/** @throws EKIBEN_ONNX_MODEL_INVALID */
export async function readOnnxFile(file: OnnxFile): Promise<Uint8Array> {
  if (isUint8Array(file)) return file;
  if (typeof file !== 'string')
    throw invalidModel('a model is the path of an .onnx file, or its bytes as a Uint8Array');
  return readFile(file).catch((cause: unknown) =>
    Promise.reject(invalidModel(`cannot read the model: ${reasonOf(cause)}`, cause)),
  );
}

/** Null for a model that was given as bytes. */
export const folderOf = (file: OnnxFile): string | null => (typeof file === 'string' ? dirname(resolve(file)) : null);

const notTaken = (cause: unknown): EkibenError =>
  new EkibenError('EKIBEN_ONNX_INPUT', `ONNX Runtime does not take an input: ${reasonOf(cause)}`, { cause });

function refuseNul(texts: readonly string[]): void {
  if (texts.some((text) => text.includes('\0'))) throw new Error('it would end a text at its NUL character');
}

interface Reader {
  readonly name: string;
  /** The output of the session that it reads. */
  readonly from: string;
  read(result: OrtTensor): OnnxValue;
}

function readerOf(name: string, zipMaps: readonly ZipMap[]): Reader {
  const zipMap = zipMaps.find(({ output }) => output === name);
  if (zipMap === undefined) return { name, from: name, read: toTensor };
  return { name, from: zipMap.scores, read: (scores) => zipScores(toTensor(scores), zipMap) };
}

function toTensor({ data, dims, type }: OrtTensor): Tensor {
  return tensor((type === 'float16' ? halfBits(data) : data) as TensorStorage[DType], dims, type as DType);
}

/** Where Node has a Float16Array, ONNX Runtime uses it; our tensors hold the bits. */
function halfBits(data: OrtTensor['data']): Uint16Array {
  const { buffer, byteOffset, length } = data as Uint16Array;
  return new Uint16Array(buffer, byteOffset, length);
}

function outputInfo(info: ValueInfo, zipMaps: readonly ZipMap[]): OutputInfo {
  const isZipMap = zipMaps.some(({ output }) => output === info.name);
  return isZipMap ? { name: info.name, dtype: 'maps', shape: [null] } : tensorInfo(info);
}

function checkTypes({ inputs, outputs, zipMaps }: ModelProto): void {
  inputs.forEach(tensorInfo);
  outputs.forEach((info) => outputInfo(info, zipMaps));
}

function tensorInfo({ name, elemType, shape }: ValueInfo): TensorInfo {
  const dtype = elemType === null ? undefined : dtypeOf(elemType);
  if (dtype !== undefined) return { name, dtype, shape };
  const what = elemType === null ? 'a sequence, map or optional value' : `of element type ${elemType}`;
  throw new EkibenError(
    'EKIBEN_ONNX_TYPE_UNSUPPORTED',
    `'${name}' is ${what}: ONNX Runtime gives Node tensors of numbers, booleans and strings only, besides what ZipMap makes. ` +
      'Export the model with tensors (`options={"zipmap": False}` of skl2onnx).',
  );
}
