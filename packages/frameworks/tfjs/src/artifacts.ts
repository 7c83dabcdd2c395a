// A model on disk: `model.json`, and beside it the files of its weights; https://github.com/tensorflow/tfjs/blob/master/tfjs-core/src/io/types.ts
import { readFile, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative } from 'node:path';
import type { io } from '@tensorflow/tfjs-core';
import { invalidModel, reasonOf } from './fault.ts';
import { MAX_MODEL_JSON_BYTES } from './limits.ts';

const MODEL_JSON = 'model.json';
const WEIGHTS_FILE = 'weights.bin';

export type Artifacts = io.ModelArtifacts;
export type Format = 'layers-model' | 'graph-model';

/**
 * @param path - of a `model.json`, or of the folder that holds it
 * @throws EKIBEN_TFJS_MODEL_INVALID for what is no path
 */
export async function modelJsonPath(path: string): Promise<string> {
  if (typeof path !== 'string') throw invalidModel(`a model is the path of its ${MODEL_JSON}, or of the folder`);
  const isFolder = await stat(path).then(
    (stats) => stats.isDirectory(),
    () => false,
  );
  return isFolder ? join(path, MODEL_JSON) : path;
}

/** @throws EKIBEN_TFJS_MODEL_INVALID */
export async function readArtifacts(modelJson: string): Promise<Artifacts> {
  const { weightsManifest, ...rest } = await readModelJson(modelJson);
  const weightSpecs = weightsManifest.flatMap(({ weights }) => weights);
  const groups = await Promise.all(weightsManifest.map((group) => readGroup(dirname(modelJson), group)));
  const weights = Buffer.concat(groups.flat());
  const weightData = weights.buffer.slice(weights.byteOffset, weights.byteOffset + weights.byteLength);
  return { ...rest, weightSpecs, weightData };
}

/** Copies a model's files as they are. @throws EKIBEN_TFJS_MODEL_INVALID */
export async function copyModel(
  modelJson: string,
  write: (name: string, bytes: Uint8Array) => Promise<void>,
): Promise<void> {
  const { weightsManifest } = await readModelJson(modelJson);
  await write(MODEL_JSON, await readFile(modelJson));
  for (const group of weightsManifest) {
    const files = await readGroup(dirname(modelJson), group);
    for (const [i, bytes] of files.entries()) await write(group.paths[i] as string, bytes);
  }
}

/** Writes a model that is in memory. */
export async function writeArtifacts(
  artifacts: Artifacts,
  write: (name: string, bytes: Uint8Array) => Promise<void>,
): Promise<void> {
  const { weightSpecs = [], weightData = new ArrayBuffer(0), ...rest } = artifacts;
  const weightsManifest = [{ paths: [WEIGHTS_FILE], weights: weightSpecs }];
  const buffers = Array.isArray(weightData) ? weightData : [weightData];
  await write(MODEL_JSON, Buffer.from(JSON.stringify({ ...rest, weightsManifest })));
  await write(WEIGHTS_FILE, Buffer.concat(buffers.map((buffer) => new Uint8Array(buffer))));
}

/** What tells the kind of a model. */
export interface Described {
  readonly format?: string | undefined;
  readonly modelTopology?: unknown;
}

/** What model.json says, or else what is in it. @throws EKIBEN_TFJS_MODEL_INVALID */
export function formatOf({ format, modelTopology }: Described): Format {
  if (format === 'layers-model' || format === 'graph-model') return format;
  if (isObject(modelTopology) && 'node' in modelTopology) return 'graph-model';
  if (isObject(modelTopology) && ('model_config' in modelTopology || 'class_name' in modelTopology))
    return 'layers-model';
  throw invalidModel('model.json describes neither a layers model nor a graph model');
}

type ModelJson = io.ModelJSON;
type Group = ModelJson['weightsManifest'][number];

/** @throws EKIBEN_TFJS_MODEL_INVALID */
export async function readModelJson(path: string): Promise<ModelJson> {
  const json = await parse(path);
  if (!isObject(json) || !isObject(json['modelTopology'])) throw invalidModel(`${MODEL_JSON} has no modelTopology`);
  if (!isManifest(json['weightsManifest'])) throw invalidModel(`${MODEL_JSON} has no weightsManifest that can be read`);
  const model = json as unknown as ModelJson;
  formatOf(model);
  return model;
}

async function parse(path: string): Promise<unknown> {
  try {
    const { size } = await stat(path);
    if (size > MAX_MODEL_JSON_BYTES) throw new Error(`it has more than ${MAX_MODEL_JSON_BYTES} bytes`);
    return JSON.parse(await readFile(path, 'utf8')) as unknown;
  } catch (error) {
    throw invalidModel(`${MODEL_JSON} cannot be read: ${reasonOf(error)}`, error);
  }
}

function isManifest(value: unknown): value is ModelJson['weightsManifest'] {
  return (
    Array.isArray(value) &&
    value.every(
      (group) =>
        isObject(group) &&
        Array.isArray(group['weights']) &&
        group['weights'].every((weight) => isObject(weight) && Array.isArray(weight['shape'])) &&
        Array.isArray(group['paths']) &&
        group['paths'].every((path) => typeof path === 'string'),
    )
  );
}

/** The files of a group, which hold its weights one after another. TensorFlow.js would read wrong numbers from wrong sizes. */
async function readGroup(dir: string, { paths, weights }: Group): Promise<Uint8Array[]> {
  const wanted = bytesOf(weights);
  const files = await Promise.all(paths.map((path) => readWeights(dir, path)));
  const bytes = files.reduce((sum, { byteLength }) => sum + byteLength, 0);
  if (wanted === null || wanted === bytes) return files;
  const names = paths.join(', ').slice(0, 100);
  throw invalidModel(`the weights [${names}] have ${bytes} bytes, but ${MODEL_JSON} says ${wanted}`);
}

const ITEM_BYTES: Readonly<Record<string, number>> = {
  float32: 4,
  int32: 4,
  complex64: 8,
  bool: 1,
  float16: 2,
  uint16: 2,
  uint8: 1,
};

/** Null where there are texts, each of a length of its own. @throws EKIBEN_TFJS_MODEL_INVALID */
function bytesOf(weights: Group['weights']): number | null {
  if (weights.some(({ dtype }) => dtype === 'string')) return null;
  return weights.reduce((sum, { name, shape, dtype, quantization }) => {
    const stored = quantization?.dtype ?? dtype;
    const bytes = shape.reduce((product, length) => product * length, ITEM_BYTES[stored] ?? NaN);
    if (shape.every((length) => length >= 0) && Number.isSafeInteger(bytes)) return sum + bytes;
    const what = `${String(name).slice(0, 100)} of ${String(stored).slice(0, 20)}[${shape.join(', ').slice(0, 100)}]`;
    throw invalidModel(`${MODEL_JSON} has a weight ${what}, which there cannot be`);
  }, 0);
}

async function readWeights(dir: string, path: string): Promise<Uint8Array> {
  const inside = relative(dir, join(dir, path));
  if (isAbsolute(path) || inside === '' || inside.startsWith('..') || path.includes('\0')) {
    throw invalidModel(`${MODEL_JSON} keeps weights at ${JSON.stringify(path.slice(0, 100))}, outside its folder`);
  }
  return readFile(join(dir, path)).catch((cause: unknown) =>
    Promise.reject(invalidModel(`the weights ${path.slice(0, 100)} cannot be read: ${reasonOf(cause)}`, cause)),
  );
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;
