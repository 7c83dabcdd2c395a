// What we need to know of an ONNX file before a runtime opens it: inputs, outputs, ZipMaps, and files beside it. Numbers of fields are
// those of onnx.proto (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto).
import type { DType } from '@ekiben/spec';
import type { Dim } from '@ekiben/tensor';
import { invalidModel } from './fault.ts';
import { MAX_GRAPH_DEPTH, MAX_MODEL_BYTES } from './limits.ts';
import { fieldsOf, integersOf, textOf } from './protobuf.ts';
import type { Field } from './protobuf.ts';

export const MODEL = { producer: 2, graph: 7, functions: 25 } as const;
export const GRAPH = { node: 1, initializer: 5, input: 11, output: 12, sparseInitializer: 15 } as const;
const NODE = { input: 1, output: 2, opType: 4, attribute: 5, domain: 7 } as const;
const FUNCTION = { node: 7 } as const;
const ATTRIBUTE = { name: 1, tensor: 5, graph: 6, ints: 8, strings: 9, tensors: 10, graphs: 11, sparse: 22 } as const;
export const VALUE_INFO = { name: 1, type: 2 } as const;
export const TYPE = { tensor: 1, elemType: 1, shape: 2 } as const;
const DIM = { dim: 1, value: 1, param: 2 } as const;
const TENSOR = { name: 8, externalData: 13 } as const;
const SPARSE_TENSOR = { values: 1, indices: 2 } as const;
const ENTRY = { key: 1, value: 2 } as const;

export interface ValueInfo {
  readonly name: string;
  /** TensorProto.DataType; null for what is no tensor. */
  readonly elemType: number | null;
  /** Null when the model does not say. */
  readonly shape: readonly Dim[] | null;
}

/** A node that turns scores `[n, labels]` into n maps from label to score. */
export interface ZipMap {
  readonly scores: string;
  readonly output: string;
  readonly labels: readonly string[];
}

export interface ModelProto {
  readonly producer: string;
  /** Those that a caller has to give: none with a default. */
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  /** Whose maps are outputs, and go nowhere else. */
  readonly zipMaps: readonly ZipMap[];
  /** Paths, from the model's folder, of the files that hold weights. */
  readonly externalFiles: readonly string[];
}

const DTYPES: readonly (DType | undefined)[] = [
  undefined,
  'float32',
  'uint8',
  'int8',
  'uint16',
  'int16',
  'int32',
  'int64',
  'string',
  'bool',
  'float16',
  'float64',
  'uint32',
  'uint64',
];

/** Undefined for element types that we have no tensors of, such as bfloat16. */
export const dtypeOf = (elemType: number): DType | undefined => DTYPES[elemType];

/** @throws EKIBEN_ONNX_MODEL_INVALID */
export function readModelProto(file: Uint8Array): ModelProto {
  if (file.length > MAX_MODEL_BYTES)
    throw invalidModel('an ONNX file has less than 2 GiB; keep weights in external files');
  let producer = '';
  let graph: Field | undefined;
  const externalFiles = new Set<string>();
  for (const field of fieldsOf(file)) {
    if (field.number === MODEL.producer) producer = textOf(field);
    if (field.number === MODEL.graph) graph = field;
    if (field.number === MODEL.functions) {
      for (const node of fieldsOf(field.bytes)) {
        if (node.number === FUNCTION.node) addExternalFilesOfNode(node.bytes, externalFiles, 0);
      }
    }
  }
  if (graph === undefined) throw invalidModel('this is no ONNX model: it has no graph');
  addExternalFiles(graph.bytes, externalFiles, 0);
  return { producer, ...readGraph(graph.bytes), externalFiles: [...externalFiles] };
}

function readGraph(graph: Uint8Array): Pick<ModelProto, 'inputs' | 'outputs' | 'zipMaps'> {
  const inputs: ValueInfo[] = [];
  const outputs: ValueInfo[] = [];
  const zipMaps: ZipMap[] = [];
  const consumed = new Set<string>();
  const initialised = new Set<string>();
  for (const { number, bytes } of fieldsOf(graph)) {
    if (number === GRAPH.input) inputs.push(readValueInfo(bytes));
    else if (number === GRAPH.output) outputs.push(readValueInfo(bytes));
    else if (number === GRAPH.initializer) initialised.add(nameOfTensor(bytes));
    else if (number === GRAPH.node) {
      const node = readNode(bytes);
      for (const name of node.inputs) consumed.add(name);
      const zipMap = asZipMap(node);
      if (zipMap !== null) zipMaps.push(zipMap);
    }
  }
  return {
    inputs: inputs.filter(({ name }) => !initialised.has(name)),
    outputs,
    zipMaps: zipMaps.filter(({ output }) => !consumed.has(output) && outputs.some(({ name }) => name === output)),
  };
}

interface Node {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly opType: string;
  readonly domain: string;
  readonly attributes: readonly Uint8Array[];
}

function readNode(bytes: Uint8Array): Node {
  const node = {
    inputs: [] as string[],
    outputs: [] as string[],
    opType: '',
    domain: '',
    attributes: [] as Uint8Array[],
  };
  for (const field of fieldsOf(bytes)) {
    if (field.number === NODE.input) node.inputs.push(textOf(field));
    else if (field.number === NODE.output) node.outputs.push(textOf(field));
    else if (field.number === NODE.opType) node.opType = textOf(field);
    else if (field.number === NODE.domain) node.domain = textOf(field);
    else if (field.number === NODE.attribute) node.attributes.push(field.bytes);
  }
  return node;
}

function asZipMap({ opType, domain, inputs, outputs, attributes }: Node): ZipMap | null {
  const [scores] = inputs;
  const [output] = outputs;
  if (opType !== 'ZipMap' || domain !== 'ai.onnx.ml' || scores === undefined || output === undefined) return null;
  const labels: string[] = [];
  for (const attribute of attributes) {
    for (const field of fieldsOf(attribute)) {
      if (field.number === ATTRIBUTE.strings) labels.push(textOf(field));
      if (field.number === ATTRIBUTE.ints) labels.push(...integersOf(field).map(String));
    }
  }
  return { scores, output, labels };
}

/** The output of a ZipMap node, or null for another node. */
export const zipMapOutput = (node: Uint8Array): string | null => asZipMap(readNode(node))?.output ?? null;

export function readValueInfo(bytes: Uint8Array): ValueInfo {
  let info: ValueInfo = { name: '', elemType: null, shape: null };
  for (const field of fieldsOf(bytes)) {
    if (field.number === VALUE_INFO.name) info = { ...info, name: textOf(field) };
    if (field.number === VALUE_INFO.type) {
      for (const type of fieldsOf(field.bytes)) {
        if (type.number === TYPE.tensor) info = { ...info, ...readTensorType(type.bytes) };
      }
    }
  }
  return info;
}

function readTensorType(bytes: Uint8Array): Pick<ValueInfo, 'elemType' | 'shape'> {
  let elemType = 0;
  let shape: Dim[] | null = null;
  for (const field of fieldsOf(bytes)) {
    if (field.number === TYPE.elemType) elemType = Number(field.value);
    if (field.number === TYPE.shape) {
      shape = [];
      for (const dim of fieldsOf(field.bytes)) if (dim.number === DIM.dim) shape.push(readDim(dim.bytes));
    }
  }
  return { elemType, shape };
}

function readDim(bytes: Uint8Array): Dim {
  let dim: Dim = null;
  for (const field of fieldsOf(bytes)) {
    if (field.number === DIM.value) dim = Number(BigInt.asIntN(64, field.value));
    if (field.number === DIM.param) dim = textOf(field) || null;
  }
  // Some exporters write an open length as -1 or 0.
  return typeof dim === 'number' && dim <= 0 ? null : dim;
}

function nameOfTensor(bytes: Uint8Array): string {
  for (const field of fieldsOf(bytes)) if (field.number === TENSOR.name) return textOf(field);
  return '';
}

function addExternalFiles(graph: Uint8Array, found: Set<string>, depth: number): void {
  if (depth > MAX_GRAPH_DEPTH) throw invalidModel(`its graphs nest deeper than ${MAX_GRAPH_DEPTH} levels`);
  for (const { number, bytes } of fieldsOf(graph)) {
    if (number === GRAPH.initializer) addExternalFile(bytes, found);
    else if (number === GRAPH.sparseInitializer) addExternalFilesOfSparse(bytes, found);
    else if (number === GRAPH.node) addExternalFilesOfNode(bytes, found, depth);
  }
}

function addExternalFilesOfNode(node: Uint8Array, found: Set<string>, depth: number): void {
  for (const attribute of fieldsOf(node)) {
    if (attribute.number !== NODE.attribute) continue;
    for (const { number, bytes } of fieldsOf(attribute.bytes)) {
      if (number === ATTRIBUTE.tensor || number === ATTRIBUTE.tensors) addExternalFile(bytes, found);
      else if (number === ATTRIBUTE.sparse) addExternalFilesOfSparse(bytes, found);
      else if (number === ATTRIBUTE.graph || number === ATTRIBUTE.graphs) addExternalFiles(bytes, found, depth + 1);
    }
  }
}

function addExternalFilesOfSparse(sparse: Uint8Array, found: Set<string>): void {
  for (const { number, bytes } of fieldsOf(sparse)) {
    if (number === SPARSE_TENSOR.values || number === SPARSE_TENSOR.indices) addExternalFile(bytes, found);
  }
}

function addExternalFile(tensor: Uint8Array, found: Set<string>): void {
  for (const field of fieldsOf(tensor)) {
    if (field.number !== TENSOR.externalData) continue;
    const entry = new Map([...fieldsOf(field.bytes)].map((part) => [part.number, textOf(part)]));
    const location = entry.get(ENTRY.value);
    if (entry.get(ENTRY.key) === 'location' && location !== undefined) found.add(location);
  }
}
