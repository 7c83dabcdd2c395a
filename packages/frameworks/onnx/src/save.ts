// A model's way into the store: its file and those beside it, and what model.yaml says of them.
import type { Draft, SavedModel, Signature } from '@ekiben/spec';
import { copyFile, mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Dim } from '@ekiben/tensor';
import { checkExternalFiles, externalPath, missing } from './external-data.ts';
import { folderOf, readOnnxFile } from './model.ts';
import type { OnnxFile } from './model.ts';
import { toPython } from './options.ts';
import type { OnnxSaveOptions } from './options.ts';
import { readModelProto } from './proto.ts';
import type { ModelProto } from './proto.ts';
import { findRuntime } from './runtime.ts';

/** BentoML's name for the model file. */
export const MODEL_FILE = 'saved_model.onnx';

/** @throws EKIBEN_ONNX_MODEL_INVALID, EKIBEN_ONNX_EXTERNAL_DATA, EKIBEN_ONNX_PROVIDER */
export async function saveOnnx(file: OnnxFile, draft: Draft, options: OnnxSaveOptions): Promise<SavedModel> {
  const bytes = await readOnnxFile(file);
  const proto = readModelProto(bytes);
  await draft.write(MODEL_FILE, bytes);
  await copyExternalFiles(file, proto.externalFiles, draft.dir);
  const { providers } = options;
  return {
    // The fields of BentoML 1.0's first API version, which later ones read too. Python's session options are an object of its own.
    apiVersion: 'v1',
    options: { providers: providers === undefined ? null : toPython(providers), session_options: null },
    versions: await runtimeVersion(),
    signatures: { run: signatureOf(proto) },
  };
}

async function copyExternalFiles(file: OnnxFile, locations: readonly string[], target: string): Promise<void> {
  const dir = folderOf(file);
  await checkExternalFiles(dir, locations);
  if (dir === null) return;
  for (const location of locations) {
    const from = externalPath(dir, location);
    const to = externalPath(target, location);
    await mkdir(dirname(to), { recursive: true });
    await copyFile(from, to).catch((cause: unknown) => Promise.reject(missing(location, cause)));
  }
}

async function runtimeVersion(): Promise<Record<string, string>> {
  try {
    const { name, version } = await findRuntime();
    return { [name]: version };
  } catch {
    return {}; // A model can be stored where none runs.
  }
}

/**
 * Calls may be joined where every input and output begins with an open length, which is the number of rows by its name or, where it
 * has none, because the converters of scikit-learn and its like make no other. An open length may also be that of one text.
 */
function signatureOf({ producer, inputs, outputs, zipMaps }: ModelProto): Signature {
  const zipped = new Set(zipMaps.map(({ output }) => output));
  const shapes = [...inputs, ...outputs.filter(({ name }) => !zipped.has(name))].map(({ shape }) => shape);
  const lengths = shapes.map((shape) => shape?.[0]);
  const isRows = (length: Dim | undefined) =>
    length === null ? ROW_CONVERTERS.has(producer) : typeof length === 'string' && /batch|^n$/i.test(length);
  const names = new Set(lengths.filter((length) => typeof length === 'string'));
  // A square: more rows would be more columns, too.
  const isShared = shapes.some((shape) =>
    shape?.slice(1).some((length) => typeof length === 'string' && names.has(length)),
  );
  const batchable = lengths.length > 0 && lengths.every(isRows) && names.size <= 1 && !isShared;
  return batchable ? { batchable, batchDim: [0, 0], retrySafe: true } : { batchable, retrySafe: true };
}

const ROW_CONVERTERS: ReadonlySet<string> = new Set(['skl2onnx', 'OnnxMLTools']);
