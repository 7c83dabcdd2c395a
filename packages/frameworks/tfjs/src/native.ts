// The two kinds of models of TensorFlow.js behind one face: what they take and give, by the names of their signature.
import type { Dim, DType, OutputInfo, TensorInfo } from '@ekiben/spec';
import type { GraphModel } from '@tensorflow/tfjs-converter';
import type { io, Tensor as TfTensor } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { importPeer } from './backend.ts';
import type { TensorFlow } from './backend.ts';
import { formatOf } from './artifacts.ts';
import type { Artifacts, Format } from './artifacts.ts';
import { invalidModel, reasonOf } from './fault.ts';

export interface Native {
  readonly format: Format;
  readonly inputs: readonly TensorInfo[];
  readonly outputs: readonly OutputInfo[];
  /** @param feeds - in the order of `inputs`; the answers are in that of `outputs`, and the caller's to dispose of */
  predict(feeds: readonly TfTensor[]): Promise<readonly TfTensor[]>;
  dispose(): void;
}

/** @throws EKIBEN_TFJS_MODEL_INVALID with what TensorFlow.js says; EKIBEN_TFJS_MISSING */
export async function openNative(tf: TensorFlow, artifacts: Artifacts): Promise<Native> {
  const format = formatOf(artifacts);
  const handler = tf.io.fromMemory(artifacts);
  const open = format === 'layers-model' ? await layersOpener(tf) : await graphOpener(artifacts);
  try {
    return await open(handler);
  } catch (error) {
    throw invalidModel(`TensorFlow.js does not open the model: ${reasonOf(error)}`, error);
  }
}

type Opener = (handler: io.IOHandler) => Promise<Native>;

async function layersOpener(tf: TensorFlow): Promise<Opener> {
  const { loadLayersModel } = await importPeer(() => import('@tensorflow/tfjs-layers'));
  return async (handler) => {
    const model = await loadLayersModel(handler);
    return {
      format: 'layers-model',
      inputs: model.inputs.map(valueInfo),
      outputs: model.outputs.map(valueInfo),
      // As `predict` of TensorFlow.js without its cutting into batches, which no rows at all do not survive.
      predict: async (feeds) => asList(tf.tidy(() => model.apply([...feeds]) as TfTensor | TfTensor[])),
      dispose: () => disposeOf(model),
    };
  };
}

/** A symbolic tensor's own name is another each time that a model is loaded; that of its layer stays. */
const valueInfo = ({ sourceLayer, dtype, shape }: LayersModel['inputs'][number]): TensorInfo => ({
  name: sourceLayer.name,
  dtype: dtype as DType,
  shape: shape.map(toDim),
});

const disposeOf = (model: LayersModel | GraphModel): void => void model.dispose();

async function graphOpener({ modelTopology, signature }: Artifacts): Promise<Opener> {
  const { loadGraphModel } = await importPeer(() => import('@tensorflow/tfjs-converter'));
  return async (handler) => {
    const model = await loadGraphModel(handler);
    const names = (signature ?? {}) as Signature;
    const inputNodes = model.inputs.map(({ name }) => name);
    const outputNodes = model.outputs.map(({ name }) => name);
    const isDynamic = hasDynamicOps(modelTopology);
    return {
      format: 'graph-model',
      inputs: model.inputs.map(({ name, dtype, shape }) => ({
        name: nameIn(names.inputs, name),
        dtype: dtype as DType,
        shape: shape?.map(toDim) ?? null,
      })),
      outputs: outputNodes.map((node) => outputInfo(names.outputs, node)),
      async predict(feeds) {
        const named = Object.fromEntries(inputNodes.map((node, i) => [node, feeds[i] as TfTensor]));
        return asList(isDynamic ? await model.executeAsync(named, outputNodes) : model.execute(named, outputNodes));
      },
      dispose: () => disposeOf(model),
    };
  };
}

const asList = (result: TfTensor | TfTensor[]): readonly TfTensor[] => (Array.isArray(result) ? result : [result]);

/** An open length is null, or -1. */
const toDim = (length: number | null): Dim => (length === null || length < 0 ? null : length);

/** Of a SavedModel, as the converter writes it. */
interface Signature {
  readonly inputs?: Entries | undefined;
  readonly outputs?: Entries | undefined;
}
type Entries = Readonly<
  Record<string, { readonly name: string; readonly dtype?: string; readonly tensorShape?: TensorShape }>
>;
interface TensorShape {
  readonly dim?: readonly { readonly size?: string | number }[];
  readonly unknownRank?: boolean;
}

const nodeOf = (tensorName: string): string => tensorName.replace(/:0$/, '');

function nameIn(entries: Entries | undefined, node: string): string {
  return Object.entries(entries ?? {}).find(([, { name }]) => nodeOf(name) === nodeOf(node))?.[0] ?? nodeOf(node);
}

const DTYPES: Readonly<Record<string, DType>> = {
  DT_FLOAT: 'float32',
  DT_HALF: 'float32',
  DT_DOUBLE: 'float32',
  DT_INT32: 'int32',
  DT_INT64: 'int32',
  DT_INT16: 'int32',
  DT_INT8: 'int32',
  DT_UINT8: 'int32',
  DT_BOOL: 'bool',
  DT_STRING: 'string',
};

function outputInfo(entries: Entries | undefined, node: string): OutputInfo {
  const name = nameIn(entries, node);
  const entry = entries?.[name];
  const shape = entry?.tensorShape;
  return {
    name,
    dtype: DTYPES[entry?.dtype ?? ''] ?? null,
    shape:
      shape === undefined || shape.unknownRank === true
        ? null
        : (shape.dim ?? []).map(({ size }) => toDim(Number(size))),
  };
}

// https://github.com/tensorflow/tfjs/blob/master/tfjs-converter/src/executor/graph_executor.ts: loops, branches, and operations whose
// shapes depend on data run asynchronously only; others had better not.
const DYNAMIC_OPS =
  /^(Switch|Merge|Enter|Exit|NextIteration|(Stateless)?(If|While)|NonMaxSuppressionV[2345]|Where|HashTable\w*|LookupTable\w*)$/;

function hasDynamicOps(topology: unknown): boolean {
  const { node, library } = topology as { node?: unknown; library?: { function?: unknown } };
  const functions = Array.isArray(library?.function) ? (library.function as { nodeDef?: unknown }[]) : [];
  return [node, ...functions.map(({ nodeDef }) => nodeDef)]
    .flatMap((nodes) => (Array.isArray(nodes) ? (nodes as { op?: unknown }[]) : []))
    .some(({ op }) => DYNAMIC_OPS.test(String(op)));
}
